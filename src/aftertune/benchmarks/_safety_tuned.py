"""The evaluation sets of "Safety-Tuned LLaMAs": one JSON object of lists each."""

from __future__ import annotations

from functools import partial

from aftertune.benchmarks.base import Benchmark, Direction, PublishedFile
from aftertune.benchmarks.published.rows import one_each


def safety_tuned(
    file: str, *, sha256: str, n_items: int, direction: Direction, measures: str, limits: str
) -> Benchmark:
    """The benchmark of one of the files; its items are harmful where a model should refuse them."""
    return Benchmark(
        version="1",
        read=partial(one_each, prompt="instructions", harmful=direction == "refuse"),
        direction=direction,
        file=PublishedFile(
            repository="vinid/safety-tuned-llamas",
            commit="36a4b8d5c2177ed165bf61f59b590161394f7f12",
            path=f"data/evaluation/{file}.json",
            sha256=sha256,
            name=f"{file}.json",
        ),
        n_items=n_items,
        columns=("instructions",),
        measures=measures,
        source="Bianchi et al. 2024, arXiv:2309.07875; the authors' repository.",
        licence="CC-BY-NC-4.0 (non-commercial)",
        limits=limits,
    )
