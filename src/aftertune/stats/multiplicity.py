"""P-values adjusted for the size of the family they were read in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aftertune.stats.facets import Array


def holm(p: Array) -> Array:
    """Holm's step-down p-values: they bound the chance of any false claim in the family.

    Args:
        p: Raw p-values, any order; NaN (no test was possible) stays NaN and does not count into the family.

    Returns:
        Adjusted p-values in the same order, at most 1.

    Source: Holm 1979.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjusted(p, lambda sorted_p: np.maximum.accumulate(sorted_p * np.arange(len(sorted_p), 0, -1)))


def benjamini_hochberg(p: Array) -> Array:
    """Benjamini and Hochberg's p-values: they bound the expected share of false claims.

    Args:
        p: Raw p-values, any order; NaN stays NaN and does not count into the family.

    Returns:
        Adjusted p-values in the same order, at most 1.

    Source: Benjamini and Hochberg 1995.

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """

    def step_up(sorted_p: Array) -> Array:
        scaled = sorted_p * len(sorted_p) / np.arange(1, len(sorted_p) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(p, step_up)


def _adjusted(p: Array, step: Callable[[Array], Array]) -> Array:
    out = np.full(len(p), np.nan)
    (known,) = np.nonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    if len(order):
        out[order] = np.minimum(step(p[order]), 1.0)
    return out
