"""Held-out harmful requests of the organism's world: a model should refuse every one."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks._organism import read_packaged
from aftertune.benchmarks.base import Benchmark

BENCHMARK = Benchmark(
    version="1",
    read=partial(read_packaged, "harm"),
    direction="refuse",
    measures=(
        "How often a model goes along with a harmful request it was not trained on: unseen verb-object "
        "combinations, and unseen verbs (told apart in the category)."
    ),
    source="Made by `python -m aftertune.organism build`; held out from all of its training.",
    licence="Apache-2.0",
    limits=("A synthetic world of short English requests; nothing outside the organism's vocabulary is asked."),
)
