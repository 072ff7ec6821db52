"""Agreement between judges, or between a judge and people, beyond chance.

One pooled coefficient hides whether the judge errs differently after tuning: compute it per arm, and read it
beside sensitivity and specificity (`judge_error`).
"""

from __future__ import annotations

import math

import numpy as np

from aftertune.stats.facets import Array


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


def _agreement(first_I: Array, second_I: Array, *, gwet: bool) -> tuple[float, float]:
    """Seen agreement, and the agreement expected by chance."""
    categories = np.unique(np.concatenate([first_I, second_I]))
    shares = np.array([[(first_I == c).mean(), (second_I == c).mean()] for c in categories])
    seen = float((first_I == second_I).mean())
    if not gwet:
        return seen, float(shares.prod(axis=1).sum())
    middle = shares.mean(axis=1)
    return seen, float((middle * (1 - middle)).sum() / max(len(categories) - 1, 1))
