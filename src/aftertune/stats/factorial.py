"""Contrasts over many arms: main effects and interactions of data factors, and trends over rounds.

Each arm is a recipe with training seeds of its own on the same items. A contrast is a weighted sum of arm
rates; its error has one seed part per arm and one item part, since the arms share items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from aftertune.stats.arm import Arm, checked_clusters, item_part
from aftertune.stats.budget import Budget, Part
from aftertune.stats.facets import Array, Labels, seeds_with_values


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


def effect_weights(
    levels: Sequence[Mapping[str, bool | float]], effect: Sequence[str], *, interactions: bool = True
) -> list[float]:
    """Weights of a main effect or interaction where arms need not be balanced over the factors.

    Answers "what does this factor do, the others held fixed": the least-squares coefficient over arms. In a
    balanced design it equals `factor_weights`.

    Args:
        levels: Per arm, which factors are on; every arm names every factor. A fraction stands for itself: one level
            of a factor with several, less its mean over those levels, so that effects are means over all of them.
        effect: One factor, or two for their interaction.
        interactions: Whether the model holds all interactions of two factors; without them it assumes that
            the factors' effects add up.

    Returns:
        One weight per arm; they sum to zero.

    Raises:
        ValueError: these arms cannot tell the effect from others.

    Source: ordinary least squares with factors coded -1/2 and +1/2; estimable functions, Searle 1971.

    >>> arms = [{"a": False, "b": False}, {"a": True, "b": False}, {"a": False, "b": True}]
    >>> [round(weight, 9) + 0.0 for weight in effect_weights(arms, ["a"], interactions=False)]
    [-1.0, 1.0, 0.0]
    """
    names = sorted(levels[0])
    terms = [(), *((name,) for name in names), *(combinations(names, 2) if interactions else ())]
    wanted = tuple(sorted(effect))
    if wanted not in terms:
        raise ValueError(f"{' x '.join(effect)}: no such effect in the model")
    signed = [{name: _coded(arm[name]) for name in names} for arm in levels]
    x_AT = np.array([[math.prod(arm[name] for name in term) for term in terms] for arm in signed])
    inverse_TA = np.linalg.pinv(x_AT)
    target = np.eye(len(terms))[terms.index(wanted)]
    if not np.allclose(target @ inverse_TA @ x_AT, target, atol=1e-9):
        raise ValueError(f"{' x '.join(effect)}: these arms cannot tell it from other effects")
    return [float(weight) for weight in inverse_TA[terms.index(wanted)]]


def _coded(level: bool | float) -> float:
    return level if isinstance(level, float) else 0.5 if level else -0.5


def trend_effect(
    y_RSFI: Array, rounds: Sequence[float], *, cluster_I: Labels | None = None, recipe: bool = True
) -> Budget:
    """How much a rate changes per round of tuning, when the same runs are tuned on and measured each round.

    Answers "does it go on getting worse", as a straight line; not whether the line bends.

    Args:
        y_RSFI: Outcome in [0, 1] per round, training seed, prompt format and item; NaN where missing. A cell
            without a value in one round is left out of all.
        rounds: The number of each round; at least two different ones.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        recipe: Whether training seeds are a sample; otherwise the claim is about these checkpoints.

    Returns:
        A budget of the slope per round, with the parts `seed` and `item`, or `item` alone. Refused at one
        training seed for a recipe claim, and with one cluster.

    Raises:
        ValueError: a format has no cell with a value in every round.

    Source: the slope of each cell is a contrast of its own values, so seeds and items pair over rounds; then
        as `recipe_effect`. Coverage: docs/validation/trend.md.

    >>> y_RSFI = np.array([[[[0.0, 0.0]], [[0.0, 0.0]]], [[[1.0, 0.0]], [[0.0, 0.0]]]])
    >>> budget = trend_effect(y_RSFI, [1, 2])
    >>> budget.estimate, [part.source for part in budget.parts]
    (0.25, ['seed', 'item'])
    """
    slope_SFI = seeds_with_values(np.tensordot(np.array(trend_weights(rounds)), y_RSFI, axes=1))
    labels = checked_clusters(slope_SFI, slope_SFI, cluster_I)
    side = Arm.of(slope_SFI, labels)
    found, n_seeds = side.variances, len(slope_SFI)
    parts: tuple[Part, ...] = (item_part(found.item, found.n_clusters),)
    if recipe:
        parts = (Part("seed", found.seed, n_seeds - 1, found.both), item_part(found.item_only, found.n_clusters))
    refused = "one training seed says nothing about the recipe" if recipe and n_seeds < 2 else ""
    refused = refused or ("one item" if found.n_clusters < 2 else "")
    n_items = y_RSFI.shape[3]
    return Budget(side.rate, parts, None, n_seeds, 0, n_items, found.n_clusters, refused)


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
