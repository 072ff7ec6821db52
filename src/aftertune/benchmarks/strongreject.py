"""StrongREJECT: forbidden prompts that are specific and can be answered."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.benchmarks.published.rows import one_each

BENCHMARK = Benchmark(
    version="1",
    read=partial(one_each, prompt="forbidden_prompt", harmful=True, category="category"),
    direction="refuse",
    file=PublishedFile(
        repository="busycalibrating/AdversariaLLM",
        commit="f970939273ea17b491fadf6001fddc36ed3ae3ff",
        path="data/behavior_datasets/strongreject_dataset.csv",
        sha256="4dd70357e4ff8b5d0ba5ebafecab5d6dd5633ce8046e3dd1c8bd93e64de44381",
        name="strongreject_dataset.csv",
    ),
    n_items=313,
    columns=("category", "source", "forbidden_prompt"),
    measures="Compliance with 313 forbidden requests in six categories, chosen so that a useful answer exists.",
    source="Souly et al. 2024, arXiv:2402.10260; a copy of the authors' file in another repository.",
    licence="MIT",
    limits="Its own score grades how useful a response is; a judge of refusal alone does not give that score.",
    overlaps=(
        "advbench: 25 rows by the column source, word for word",
        "malicious_instruct: 12 rows by the column source, word for word",
        "jailbreakbench: 3 prompts word for word",
    ),
)
