"""Contrasts over many arms: main effects and interactions of data factors, and trends over rounds.

Each arm is a recipe with training seeds of its own on the same items. A contrast is a weighted sum of arm
rates; its error has one seed part per arm and one item part, since the arms share items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from aftertune.stats.arm import Arm, checked_clusters, item_part
from aftertune.stats.budget import Budget, Part
from aftertune.stats.facets import Array, Labels


def weighted_contrast(
    arms: Sequence[Array], weights: Sequence[float], *, cluster_I: Labels | None = None, recipe: bool = True
) -> Budget:
    """A weighted sum of arms' rates with its error budget.

    Args:
        arms: Outcomes y_SFI per arm on the same formats and items; training seeds may differ in number. An
            arm with one "seed" is a model without seeds, such as the initial one.
        weights: One per arm.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        recipe: Whether training seeds are samples; otherwise the claim is about these checkpoints.

    Returns:
        A budget with the parts `seed` (all arms with weight pooled, Satterthwaite's degrees of freedom) and
        `item`. Refused where no arm has two training seeds, for a recipe claim, or with one cluster.

    Raises:
        ValueError: shapes disagree, or a format has no value in an arm.

    Source: Satterthwaite 1946 for a sum of independent mean squares. Coverage: docs/validation/factorial.md.

    >>> arm, initial = np.array([[[1, 0, 1, 0.0]], [[1, 1, 0, 0.0]]]), np.array([[[0, 0, 1, 0.0]]])
    >>> budget = weighted_contrast([arm, initial], [1, -1])
    >>> budget.estimate, [part.source for part in budget.parts]
    (0.25, ['seed', 'item'])
    """
    labels = cluster_I
    for y_SFI in arms:
        labels = checked_clusters(y_SFI, arms[0], labels)
    assert labels is not None, "a contrast needs an arm"
    sides = [Arm.of(y_SFI, labels) for y_SFI in arms]
    n_clusters = sides[0].variances.n_clusters
    sum_G = np.sum([weight * side.item_sums for weight, side in zip(weights, sides, strict=True)], axis=0)
    item = n_clusters / (n_clusters - 1) * float((sum_G**2).sum()) if n_clusters > 1 else math.nan
    parts: tuple[Part, ...] = (item_part(item, n_clusters),)
    seeded = [
        (weight**2, side.variances)
        for weight, side in zip(weights, sides, strict=True)
        if weight and len(side.y_SFI) > 1
    ]
    if recipe and seeded:
        item -= sum(square * spread.both for square, spread in seeded)
        seeds = [(square * spread.seed, spread.n_seeds - 1) for square, spread in seeded]
        parts = (Part("seed", *_pooled(seeds)), item_part(max(item, 0.0), n_clusters))
    refused = "" if seeded or not recipe else "no arm has two training seeds"
    return Budget(
        estimate=float(sum(weight * side.rate for weight, side in zip(weights, sides, strict=True))),
        parts=parts,
        n_seeds=sum(len(side.y_SFI) for side in sides),
        n_items=arms[0].shape[2],
        n_clusters=n_clusters,
        refused=refused or ("one item" if n_clusters < 2 else ""),
    )


def factor_weights(levels: Sequence[Mapping[str, bool]], factors: Sequence[str]) -> list[float]:
    """Weights of a main effect or an interaction in a two-level factorial.

    Args:
        levels: Per arm, which factors are on.
        factors: One factor for a main effect, several for their interaction.

    Returns:
        Weights that make the mean difference between on and off; for interactions, the difference of
        differences.

    Raises:
        ValueError: no arm has the effect's one sign, so it cannot be estimated.

    Source: standard contrasts of a two-level factorial, scaled to differences.

    >>> arms = [{"list": False, "role": False}, {"list": True, "role": False},
    ...         {"list": False, "role": True}, {"list": True, "role": True}]
    >>> factor_weights(arms, ["list"]), factor_weights(arms, ["list", "role"])
    ([-0.5, 0.5, -0.5, 0.5], [1.0, -1.0, -1.0, 1.0])
    """
    signs = [math.prod(1 if arm[name] else -1 for name in factors) for arm in levels]
    counts = {sign: signs.count(sign) for sign in (1, -1)}
    if not all(counts.values()):
        raise ValueError(f"{' x '.join(factors)}: every arm is on the same side")
    return [sign / counts[sign] * 2 ** (len(factors) - 1) for sign in signs]


def trend_weights(rounds: Sequence[float]) -> list[float]:
    """Weights of the least-squares slope over rounds, per round.

    Args:
        rounds: The round of each arm; at least two different ones.

    Source: ordinary least squares on the arms' rates.

    >>> trend_weights([0, 1, 2])
    [-0.5, 0.0, 0.5]
    """
    centred = np.asarray(rounds, dtype=float) - np.mean(rounds)
    return [float(weight) for weight in centred / (centred**2).sum()]


def _pooled(seeds: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Sum of variances, with Satterthwaite's degrees of freedom."""
    total = sum(variance for variance, _ in seeds)
    spread = sum(variance**2 / df for variance, df in seeds)
    return total, total**2 / spread if spread > 0 else float(min(df for _, df in seeds))
