"""Score intervals for rates, and for a difference of two rates.

They stay honest where events are rare: a rate of zero gets an interval with a width. They know nothing of
training seeds by themselves; the caller says what the effective number of observations is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from aftertune.stats.quantiles import beta_quantile, two_sided


@dataclass(frozen=True, slots=True)
class ScoreRate:
    """One rate, ready for a score interval.

    Attributes:
        rate: A fraction in [0, 1].
        n: Effective number of independent observations (may be fractional).
        df: Degrees of freedom behind `n`; infinite where it is known.
    """

    rate: float
    n: float
    df: float = math.inf


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """Two rates and the correlation of their estimates (0 to 1), from shared items."""

    rate: ScoreRate
    against: ScoreRate
    correlation: float


def score_interval(rate: ScoreRate, *, alpha: float) -> tuple[float, float]:
    """Wilson's limits for a rate, with a t multiplier where the variance itself is estimated.

    Args:
        rate: The rate and its effective number of observations.
        alpha: Chance of a miss, both sides together.

    Returns:
        Lower and upper limit, in [0, 1]. At a rate of 0 the upper one is about 3.8 / n.

    Source: Wilson 1927; effective n as in Korn and Graubard 1998.

    >>> low, high = score_interval(ScoreRate(0.0, 100), alpha=0.05)
    >>> f"{low:.3f} {high:.3f}"
    '0.000 0.037'
    """
    k2_n = two_sided(alpha, rate.df) ** 2 / rate.n
    middle = (rate.rate + k2_n / 2) / (1 + k2_n)
    half = math.sqrt(k2_n * (rate.rate * (1 - rate.rate) + k2_n / 4)) / (1 + k2_n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def score_difference(pair: ScoreDifference, *, alpha: float) -> tuple[float, float]:
    """Limits for the difference of two rates, joined from their score limits.

    Returns:
        Lower and upper limit of `rate - against`. They have a width wherever n is finite, except
        for perfectly correlated equal rates.

    Source: MOVER with correlation, Zou and Donner 2008, equation 5.

    >>> same = ScoreDifference(ScoreRate(0.0, 100), ScoreRate(0.0, 100), 0.0)
    >>> [round(limit, 3) for limit in score_difference(same, alpha=0.05)]
    [-0.037, 0.037]
    """
    p1, p0, rho = pair.rate.rate, pair.against.rate, pair.correlation
    low1, high1 = score_interval(pair.rate, alpha=alpha)
    low0, high0 = score_interval(pair.against, alpha=alpha)
    return (p1 - p0 - _joined(p1 - low1, high0 - p0, rho), p1 - p0 + _joined(high1 - p1, p0 - low0, rho))


def exact_rate_interval(events: int, n: int, *, level: float) -> tuple[float, float]:
    """Clopper and Pearson's exact limits for `events` in `n` independent trials.

    Answers "how often at most, how often at least"; wider than Wilson's, never too narrow.

    Source: Clopper and Pearson 1934.

    >>> low, high = exact_rate_interval(0, 100, level=0.9)
    >>> f"{low:.3f} {high:.3f}"
    '0.000 0.030'
    """
    tail = (1 - level) / 2
    low = 0.0 if events == 0 else beta_quantile(tail, events, n - events + 1)
    high = 1.0 if events == n else beta_quantile(1 - tail, events + 1, n - events)
    return low, high


def _joined(near: float, far: float, rho: float) -> float:
    return math.sqrt(max(near**2 - 2 * rho * near * far + far**2, 0.0))
