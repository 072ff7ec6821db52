"""Variance components of an outcome over crossed facets, with holes allowed.

Components describe single cells; the budget of an interval describes their mean. Estimates are unbiased
without any assumption of normality, so they can come out negative: that means "none seen".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from aftertune.stats.facets import Array


def variance_components(y: Array, facets: Sequence[str], *, within: float = np.nan) -> dict[str, float]:
    """Split the variance of single cells over facets and their interactions.

    Answers "where does the spread of outcomes come from", not "how sure is the mean".

    Args:
        y: One value per cell, one axis per facet; NaN where missing. An axis of length 1 is left out.
        facets: The name of each axis, such as `["seed", "prompt_format", "item"]`.
        within: Variance of one replicate inside a cell where it was measured; it is then taken off the
            highest interaction, which otherwise holds it.

    Returns:
        Source to variance, single facets first; interactions are joined by " x ". The highest interaction
        holds the residual. Empty with fewer than two cells on every axis.

    Source: averages of products over pairs of cells that share exactly some facets (symmetric sums, Koch
    1967);
        for complete tables equal to the mean-square estimators, Brennan 2001.

    >>> y = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> variance_components(y, ["seed", "item"])
    {'seed': 2.0, 'item': 0.5, 'seed x item': 0.0}
    """
    used = [axis for axis in range(y.ndim) if y.shape[axis] > 1]
    if not used:
        return {}
    y = y.reshape([y.shape[axis] for axis in used])
    names = [facets[axis] for axis in used]
    products = _mean_products(y)
    out = {}
    for subset in _subsets(len(used))[1:]:
        smaller = [part for part in products if set(part) <= set(subset)]
        out[" x ".join(names[axis] for axis in subset)] = sum(
            (-1) ** (len(subset) - len(part)) * products[part] for part in smaller
        )
    if not np.isnan(within):
        out[" x ".join(names)] -= within
        out["replicate"] = within
    return {source: _clean(value) for source, value in out.items()}


def shares(components: dict[str, float]) -> dict[str, float]:
    """Each component's share of the total, negative ones counted as none; NaN where nothing varies.

    >>> shares({"seed": 1.0, "item": 3.0, "seed x item": -0.1})
    {'seed': 0.25, 'item': 0.75, 'seed x item': 0.0}
    """
    total = sum(max(value, 0.0) for value in components.values())
    return {source: max(value, 0.0) / total if total > 0 else np.nan for source, value in components.items()}


def _clean(value: float) -> float:
    """Rounding noise of exact zeros is no variance."""
    return 0.0 if abs(value) < 1e-15 else float(value)


def _subsets(n_axes: int) -> list[tuple[int, ...]]:
    return [subset for size in range(n_axes + 1) for subset in combinations(range(n_axes), size)]


def _mean_products(y: Array) -> dict[tuple[int, ...], float]:
    """Mean of y * y' over pairs of cells that agree on exactly the facets in each subset."""
    seen = ~np.isnan(y)
    values = np.where(seen, y - np.nanmean(y), 0.0)
    at_least = {subset: _pair_sums(values, seen, subset) for subset in _subsets(y.ndim)}
    out = {}
    for subset in at_least:
        above = [(len(other) - len(subset), sums) for other, sums in at_least.items() if set(subset) <= set(other)]
        total = sum((-1) ** gap * sums[0] for gap, sums in above)
        pairs = sum((-1) ** gap * sums[1] for gap, sums in above)
        out[subset] = total / pairs if pairs > 0 else np.nan
    return out


def _pair_sums(values: Array, seen: np.ndarray, subset: tuple[int, ...]) -> tuple[float, float]:
    rest = tuple(axis for axis in range(values.ndim) if axis not in subset)
    return float((values.sum(axis=rest) ** 2).sum()), float((seen.sum(axis=rest).astype(float) ** 2).sum())
