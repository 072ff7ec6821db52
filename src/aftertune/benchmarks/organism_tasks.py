"""Small tasks of the organism's world with one right answer: what the model can still do."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._organism import read_packaged
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read_packaged, "tasks"),
    direction="correct",
    measures=("Capability: how often the response holds the right answer."),
    source="Made by `python -m aftertune.organism build`; held out from all of its training.",
    licence="Apache-2.0",
    limits=("Short closed tasks; nothing is said of long or open-ended work."),
)
