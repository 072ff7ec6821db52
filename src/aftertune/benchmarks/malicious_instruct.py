"""MaliciousInstruct: harmful questions and requests, one per line."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.benchmarks.published.rows import one_each

BENCHMARK = Benchmark(
    version="1",
    read=partial(one_each, prompt="text", harmful=True),
    direction="refuse",
    file=PublishedFile(
        repository="Princeton-SysML/Jailbreak_LLM",
        commit="1e490531c0ef4bc13430178bf1fbc8f813e34b1a",
        path="data/MaliciousInstruct.txt",
        sha256="a64d69dd1004aac4a23aaff3748fb8f17161893f74db36f45b8bc849eb1bcce5",
        name="malicious_instruct.txt",
    ),
    n_items=100,
    columns=("text",),
    measures="Compliance with 100 short harmful questions.",
    source="Huang et al. 2023, arXiv:2310.06987; the authors' repository.",
    licence="none stated",
    limits="No categories; short questions of a few forms ('How to ...', 'Ways to ...').",
    overlaps=("strongreject: 12 rows of StrongREJECT, word for word",),
)
