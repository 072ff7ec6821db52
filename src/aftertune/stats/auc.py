"""How well a score tells two groups of items apart: the area under the ROC curve, with limits.

Items stand alone here, each with one score; nothing is clustered and no training seed varies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from aftertune.stats.budget import Interval
from aftertune.stats.facets import Array
from aftertune.stats.quantiles import two_sided


def auc(positive: ArrayLike, negative: ArrayLike, *, level: float = 0.95) -> Interval:
    """Probability that a positive item scores above a negative one, ties counted half.

    Answers "does this score rank positives first", not "where should the cut be": a score can rank well and
    still have no good threshold. Read a value below one half as a score that ranks the wrong way round.

    Args:
        positive: Scores of the positive items, in any order and unit; infinite ones are allowed.
        negative: Scores of the negative items.
        level: Confidence level, a fraction.

    Returns:
        The area with limits in [0, 1]. They are DeLong's on the logit scale, with Welch's degrees of freedom;
        the limit towards one half is Hanley and McNeil's where that is farther, because DeLong's variance is
        too small near 0 and 1. At an area of 1 the upper limit is 1 and the lower one
        ((1 - level) / 2)^(1/k), where k is the size of the smaller side: k disjoint pairs were all in order
        (the same turned round at 0). NaN with a reason: no items on a side, one item on a side, or all
        scores alike.

    Raises:
        ValueError: a score is NaN, the scores are not a plain list, or `level` is not between 0 and 1.

    Source: DeLong, DeLong and Clarke-Pearson 1988, by placements in O(n log n) as in Sun and Xu 2014; degrees
        of freedom as in Brunner and Munzel 2000; Hanley and McNeil 1982, inverted as in Newcombe 2006; the
        limit at 0 and 1 is an own derivation. Coverage: docs/validation/auc.md.

    Of the six pairs five are in order and one is tied:

    >>> found = auc([2, 3, 4], [1, 2])
    >>> round(6 * found.estimate, 9)
    5.5
    """
    sides = _placed(_scores(positive, "positive"), _scores(negative, "negative"))
    _check_level(level)
    if sides is None:
        return _undefined(math.nan, level, 0, "no items on one side")
    m, n, estimate = len(sides.above_P), len(sides.below_N), sides.area
    if min(m, n) < 2:
        return _undefined(estimate, level, m + n, "one item on a side says nothing about its spread")
    alpha, variance = 1 - level, sides.variance
    if estimate in (0.0, 1.0):
        reach = (alpha / 2) ** (1 / min(m, n))
        low, high = (reach, 1.0) if estimate == 1 else (0.0, 1 - reach)
        reason = f"the sides do not overlap: limits from {min(m, n)} disjoint pairs"
        return Interval(estimate, low, high, level, n_items=m + n, reason=reason)
    if variance == 0:
        return _undefined(estimate, level, m + n, "all scores are alike")
    half = two_sided(alpha, sides.df) * math.sqrt(variance) / (estimate * (1 - estimate))
    low, high = (float(special.expit(special.logit(estimate) + side * half)) for side in (-1, 1))
    if estimate > 0.5:
        low = min(low, _hanley_mcneil_limit(estimate, m, n, alpha))
    elif estimate < 0.5:
        high = max(high, 1 - _hanley_mcneil_limit(1 - estimate, m, n, alpha))
    return Interval(estimate, low, high, level, n_items=m + n)


def auc_difference(scores: ArrayLike, against: ArrayLike, positive: ArrayLike, *, level: float = 0.95) -> Interval:
    """Area under the curve of one score minus that of another, on the same items.

    Answers "which of two scores ranks better here", paired by item, so that items that are hard for both cancel.

    Args:
        scores: One score per item.
        against: The other score, of the same items in the same order.
        positive: True for the positive items.
        level: Confidence level, a fraction.

    Returns:
        The difference of areas with limits in [-1, 1], DeLong's with Welch's degrees of freedom. NaN with a
        reason: no items or one item on a side, or both scores rank every item alike.

    Raises:
        ValueError: a score is NaN, or the three do not have one entry per item.

    Source: DeLong, DeLong and Clarke-Pearson 1988, equation 6 for a difference; degrees of freedom as in
        Brunner and Munzel 2000. Coverage: docs/validation/auc.md.

    >>> found = auc_difference([3, 1, 2, 0], [0, 1, 2, 3], [True, True, False, False])
    >>> found.estimate
    0.75
    """
    first, second = _scores(scores, "first"), _scores(against, "second")
    mask = np.asarray(positive, dtype=bool)
    _check_level(level)
    if not first.shape == second.shape == mask.shape:
        raise ValueError(f"one entry per item is needed: {len(first)}, {len(second)} and {mask.size} were given")
    sides = [_placed(values[mask], values[~mask]) for values in (first, second)]
    if sides[0] is None or sides[1] is None:
        return _undefined(math.nan, level, len(first), "no items on one side")
    gap = _Sides(sides[0].above_P - sides[1].above_P, sides[0].below_N - sides[1].below_N)
    if min(len(gap.above_P), len(gap.below_N)) < 2:
        return _undefined(gap.area, level, len(first), "one item on a side says nothing about its spread")
    if gap.variance == 0:
        return _undefined(gap.area, level, len(first), "the two scores differ alike on every item")
    half = two_sided(1 - level, gap.df) * math.sqrt(gap.variance)
    return Interval(gap.area, max(gap.area - half, -1.0), min(gap.area + half, 1.0), level, n_items=len(first))


@dataclass(frozen=True, slots=True)
class _Sides:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""

    above_P: Array
    below_N: Array

    @property
    def area(self) -> float:
        return float(self.above_P.mean())

    @property
    def variance(self) -> float:
        return sum(self._parts())

    @property
    def df(self) -> float:
        """Welch's degrees of freedom of the two parts."""
        squares = sum(
            part**2 / (len(side) - 1) for part, side in zip(self._parts(), (self.above_P, self.below_N), strict=True)
        )
        return float(self.variance**2 / squares)

    def _parts(self) -> tuple[float, float]:
        first, second = (float(side.var(ddof=1)) / len(side) for side in (self.above_P, self.below_N))
        return first, second


