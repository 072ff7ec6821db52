"""The rates of many checkpoints at once, each with its own score interval.

The same numbers as `rate_interval` gives one by one; tables of results hold thousands of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.facets import Array, Labels


@dataclass(frozen=True, slots=True)
class Rates:
    """One rate per training seed, with limits; NaN where there is no value, limits also with one cluster."""

    rate_S: Array
    low_S: Array
    high_S: Array


def checkpoint_rates(y_SFI: Array, *, cluster_I: Labels, level: float = 0.95) -> Rates:
    """The rate of every checkpoint, on items like these, with Wilson's interval clustered by item.

    Args:
        y_SFI: Outcome in [0, 1] per checkpoint, prompt format and item; NaN where missing. A checkpoint's
            formats without any value are left out of its rate.
        cluster_I: Cluster of each item, as whole numbers from 0; gaps are fine.
        level: Confidence level, a fraction.

    Returns:
        Rates and limits in [0, 1], one per checkpoint.

    Source: as `rate_interval`.

    >>> found = checkpoint_rates(np.zeros((1, 1, 100)), cluster_I=np.arange(100))
    >>> found.rate_S.tolist(), found.high_S.round(3).tolist()
    ([0.0], [0.038])
    """
    seen_SFI = ~np.isnan(y_SFI)
    n_SF = seen_SFI.sum(axis=2)
    formats_S = (n_SF > 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate_SF = np.where(seen_SFI, y_SFI, 0.0).sum(axis=2) / n_SF
        rate_S = np.where(n_SF > 0, rate_SF, 0.0).sum(axis=1) / formats_S
        scale_SF = 1.0 / (n_SF * formats_S[:, None])
        u_SFI = np.where(seen_SFI, (y_SFI - rate_SF[:, :, None]) * scale_SF[:, :, None], 0.0)
        seen_SI = seen_SFI.sum(axis=1, dtype=np.float64)
        n_S, variance_S = _cluster_variance(u_SFI.sum(axis=1), seen_SI, cluster_I)
        effective_S = np.minimum(rate_S * (1 - rate_S) / variance_S, seen_SFI.sum(axis=(1, 2)))
    plain_S = ~((variance_S > 0) & (rate_S > 0) & (rate_S < 1))
    return Rates(rate_S, *_wilson(rate_S, np.where(plain_S, n_S, effective_S), n_S, level))


def _cluster_variance(u_SI: Array, seen_SI: Array, cluster_I: Labels) -> tuple[Array, Array]:
    """Clusters with a value, and the variance of the rate, per checkpoint."""
    n_clusters = int(cluster_I.max()) + 1
    flat = (np.arange(len(u_SI))[:, None] * n_clusters + cluster_I).ravel()
    size = len(u_SI) * n_clusters
    sums = (np.bincount(flat, weights=values.ravel(), minlength=size) for values in (u_SI, seen_SI))
    sums_SG, seen_SG = (np.asarray(values, dtype=np.float64).reshape(-1, n_clusters) for values in sums)
    n_S = (seen_SG > 0).sum(axis=1).astype(np.float64)
    return n_S, n_S / (n_S - 1) * (sums_SG**2).sum(axis=1)


def _wilson(rate_S: Array, n_S: Array, clusters_S: Array, level: float) -> tuple[Array, Array]:
    df_S = np.maximum(clusters_S - 1, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        k_S = special.stdtrit(df_S, (1 + level) / 2) ** 2 / n_S
        middle_S = (rate_S + k_S / 2) / (1 + k_S)
        half_S = np.sqrt(k_S * (rate_S * (1 - rate_S) + k_S / 4)) / (1 + k_S)
    single_S = clusters_S < 2
    low_S = np.where(single_S, np.nan, np.maximum(middle_S - half_S, 0.0))
    return low_S, np.where(single_S, np.nan, np.minimum(middle_S + half_S, 1.0))
