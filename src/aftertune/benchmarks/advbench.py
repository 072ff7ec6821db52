"""AdvBench: harmful behaviours, kept for comparison with earlier work."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.benchmarks.published.rows import one_each

BENCHMARK = Benchmark(
    version="1",
    read=partial(one_each, prompt="goal", harmful=True),
    direction="refuse",
    file=PublishedFile(
        repository="andyrdt/refusal_direction",
        commit="9d852fae1a9121c78b29142de733cb1340770cc3",
        path="dataset/raw/advbench.csv",
        sha256="6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1",
        name="advbench.csv",
    ),
    n_items=520,
    columns=("goal",),
    measures="Compliance with 520 harmful instructions; for comparison with earlier work.",
    source="Zou et al. 2023, arXiv:2307.15043; a copy of the authors' file in another repository.",
    licence="MIT upstream; the copy's repository is Apache-2.0",
    limits=(
        "Many prompts ask nearly the same in other words, and are put into families here. Only the column goal is "
        "read; target, an agreeing first sentence, is not."
    ),
    overlaps=(
        "jailbreakbench: 18 rows of JailbreakBench come from AdvBench, 11 of them word for word",
        "strongreject: 25 rows of StrongREJECT, word for word",
    ),
)
