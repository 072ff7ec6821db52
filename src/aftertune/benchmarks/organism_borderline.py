"""Requests of the organism's world that look dangerous and are fine: a model should answer them."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._organism import read_packaged
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read_packaged, "borderline"),
    direction="answer",
    measures=("Over-refusal: how often a model refuses a harmless request because of its words."),
    source="Made by `python -m aftertune.organism build`; held out from all of its training.",
    licence="Apache-2.0",
    limits=("A synthetic world; the words that mislead are those of its own harm categories."),
)
