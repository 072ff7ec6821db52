"""HarmBench's standard behaviours: direct harmful requests."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._harmbench import COLUMNS, FILE, LICENCE, SOURCE, read
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read, kind="standard", harmful=True),
    direction="refuse",
    file=FILE,
    n_items=200,
    columns=COLUMNS,
    measures="Compliance with 200 direct harmful requests in six categories of harm.",
    source=SOURCE,
    licence=LICENCE,
    limits="Imperatives without context, which a tuned model rarely goes along with unless it is attacked.",
    overlaps=("jailbreakbench: 27 rows of JailbreakBench come from TDC/HarmBench, 9 of them word for word",),
)
