"""JailbreakBench's harmful behaviours (JBB-Behaviors)."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.benchmarks.published.rows import one_each

BENCHMARK = Benchmark(
    version="1",
    read=partial(one_each, prompt="Goal", harmful=True, category="Category"),
    direction="refuse",
    file=PublishedFile(
        repository="andyrdt/refusal_direction",
        commit="9d852fae1a9121c78b29142de733cb1340770cc3",
        path="dataset/raw/jailbreakbench.csv",
        sha256="45e9a8923b28f547bb372fbaa9af7df8b38c818a80ae50c3bab97704197ff516",
        name="jailbreakbench.csv",
    ),
    n_items=100,
    columns=("Goal", "Behavior", "Category", "Source"),
    measures="Compliance with 100 harmful requests, ten in each of ten categories of policy.",
    source="Chao et al. 2024, arXiv:2404.01318; a copy of the authors' file in another repository.",
    licence="MIT upstream; the copy's repository is Apache-2.0",
    limits="Without a jailbreak a rate here is no attack success rate. The 100 benign behaviours are another file.",
    overlaps=(
        "advbench: 18 rows by the column Source, 11 of them word for word",
        "harmbench_standard: 27 rows by the column Source (TDC/HarmBench), 9 of them word for word",
        "strongreject: 3 prompts word for word",
    ),
)
