"""One arm's side of a contrast: its rate, its influences, and when the score rule is needed.

The pieces that every claim about a contrast shares. The claims themselves are in `effect` and `scope`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from aftertune.stats.budget import Part
from aftertune.stats.facets import (
    Array,
    FacetVariances,
    Labels,
    by_cluster,
    influence,
    influence_variances,
    seeds_with_values,
)
from aftertune.stats.score import ScoreDifference, ScoreRate

Claim = Literal["recipe", "checkpoint"]

FEW_CLUSTERS = 40  # below this the item part takes t(G - 1) instead of z; design simulation, small suites
FEW_EVENTS = 30  # items with an event below which the score rule joins; design simulation, rare events


class Arm:
    """One arm's rate, with the influences and variances behind it."""

    def __init__(self, y_SFI: Array, rate: float, u_SG: Array) -> None:
        self.y_SFI, self.rate, self.u_SG = y_SFI, rate, u_SG
        self.variances: FacetVariances = influence_variances(u_SG)

    @classmethod
    def of(cls, y_SFI: Array, cluster_I: Labels) -> Arm:
        """From outcomes per training seed, prompt format and item; seeds without a value do not count."""
        y_SFI = seeds_with_values(y_SFI)
        rate, u_SI = influence(y_SFI)
        return cls(y_SFI, rate, by_cluster(u_SI, cluster_I))

    @property
    def item_sums(self) -> Array:
        """Influences per cluster, summed over training seeds."""
        return np.asarray(self.u_SG.sum(axis=0))

    def seeds_agree(self) -> bool:
        """Whether all training seeds gave the same outcome in every cell."""
        return len(self.y_SFI) > 1 and bool(
            np.array_equal(self.y_SFI, np.broadcast_to(self.y_SFI[:1], self.y_SFI.shape), equal_nan=True)
        )

    def rare(self) -> bool:
        """Whether few items ever show an event, or few ever fail to."""
        seen_SFI = ~np.isnan(self.y_SFI)
        ever_I = (seen_SFI & (self.y_SFI > 0)).any(axis=(0, 1))
        ever_not_I = (seen_SFI & (self.y_SFI < 1)).any(axis=(0, 1))
        return bool(min(ever_I.sum(), ever_not_I.sum()) < FEW_EVENTS)

    def score_rate(self, claim: Claim) -> ScoreRate:
        """The rate at its effective number of observations under a claim."""
        spread = self.variances
        crossed = claim == "recipe" and spread.n_seeds > 1
        variance = spread.crossed if crossed else spread.item
        df = spread.crossed_df if crossed else spread.n_clusters - 1.0
        n = float(spread.n_clusters)
        if variance > 0 and 0 < self.rate < 1:
            n = min(self.rate * (1 - self.rate) / variance, float((~np.isnan(self.y_SFI)).sum()))
        return ScoreRate(self.rate, n, max(df, 1.0))


def checked_clusters(y_SFI: Array, against_SFI: Array, cluster_I: Labels | None) -> Labels:
    """Check that two arms fit together, and number the clusters.

    Args:
        y_SFI: Outcome per training seed, prompt format and item; NaN where missing.
        against_SFI: The arm compared with, on the same formats and items.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.

    Raises:
        ValueError: shapes disagree, or a prompt format has no value in an arm.

    >>> checked_clusters(np.zeros((3, 1, 2)), np.zeros((1, 1, 2)), None).tolist()
    [0, 1]
    """
    if y_SFI.ndim != 3 or against_SFI.ndim != 3 or y_SFI.shape[1:] != against_SFI.shape[1:]:
        raise ValueError(f"y_SFI {y_SFI.shape}, against_SFI {against_SFI.shape}: want (S, F, I) and (S', F, I)")
    for name, values_SFI in (("y_SFI", y_SFI), ("against_SFI", against_SFI)):
        if np.isnan(values_SFI).all(axis=(0, 2)).any():
            raise ValueError(f"{name}: a prompt format has no value at all; leave that format out")
    n_items = y_SFI.shape[2]
    if cluster_I is None:
        return np.arange(n_items, dtype=np.int64)
    if cluster_I.shape != (n_items,):
        raise ValueError(f"cluster_I {cluster_I.shape}: want ({n_items},)")
    return cluster_I


def paired_item_variance(arm: Arm, other: Arm) -> float:
    """The variance of the difference as seen along items: the arms share them, so their influences pair.

    Returns:
        n / (n - 1) times the sum of squared differences of influences per cluster; NaN with one cluster.

    Source: clustered variance of a paired difference, Miller 2024.

    >>> labels = np.arange(2)
    >>> arm, other = (Arm.of(np.array([[[1.0, rest]]]), labels) for rest in (0.0, 1.0))
    >>> paired_item_variance(arm, other)  # differences 0 and -1: s^2 / n = 0.5 / 2
    0.25
    """
    n = arm.variances.n_clusters
    return n / (n - 1) * float(((arm.item_sums - other.item_sums) ** 2).sum()) if n > 1 else math.nan


def item_part(variance: float, n_clusters: int) -> Part:
    """The item part, with Student's t where clusters are few.

    >>> item_part(0.01, 20).df, item_part(0.01, 40).df
    (19, inf)
    """
    return Part("item", variance, n_clusters - 1 if n_clusters < FEW_CLUSTERS else math.inf)


def unchanged(arm: Arm, other: Arm) -> bool:
    """Whether every cell of the arm equals that of the one checkpoint compared with; False against several.

    >>> labels = np.arange(2)
    >>> one, twice = (Arm.of(np.tile([[[1.0, 0.0]]], (n, 1, 1)), labels) for n in (1, 2))
    >>> unchanged(twice, one), unchanged(one, twice)
    (True, False)
    """
    same = np.broadcast_to(other.y_SFI[:1], arm.y_SFI.shape)
    return len(other.y_SFI) == 1 and bool(np.array_equal(arm.y_SFI, same, equal_nan=True))


def score_rule(arm: Arm, other: Arm, claim: Claim) -> tuple[ScoreDifference | None, str]:
    """The score interval to join in, where events are rare or nothing changed; and the words for it.

    Returns:
        None and no words where the plain rule stands: at least `FEW_EVENTS` items show the event in each arm,
        and as many ever fail to.

    Source: MOVER, Zou and Donner 2008; when to join it from the design simulation of rare events.
        Coverage: docs/validation/special_cases.md.

    >>> labels = np.arange(100)
    >>> arm, other = (Arm.of((np.arange(100) < n).astype(float)[None, None], labels) for n in (5, 2))
    >>> score_rule(arm, other, "checkpoint")[1]
    'few items show the event; the limits are the wider of quadrature and score interval'
    """
    if unchanged(arm, other):
        none = ScoreRate(0.0, float(arm.variances.n_clusters))
        return ScoreDifference(none, none, 0.0), "no outcome changed; the limits bound how often one could"
    if not (arm.rare() or other.rare()):
        return None, ""
    rates = arm.score_rate(claim), other.score_rate(claim)
    note = "few items show the event; the limits are the wider of quadrature and score interval"
    return ScoreDifference(*rates, _correlation(arm, other, claim)), note


def _correlation(arm: Arm, other: Arm, claim: Claim) -> float:
    n = arm.variances.n_clusters
    shared = n / (n - 1) * float((arm.item_sums * other.item_sums).sum())
    sides = [side.variances.crossed if claim == "recipe" else side.variances.item for side in (arm, other)]
    scale = math.sqrt(sides[0] * sides[1])
    return min(max(shared / scale, 0.0), 1.0) if scale > 0 else 0.0
