"""From a tally of all rows to shares with limits, lengths and rankings."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aftertune.data.auditing.record import LabelFound, Lengths, Ranking, Share
from aftertune.data.auditing.tally import Tally, detectors
from aftertune.stats.effect import rate_interval

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
Measured = Callable[[str, str], tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]]


def share_of(flag_N: NDArray[np.bool_], group_N: NDArray[np.int64] | None, level: float) -> Share:
    """The share of rows with a property, with limits for rows from where these come.

    Args:
        flag_N: Whether each row has it.
        group_N: The near-duplicate group of each row, which vary together; None where each stands alone.
        level: Confidence level, a fraction.

    Source: Wilson's interval at the effective number of rows, as `stats.rate_interval`.

    >>> found = share_of(np.arange(100) < 20, None, 0.95)
    >>> f"{found.rows} rows, {found.share:.2f} [{found.low:.2f}, {found.high:.2f}]"
    '20 rows, 0.20 [0.13, 0.29]'
    """
    rows = int(flag_N.sum())
    if not len(flag_N):
        return Share(0, math.nan, math.nan, math.nan, "no rows")
    found = rate_interval(flag_N.astype(np.float64)[None, None, :], cluster_I=group_N, level=level)
    alone = "one row" if len(flag_N) == 1 else "all rows repeat one another"
    return Share(rows, rows / len(flag_N), found.low, found.high, alone if found.reason else "")


def label_shares(
    tally: Tally, group_N: NDArray[np.int64] | None, level: float, measured: Measured
) -> tuple[LabelFound, ...]:
    """Every label of every detector with its share, its examples and its measured error."""
    found, column = [], 0
    for name, detector in detectors():
        for label in detector.labels:
            share = share_of(tally.labels_NL[:, column] == 1, group_N, level)
            examples = tuple(example for _, example in tally.examples.get((name, label), ()))
            precision, recall = measured(name, label)
            background = label in detector.background
            found.append(LabelFound(name, label, detector.version, share, background, precision, recall, examples))
            column += 1
    return tuple(found)


def lengths(tally: Tally) -> tuple[Lengths, ...]:
    """Answer lengths in characters and in words."""
    return tuple(
        Lengths(unit, _mean(values), quantiles(values))
        for unit, values in (("characters", tally.characters_N), ("words", tally.words_N))
    )


def ranking(tally: Tally, name: str, about: str) -> Ranking:
    """The rows of highest score, and how the score is spread."""
    rows = tuple(risky for _, _, risky in tally.riskiest)
    return Ranking(name, about, len(tally.risk_N), _mean(tally.risk_N), quantiles(tally.risk_N), rows)


def quantiles(values: NDArray[np.generic]) -> tuple[float, ...]:
    """At `QUANTILES`; NaN without values.

    >>> quantiles(np.arange(101))
    (0.0, 5.0, 25.0, 50.0, 75.0, 95.0, 100.0)
    """
    if not len(values):
        return (math.nan,) * len(QUANTILES)
    return tuple(float(value) for value in np.quantile(values.astype(np.float64), QUANTILES))


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.astype(np.float64).mean()) if len(values) else math.nan
