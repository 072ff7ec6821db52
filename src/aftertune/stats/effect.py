"""The checkpoint effect and the recipe effect: how an arm's rate differs from another's.

Two claims, never mixed. The recipe effect generalises over training seeds, so they are its unit of
replication; the checkpoint effect is about the given checkpoints, and only items are sampled. Prompt
formats are fixed.
"""

from __future__ import annotations

import math

from aftertune.stats.arm import (
    Arm,
    Claim,
    checked_clusters,
    item_part,
    paired_item_variance,
    score_rule,
    unchanged,
)
from aftertune.stats.budget import Budget, Interval, Part
from aftertune.stats.facets import Array, FacetVariances, Labels
from aftertune.stats.score import score_interval


def recipe_effect(
    y_SFI: Array, against_SFI: Array, *, cluster_I: Labels | None = None, against_seeded: bool = False
) -> Budget:
    """The mean change in a rate that a recipe causes, over training seeds and items like these.

    Answers "what does this recipe do when it is run again", not "is this checkpoint different".

    Args:
        y_SFI: Outcome in [0, 1] per training seed, prompt format and item; NaN where missing.
        against_SFI: The same items and formats under the arm compared with. The initial model has one
            "seed" on its first axis.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        against_seeded: True where the second arm was fine-tuned too. Its training seeds are then a second,
            independent sample.

    Returns:
        A budget with the parts `seed`, `item` (and `seed_against`): half-width squared is
        t(S-1)^2 V_S + z^2 max(V_I - V_SI, 0). With two tuned arms both seed parts take Welch's degrees of
        freedom if the arms have equally many seeds, 3 or more, and keep their own otherwise. Refused at one
        training seed, one cluster, or where the seeds agree on every item. Where events are rare, or
        nothing changed, the score rule joins.

    Raises:
        ValueError: shapes disagree, or a format has no value in an arm.

    Source: own derivation of the variances; quadrature of t and normal parts is Banerjee 1961.
        Coverage: docs/validation/recipe_effect.md.

    >>> import numpy as np
    >>> y_SFI = np.array([[[1, 1, 0, 0]], [[1, 0, 0, 0]], [[1, 1, 1, 0.0]]])
    >>> budget = recipe_effect(y_SFI, np.zeros((1, 1, 4)))
    >>> budget.estimate, [part.source for part in budget.parts]
    (0.5, ['seed', 'item'])
    """
    cluster_I = checked_clusters(y_SFI, against_SFI, cluster_I)
    arm, other = Arm.of(y_SFI, cluster_I), Arm.of(against_SFI, cluster_I)
    refused = _recipe_refusal(arm, other, against_seeded=against_seeded)
    own, base = arm.variances, other.variances
    item = paired_item_variance(arm, other) - own.both - (base.both if against_seeded else 0.0)
    parts = (*_seed_parts(own, base, against_seeded), item_part(max(item, 0.0), own.n_clusters))
    return _budget(arm, other, parts, refused=refused, seeded=against_seeded, claim="recipe")


def checkpoint_effect(
    y_SFI: Array, against_SFI: Array, *, cluster_I: Labels | None = None, against_seeded: bool = False
) -> Budget:
    """The mean difference between given checkpoints and another model, over items like these.

    Answers "are these checkpoints different", not "would the recipe do it again": training seeds are fixed.

    Args:
        y_SFI: Outcome in [0, 1] of each checkpoint (first axis), prompt format and item; NaN where missing.
        against_SFI: The same items and formats under the model compared with.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        against_seeded: Whether the first axis of `against_SFI` counts training seeds.

    Returns:
        A budget with the one part `item`: half-width squared is z^2 V_I, paired by item.

    Raises:
        ValueError: shapes disagree, or a format has no value in an arm.

    Source: clustered standard error of a paired difference, Miller 2024, with clusters of items.
        Coverage: docs/validation/checkpoint_effect.md.

    >>> import numpy as np
    >>> y = np.array([[[1.0, 1.0, 0.0, 0.0]]])
    >>> budget = checkpoint_effect(y, np.zeros((1, 1, 4)))
    >>> budget.estimate, round(budget.parts[0].variance, 4), budget.parts[0].df
    (0.5, 0.0833, 3)
    """
    cluster_I = checked_clusters(y_SFI, against_SFI, cluster_I)
    arm, other = Arm.of(y_SFI, cluster_I), Arm.of(against_SFI, cluster_I)
    refused = "one item" if arm.variances.n_clusters < 2 else ""
    parts = (item_part(paired_item_variance(arm, other), arm.variances.n_clusters),)
    return _budget(arm, other, parts, refused=refused, seeded=against_seeded, claim="checkpoint")


