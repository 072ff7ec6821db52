"""Variances of a mean over training seeds and items: what each facet contributes.

Arrays carry their axes in their names: S training seed, F prompt format, I item, G cluster of items. Missing
cells are NaN. Two ways to the same numbers: mean squares for a complete table, influence sums for any table.
Nothing here forms an interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FacetVariances:
    """Variance of the mean as seen along each facet, as fractions squared.

    Attributes:
        item: From sums over items (or clusters). Holds the interaction as well.
        seed: From sums over training seeds. Holds the interaction as well; 0 with one seed.
        both: The interaction's own share.
        n_seeds: Levels of the seed facet.
        n_clusters: Levels of the item facet.
    """

    item: float
    seed: float
    both: float
    n_seeds: int
    n_clusters: int

    @property
    def item_only(self) -> float:
        """The item part without the interaction, which the seed part already holds; never below 0."""
        return max(self.item - self.both, 0.0)

    @property
    def crossed(self) -> float:
        """The unbiased variance of the mean, never below its largest ingredient."""
        return max(self.item + self.seed - self.both, self.item, self.seed)

    @property
    def crossed_df(self) -> float:
        """Satterthwaite's degrees of freedom of `crossed`."""
        items, seeds = self.n_clusters - 1, self.n_seeds - 1
        if seeds < 1 or self.item + self.seed - self.both < max(self.item, self.seed):
            return float(items if self.item >= self.seed else seeds)
        spread = self.item**2 / items + self.seed**2 / seeds + self.both**2 / (items * seeds)
        return self.crossed**2 / spread if spread > 0 else float(items)


def mean_squares(y_SI: Array) -> FacetVariances:
    """Facet variances of the grand mean of a complete table, from its mean squares.

    Args:
        y_SI: One value per training seed and item, no NaN; at least two of each.

    Returns:
        MS_S / (SI), MS_I / (SI) and MS_SI / (SI).

    Source: two-way random-effects analysis of variance; Brennan 2001, chapter 3.

    >>> v = mean_squares(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> v.seed, v.item, v.both
    (1.0, 0.25, 0.0)
    """
    n_seeds, n_items = y_SI.shape
    over_S, over_I, mean = y_SI.mean(axis=1), y_SI.mean(axis=0), y_SI.mean()
    rest_SI = y_SI - over_S[:, None] - over_I + mean
    return FacetVariances(
        item=float(((over_I - mean) ** 2).sum() / (n_items * (n_items - 1))),
        seed=float(((over_S - mean) ** 2).sum() / (n_seeds * (n_seeds - 1))),
        both=float((rest_SI**2).sum() / (n_seeds * n_items * (n_seeds - 1) * (n_items - 1))),
        n_seeds=n_seeds,
        n_clusters=n_items,
    )


def seeds_with_values(y_SFI: Array) -> Array:
    """The training seeds that have a value at all: the others are no replication of anything.

    >>> y_SFI = np.array([[[1.0, 0.0]], [[np.nan, np.nan]]])
    >>> seeds_with_values(y_SFI).tolist()
    [[[1.0, 0.0]]]
    """
    empty_S = np.isnan(y_SFI).all(axis=(1, 2))
    return y_SFI[~empty_S] if empty_S.any() and not empty_S.all() else y_SFI


def influence(y_SFI: Array) -> tuple[float, Array]:
    """A rate with equal weight per prompt format, and what each cell adds to its error.

    Losing cells does not shift the mix of formats: each format's rate is over the cells it has.

    Args:
        y_SFI: Values in [0, 1]; NaN where missing. Every format needs a value somewhere.

    Returns:
        The rate, and u_SI with u summing to zero: deviations from the format's rate over the number of cells.

    Source: linearisation of a mean of ratios; own derivation, checked against `mean_squares`.

    >>> rate, u_SI = influence(np.array([[[1.0, 0.0, np.nan]]]))
    >>> rate, u_SI.tolist()
    (0.5, [[0.25, -0.25, 0.0]])
    """
    seen_SFI = ~np.isnan(y_SFI)
    n_F = seen_SFI.sum(axis=(0, 2))
    rate_F = np.where(seen_SFI, y_SFI, 0.0).sum(axis=(0, 2)) / n_F
    scale_F = (n_F * len(n_F))[:, None]
    u_SFI = np.where(seen_SFI, y_SFI - rate_F[:, None], 0.0) / scale_F
    return float(rate_F.mean()), u_SFI.sum(axis=1)


