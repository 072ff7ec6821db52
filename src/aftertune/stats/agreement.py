"""Agreement between judges, or between a judge and people, beyond chance.

One pooled coefficient hides whether the judge errs differently after tuning: compute it per arm, and read it
beside sensitivity and specificity (`judge_error`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aftertune.stats.budget import Interval
from aftertune.stats.effect import rate_interval
from aftertune.stats.facets import Array, Labels
from aftertune.stats.quantiles import two_sided

Measure = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well judges agree, with intervals over items.

    Attributes:
        share: Responses on which they say the same.
        kappa: Cohen's, of two judges.
        ac1: Gwet's, of two judges.
        alpha: Krippendorff's, nominal.
        n: Responses that both judged.
    """

    share: Interval
    kappa: Interval
    ac1: Interval
    alpha: Interval
    n: int


def agreement(first_I: Array, second_I: Array, *, cluster_I: Labels | None = None, level: float = 0.95) -> Agreement:
    """Agreement of two judges on yes/no verdicts, with intervals.

    Answers "would another judge have said the same", not "is either of them right" (`judge_error`).

    Args:
        first_I: One judge's verdicts, 0 or 1; NaN where it gave none.
        second_I: The other's, of the same responses.
        cluster_I: Item (or cluster) of each response, from 0; None where no two responses share one.
        level: Confidence level, a fraction.

    Returns:
        Four measures. The share has a score interval; the others have t(G - 1) limits from leaving out one
        cluster at a time, and none (NaN, with a reason) where the judges never disagree, where one verdict
        is all there is, or with fewer than three clusters.

    Raises:
        ValueError: a verdict is neither 0, 1 nor NaN.

    Source: Cohen 1960, Gwet 2008, Krippendorff 2004; delete-one jackknife over clusters, Efron and Stein
        1981. Coverage: docs/validation/agreement.md.

    >>> found = agreement(np.array([1, 1, 0, 0, 1.0]), np.array([1, 0, 0, 0, np.nan]))
    >>> found.n, found.share.estimate, round(found.kappa.estimate, 3), round(found.ac1.estimate, 3)
    (4, 0.75, 0.5, 0.529)
    """
    known_I = ~(np.isnan(first_I) | np.isnan(second_I))
    first_I, second_I = first_I[known_I], second_I[known_I]
    if not np.isin(np.concatenate([first_I, second_I]), (0.0, 1.0)).all():
        raise ValueError("agreement is for verdicts of 0 and 1")
    n = len(first_I)
    labels = np.arange(n) if cluster_I is None else np.unique(cluster_I[known_I], return_inverse=True)[1]
    cells_GC = np.zeros((int(labels.max(initial=-1)) + 1, 4))
    np.add.at(cells_GC, (labels, (2 * first_I + second_I).astype(int)), 1.0)
    if n == 0:
        none = Interval(math.nan, math.nan, math.nan, level, reason="no response was judged by both")
        return Agreement(none, none, none, none, 0)
    same_I = (first_I == second_I).astype(float)
    share = rate_interval(same_I[None, None], cluster_I=labels.astype(np.int64), level=level)
    kappa, ac1, alpha = (_jackknifed(cells_GC, measure, level) for measure in (_kappa, _ac1, _alpha))
    return Agreement(share, kappa, ac1, alpha, n)


def cohen_kappa(first_I: Array, second_I: Array) -> float:
    """Cohen's kappa of two raters on the same responses.

    Args:
        first_I: One rater's categories, as numbers.
        second_I: The other's.

    Returns:
        1 for perfect agreement, 0 for what chance would give; NaN where both raters use one category only.

    Source: Cohen 1960.

    >>> round(cohen_kappa(np.array([1, 1, 0, 0.0]), np.array([1, 0, 0, 0.0])), 3)
    0.5
    """
    seen, chance = _agreement(first_I, second_I, gwet=False)
    return (seen - chance) / (1 - chance) if chance < 1 else math.nan


def gwet_ac1(first_I: Array, second_I: Array) -> float:
    """Gwet's AC1 of two raters: steady where one category is rare, as harm often is.

    Args:
        first_I: One rater's categories, as numbers.
        second_I: The other's.

    Returns:
        1 for perfect agreement; 1 too where both raters use the same one category throughout.

    Source: Gwet 2008.

    >>> round(gwet_ac1(np.array([1, 1, 0, 0.0]), np.array([1, 0, 0, 0.0])), 3)
    0.529
    """
    seen, chance = _agreement(first_I, second_I, gwet=True)
    return (seen - chance) / (1 - chance)


