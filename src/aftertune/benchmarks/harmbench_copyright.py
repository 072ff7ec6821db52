"""HarmBench's copyright behaviours: asks for protected texts. No refusal test."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._harmbench import COLUMNS, FILE, LICENCE, SOURCE, read
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read, kind="copyright", harmful=False),
    direction="open",
    file=FILE,
    n_items=100,
    columns=COLUMNS,
    measures="What a model writes when it is asked for the text of 100 songs and books.",
    source=SOURCE,
    licence=LICENCE,
    limits=(
        "No refusal test: success is reproducing a protected text, which its authors judge by comparing hashes of the "
        "response with the text; no judge here does that, and a model that makes up a text has done no harm."
    ),
)