def crossed_variance(u: Array, axes: tuple[int, ...]) -> float:
    """The variance that a facet, or an interaction of facets, puts into a sum of influences.

    Args:
        u: Influences over any number of crossed facets; they sum to zero.
        axes: The facets meant; all others are summed over.

    Returns:
        The centred sums squared and added, with the factor n / (n - 1) per facet; NaN where one has one
        level.

    Source: as `influence_variances`, for any number of facets.

    >>> u_SG = np.array([[0.5, -0.25], [0.0, -0.25]])
    >>> crossed_variance(u_SG, (0,)), crossed_variance(u_SG, (1,)), crossed_variance(u_SG, (0, 1))
    (0.25, 1.0, 0.25)
    """
    sums = u.sum(axis=tuple(axis for axis in range(u.ndim) if axis not in axes))
    scale = 1.0
    for axis, n in enumerate(sums.shape):
        if n < 2:
            return np.nan
        sums = sums - sums.mean(axis=axis, keepdims=True)
        scale *= n / (n - 1)
    return scale * float((sums**2).sum())


def by_cluster(u_SI: Array, cluster_I: Labels) -> Array:
    """Sum influences within clusters of items.

    Args:
        u_SI: Influences.
        cluster_I: Cluster of each item, numbered from 0 without gaps.

    >>> by_cluster(np.array([[1.0, 2.0, 4.0]]), np.array([0, 0, 1])).tolist()
    [[3.0, 4.0]]
    """
    n_clusters = int(cluster_I.max()) + 1
    if n_clusters == len(cluster_I):
        return u_SI
    return np.stack([np.bincount(cluster_I, weights=u_I, minlength=n_clusters) for u_I in u_SI])


def influence_variances(u_SG: Array) -> FacetVariances:
    """Facet variances from influences; equal to `mean_squares` where the table is complete.

    Args:
        u_SG: Influences per training seed and cluster; they sum to zero.

    Returns:
        The three variances; `seed` and `both` are 0 with one seed, all are NaN with one cluster.

    Source: cluster-robust sums per facet, Cameron, Gelbach and Miller 2011, with small-sample factors.

    >>> _, u_SI = influence(np.array([[[0.0, 1.0]], [[0.0, 0.0]]]))
    >>> v = influence_variances(u_SI)
    >>> v.seed, v.item, v.both
    (0.0625, 0.0625, 0.0625)
    """
    n_seeds, n_clusters = u_SG.shape
    if n_clusters < 2:
        return FacetVariances(np.nan, np.nan, np.nan, n_seeds, n_clusters)
    sum_G, sum_S = u_SG.sum(axis=0), u_SG.sum(axis=1)
    item = n_clusters / (n_clusters - 1) * float((sum_G**2).sum())
    if n_seeds < 2:
        return FacetVariances(item, 0.0, 0.0, n_seeds, n_clusters)
    rest_SG = u_SG - sum_G / n_seeds - sum_S[:, None] / n_clusters + u_SG.sum() / u_SG.size
    rest_scale = n_seeds * n_clusters / ((n_seeds - 1) * (n_clusters - 1))
    return FacetVariances(
        item=item,
        seed=n_seeds / (n_seeds - 1) * float((sum_S**2).sum()),
        both=rest_scale * float((rest_SG**2).sum()),
        n_seeds=n_seeds,
        n_clusters=n_clusters,
    )