def _placed(positive_P: Array, negative_N: Array) -> _Sides | None:
    """The placements of both sides; None where one is empty."""
    if not len(positive_P) or not len(negative_N):
        return None
    return _Sides(_share_below(positive_P, negative_N), 1 - _share_below(negative_N, positive_P))


def _share_below(these: Array, others: Array) -> Array:
    """For each of these the share of the others below it, ties half."""
    ordered = np.sort(others)
    places = np.searchsorted(ordered, these, "left") + np.searchsorted(ordered, these, "right")
    return np.asarray(places / (2 * len(others)))


def _hanley_mcneil_limit(estimate: float, m: int, n: int, alpha: float) -> float:
    """The smallest area that an estimate above one half does not contradict, by bisection on a score interval."""
    low, high, z = 0.0, estimate, two_sided(alpha, math.inf)
    for _ in range(50):
        middle = (low + high) / 2
        if estimate - middle > z * math.sqrt(_hanley_mcneil_variance(middle, m, n)):
            low = middle
        else:
            high = middle
    return low


def _hanley_mcneil_variance(area: float, m: int, n: int) -> float:
    """The variance of the area where scores are exponential, with both sides' sizes averaged."""
    others = (m + n) / 2 - 1
    return area * (1 - area) * (1 + others * ((1 - area) / (2 - area) + area / (1 + area))) / (m * n)


def _scores(values: ArrayLike, name: str) -> Array:
    found = np.asarray(values, dtype=float)
    if found.ndim != 1:
        raise ValueError(f"the {name} scores must be a plain list, not of {found.ndim} dimensions")
    if np.isnan(found).any():
        raise ValueError(f"{int(np.isnan(found).sum())} of the {name} scores are NaN; leave those items out")
    return found


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")


def _undefined(estimate: float, level: float, n_items: int, reason: str) -> Interval:
    return Interval(estimate, math.nan, math.nan, level, n_items=n_items, reason=reason)