def rate_interval(y_SFI: Array, *, cluster_I: Labels | None = None, level: float = 0.95) -> Interval:
    """The rate of given checkpoints on items like these, with a score interval.

    Answers "how often does this happen", for these checkpoints; training seeds are fixed.

    Args:
        y_SFI: Outcome in [0, 1] per checkpoint, prompt format and item; NaN where missing.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        level: Confidence level, a fraction.

    Returns:
        Rate and limits within [0, 1]; limits are NaN with one item. A rate of 0 or 1 has a width too.

    Raises:
        ValueError: a format has no value at all.

    Source: Wilson's interval at the effective number of items; `score_interval`.

    >>> import numpy as np
    >>> rate = rate_interval(np.zeros((1, 1, 100)))
    >>> f"{rate.estimate:.2f} {rate.low:.2f} {rate.high:.2f}"
    '0.00 0.00 0.04'
    """
    cluster_I = checked_clusters(y_SFI, y_SFI, cluster_I)
    side = Arm.of(y_SFI, cluster_I)
    low, high, reason = math.nan, math.nan, "one item"
    if side.variances.n_clusters > 1:
        (low, high), reason = score_interval(side.score_rate("checkpoint"), alpha=1 - level), ""
    n_seeds, _, n_items = y_SFI.shape
    return Interval(side.rate, low, high, level, n_seeds=n_seeds, n_items=n_items, reason=reason)


def _seed_parts(own: FacetVariances, base: FacetVariances, against_seeded: bool) -> tuple[Part, ...]:
    """The seed parts of one or two samples of training seeds.

    Welch's degrees of freedom cover 94.3 % or more at equal S >= 3 and as little as 88 % elsewhere; parts
    with their own t never cover less than they say, and are up to a third wider.
    """
    if not against_seeded:
        return (Part("seed", own.seed, own.n_seeds - 1, own.both),)
    df, df_against = float(own.n_seeds - 1), float(base.n_seeds - 1)
    if df == df_against >= 2 and own.seed + base.seed > 0:
        df = df_against = df * (own.seed + base.seed) ** 2 / (own.seed**2 + base.seed**2)
    return (Part("seed", own.seed, df, own.both), Part("seed_against", base.seed, df_against, base.both))


def _recipe_refusal(arm: Arm, other: Arm, *, against_seeded: bool) -> str:
    if len(arm.y_SFI) < 2:
        return "one training seed says nothing about the recipe"
    if against_seeded and len(other.y_SFI) < 2:
        return "the arm compared with has one training seed, which says nothing about its recipe"
    if arm.variances.n_clusters < 2:
        return "one item"
    if arm.seeds_agree() and not arm.rare() and not unchanged(arm, other):
        return "the training seeds gave identical outcomes on every item"
    return ""


def _budget(arm: Arm, other: Arm, parts: tuple[Part, ...], *, refused: str, seeded: bool, claim: Claim) -> Budget:
    score, note = (None, "") if refused else score_rule(arm, other, claim)
    return Budget(
        estimate=arm.rate - other.rate,
        parts=parts,
        score=score,
        n_seeds=len(arm.y_SFI),
        n_seeds_against=len(other.y_SFI) if seeded else 0,
        n_items=arm.y_SFI.shape[2],
        n_clusters=arm.variances.n_clusters,
        refused=refused,
        note=note,
    )