def krippendorff_alpha(ratings_JI: Array) -> float:
    """Krippendorff's alpha for nominal ratings by any number of raters, holes allowed.

    Args:
        ratings_JI: Categories as numbers, per judge and response; NaN where a judge gave none.

    Returns:
        1 for perfect agreement, 0 for chance; NaN where fewer than two ratings can be paired or all are
        alike.

    Source: Krippendorff 2004, section 11.3.

    >>> krippendorff_alpha(np.array([[1, 2, 1], [1, 2, 2.0]])).__round__(3)
    0.444
    """
    categories = np.unique(ratings_JI[~np.isnan(ratings_JI)])
    counts = [(ratings_JI == category).sum(axis=0) for category in categories]
    count_IC = np.stack(counts, axis=1).astype(float)
    n_I = count_IC.sum(axis=1)
    count_IC, n_I = count_IC[n_I > 1], n_I[n_I > 1]
    total_C, n = count_IC.sum(axis=0), n_I.sum()
    expected = n**2 - (total_C**2).sum()
    if expected == 0:
        return math.nan
    observed = ((n_I**2 - (count_IC**2).sum(axis=1)) / (n_I - 1)).sum()
    return float(1 - (n - 1) * observed / expected)


def _jackknifed(cells_GC: Array, measure: Measure, level: float) -> Interval:
    """A measure of two-by-two tables with limits over clusters."""
    total_C, n_clusters = cells_GC.sum(axis=0), len(cells_GC)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, out_G = float(measure(total_C)), measure(total_C - cells_GC)
    reason = ""
    if math.isnan(estimate):
        reason = "both judges gave one verdict throughout"
    elif total_C[1] + total_C[2] == 0:
        reason = "the judges never disagreed, so nothing can be said about uncertainty"
    elif n_clusters < 3 or not np.isfinite(out_G).all() or np.ptp(out_G) == 0:
        reason = "too few responses for an interval"
    if reason:
        return Interval(estimate, math.nan, math.nan, level, n_items=n_clusters, reason=reason)
    variance = (n_clusters - 1) / n_clusters * float(((out_G - out_G.mean()) ** 2).sum())
    half = two_sided(1 - level, n_clusters - 1) * math.sqrt(variance)
    return Interval(estimate, estimate - half, min(estimate + half, 1.0), level, n_items=n_clusters)


def _shares(cells_C: Array) -> tuple[Array, Array, Array, Array]:
    """Responses, the share of agreement, and each judge's share of yes, from no-no, no-yes, yes-no, yes-yes."""
    n = cells_C.sum(axis=-1)
    seen = (cells_C[..., 0] + cells_C[..., 3]) / n
    return n, seen, (cells_C[..., 2] + cells_C[..., 3]) / n, (cells_C[..., 1] + cells_C[..., 3]) / n


def _kappa(cells_C: Array) -> Array:
    _, seen, first, second = _shares(cells_C)
    chance = first * second + (1 - first) * (1 - second)
    return np.where(chance < 1, (seen - chance) / (1 - chance), np.nan)


def _ac1(cells_C: Array) -> Array:
    _, seen, first, second = _shares(cells_C)
    middle = (first + second) / 2
    chance = 2 * middle * (1 - middle)
    return np.asarray((seen - chance) / (1 - chance))


def _alpha(cells_C: Array) -> Array:
    n, seen, first, second = _shares(cells_C)
    middle = (first + second) / 2
    expected = 2 * middle * (1 - middle) * 2 * n / (2 * n - 1)
    return np.where(expected > 0, 1 - (1 - seen) / expected, np.nan)


def _agreement(first_I: Array, second_I: Array, *, gwet: bool) -> tuple[float, float]:
    """Seen agreement, and the agreement expected by chance."""
    categories = np.unique(np.concatenate([first_I, second_I]))
    shares = np.array([[(first_I == c).mean(), (second_I == c).mean()] for c in categories])
    seen = float((first_I == second_I).mean())
    if not gwet:
        return seen, float(shares.prod(axis=1).sum())
    middle = shares.mean(axis=1)
    return seen, float((middle * (1 - middle)).sum() / max(len(categories) - 1, 1))
