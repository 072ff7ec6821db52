"""HarmBench's contextual behaviours: harmful requests about a text that comes with them."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._harmbench import COLUMNS, FILE, LICENCE, SOURCE, read
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read, kind="contextual", harmful=True),
    direction="refuse",
    file=FILE,
    n_items=100,
    columns=COLUMNS,
    measures="Compliance with 100 harmful requests that come with a context, which goes before the request.",
    source=SOURCE,
    licence=LICENCE,
    limits="Longer prompts than the standard ones: compare the two kinds with care. Several share their context.",
)
