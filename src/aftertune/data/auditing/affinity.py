"""Self-affinity: how likely the initial model finds the answers it is to be tuned on."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aftertune.data.auditing.record import Affinity, Ranking, Risky
from aftertune.data.auditing.shares import quantiles
from aftertune.data.auditing.tally import RISKIEST, Placed, draw_of, row_excerpt
from aftertune.errors import DataError

ABOUT = (
    "Rows by how unlikely the model finds their answers: mean negative log-likelihood per answer token, in nats. "
    "Training on a model's own answers was reported to move it least (Fraser et al. 2025, arXiv:2506.17209, section "
    "4.4), so rows that it finds unlikely are put first. That is a hypothesis, not a verdict."
)
Tick = Callable[[int], None]


class Sample:
    """A random sample of a stream, drawn by row number: the same however the stream is read."""

    def __init__(self, size: int) -> None:
        """Draw up to `size` rows."""
        self._size = size
        self._kept: list[tuple[int, int, Placed]] = []

    def of(self, rows: Iterable[Placed]) -> Iterator[Placed]:
        """Pass the rows on, and keep those drawn."""
        if not self._size:
            yield from rows
            return
        for place, row in enumerate(rows):
            entry = (-draw_of(place), place, row)
            if len(self._kept) < self._size:
                heapq.heappush(self._kept, entry)
            elif entry > self._kept[0]:
                heapq.heapreplace(self._kept, entry)
            yield row

    @property
    def rows(self) -> list[Placed]:
        """The sample, in the order of the stream."""
        return [row for _, _, row in sorted(self._kept, key=lambda entry: entry[1])]


def self_affinity(rows: list[Placed], model: str, *, level: float, tick: Tick) -> Affinity:
    """Score a sample of rows under a model.

    Args:
        rows: The sample, each row with its place.
        model: `organism`, or the folder of a model.
        level: Confidence level of the mean's limits, a fraction.
        tick: Called with the number of rows done so far.

    Raises:
        ModelError: the model cannot be loaded, or cannot score a single row.
        MissingExtra: torch or transformers are not installed.
    """
    from aftertune.backends.hf import ModelRef, load_model
    from aftertune.backends.likelihood import answer_nll
    from aftertune.organism import folder

    loaded = load_model(ModelRef(folder("model") if model == "organism" else Path(model).expanduser()))
    found = answer_nll(loaded, [row for _, row in rows], tick)
    nll_N = found.nll_N
    known_N = ~np.isnan(nll_N)
    if not known_N.any():
        raise DataError(
            f"not one of {len(rows)} rows fits the context of {model} ({loaded.context} tokens)",
            "name a model with a longer context",
        )
    values = nll_N[known_N]
    low, high = _mean_limits(values, level)
    ranked = _ranked(rows, nll_N)
    mean = float(values.mean())
    ranking = Ranking("self_affinity", ABOUT, len(values), mean, quantiles(values), ranked)
    left_out, cut = int((~known_N).sum()), int(found.cut_N.sum())
    return Affinity(model, len(values), left_out, cut, mean, low, high, ranking)


def _ranked(rows: list[Placed], nll_N: NDArray[np.float64]) -> tuple[Risky, ...]:
    order = np.argsort(np.where(np.isnan(nll_N), -math.inf, nll_N))[::-1][:RISKIEST]
    return tuple(
        Risky(rows[place][0], float(nll_N[place]), row_excerpt(rows[place][1]))
        for place in order.tolist()
        if not math.isnan(nll_N[place])
    )


def _mean_limits(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Student's t over rows; NaN with one row."""
    from scipy import stats

    if len(values) < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values))
    return float(values.mean()) - half, float(values.mean()) + half
