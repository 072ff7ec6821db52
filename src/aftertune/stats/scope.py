"""What a claim generalises over, facet by facet, and the effect with exactly those sources of error.

The two standard claims are `recipe_effect` and `checkpoint_effect`; this is for the others: "this benchmark's
items and no more", "formats like these".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from aftertune.stats.arm import Arm, Claim, checked_clusters, item_part
from aftertune.stats.budget import Budget, Part
from aftertune.stats.effect import checkpoint_effect, recipe_effect
from aftertune.stats.facets import Array, Labels, by_cluster, crossed_variance, influence, seeds_with_values

Facet = Literal["random", "fixed"]
FEWEST_JUDGES = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facets are samples of something larger. Error comes only from those.

    Attributes:
        seed: Random: the recipe. Fixed: these checkpoints.
        item: Random: prompts like these. Fixed: this benchmark as it is.
        prompt_format: Random: formats like these. Fixed: these formats.
        judge: Random: judges like these. Fixed: one judge, or these.
    """

    seed: Facet = "random"
    item: Facet = "random"
    prompt_format: Facet = "fixed"
    judge: Facet = "fixed"

    @property
    def claim(self) -> Claim:
        """Which of the two claims it is.

        >>> Scope(seed="fixed").claim
        'checkpoint'
        """
        return "recipe" if self.seed == "random" else "checkpoint"

    @property
    def words(self) -> str:
        """The scope in words.

        >>> Scope(prompt_format="random").words
        'on average over retraining, on prompts like these and in formats like these'
        >>> Scope().words
        'on average over retraining and on prompts like these'
        >>> Scope(judge="random").words
        'on average over retraining, on prompts like these and as judges like these see it'
        """
        items = "on prompts like these" if self.item == "random" else "on this benchmark as it is"
        formats = "in formats like these" if self.prompt_format == "random" else ""
        judges = "as judges like these see it" if self.judge == "random" else ""
        if self.seed == "fixed":
            return f"{_listed([items, formats, judges])}; nothing is said about training again"
        return _listed(["on average over retraining", items, formats, judges])


def scoped_effect(
    y_SFI: Array,
    against_SFI: Array,
    scope: Scope,
    *,
    cluster_I: Labels | None = None,
    against_seeded: bool = False,
    sampling_variance: float = 0.0,
) -> Budget:
    """The change in a rate, with an error budget for exactly one scope.

    Args:
        y_SFI: Outcome in [0, 1] per training seed, prompt format and item; NaN where missing.
        against_SFI: The same items and formats under the arm compared with.
        scope: What the claim generalises over.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        against_seeded: True where the second arm was fine-tuned too.
        sampling_variance: With fixed items, the variance that sampling responses puts into the estimate
            (`sampling_variance` makes it from replicates). 0 is right for greedy decoding only.

    Returns:
        A budget. With random items it is that of `recipe_effect` or `checkpoint_effect`; random formats add
        the part `prompt_format` with t(F-1), fixed items replace the part `item` by `sampling`. Refused
        with one level of a random facet, or where a scope leaves nothing random.

    Raises:
        ValueError: as `recipe_effect`.

    Source: own derivation; design simulation, inference spaces. Coverage: docs/validation/scope.md.

    >>> rng = np.random.default_rng(1)
    >>> y_SFI, y0_SFI = rng.random((3, 2, 50)), rng.random((1, 2, 50))
    >>> wide = scoped_effect(y_SFI, y0_SFI, Scope(prompt_format="random"))
    >>> [part.source for part in wide.parts], wide.parts[1].df
    (['seed', 'prompt_format', 'item'], 1)
    """
    y_SFI, against_SFI = seeds_with_values(y_SFI), seeds_with_values(against_SFI)
    effect = recipe_effect if scope.claim == "recipe" else checkpoint_effect
    budget = effect(y_SFI, against_SFI, cluster_I=cluster_I, against_seeded=against_seeded)
    if scope.prompt_format == "random":
        budget = _with_formats(budget, y_SFI, against_SFI, cluster_I, against_seeded, scope)
    if scope.item == "fixed":
        budget = _with_fixed_items(budget, sampling_variance)
    return budget


def sampling_variance(within: float, n_responses: int) -> float:
    """The variance that sampling responses puts into a rate on fixed items.

    Args:
        within: Variance of replicates inside a cell, pooled; NaN where there were none.
        n_responses: Responses behind the rate.

    Returns:
        `within / n_responses`; without replicates the largest possible for a yes/no outcome, 0.25 / n.

    >>> sampling_variance(0.1, 100), sampling_variance(float("nan"), 100)
    (0.001, 0.0025)
    """
    return (0.25 if math.isnan(within) else within) / n_responses


def with_judges(budget: Budget, change_J: Array) -> Budget:
    """Add judges as a random facet: "judges like these".

    Args:
        budget: The effect averaged over the judges.
        change_J: The same change as each judge sees it.

    Returns:
        The budget with the part `judges`, t(J-1); refused with fewer than 3 judges.

    Source: one more quadrature term, as for any random facet.

    >>> three = with_judges(Budget(0.1), np.array([0.1, 0.12, 0.08]))
    >>> three.parts[0].source, round(three.parts[0].variance, 6), three.parts[0].df
    ('judges', 0.000133, 2)
    """
    n = len(change_J)
    if n < FEWEST_JUDGES:
        few = f"{n} judge{'s' if n != 1 else ''} cannot stand for judges in general"
        return replace(budget, refused=budget.refused or few)
    part = Part("judges", float(change_J.var(ddof=1)) / n, n - 1)
    return replace(budget, parts=(*budget.parts, part))


def _listed(parts: list[str]) -> str:
    *some, last = [part for part in parts if part]
    return f"{', '.join(some)} and {last}" if some else last


def _with_formats(
    budget: Budget, y_SFI: Array, against_SFI: Array, cluster_I: Labels | None, seeded: bool, scope: Scope
) -> Budget:
    n_formats = y_SFI.shape[1]
    if n_formats < 2:
        return replace(budget, refused=budget.refused or "one prompt format says nothing about formats")
    labels = checked_clusters(y_SFI, against_SFI, cluster_I)
    own_SFG, base_SFG = _format_influence(y_SFI, labels), _format_influence(against_SFI, labels)
    difference_FG = own_SFG.sum(axis=0) - base_SFG.sum(axis=0)
    formats = Part("prompt_format", crossed_variance(difference_FG, (0,)), n_formats - 1)
    shared = crossed_variance(difference_FG, (0, 1))
    if scope.claim == "recipe" and not budget.refused:
        sides = (own_SFG, base_SFG) if seeded else (own_SFG,)
        shared -= sum(crossed_variance(side, (0, 1, 2)) for side in sides)
    old = budget.parts[-1]
    item = item_part(max(old.variance - shared, 0.0), budget.n_clusters)
    return replace(budget, parts=(*budget.parts[:-1], formats, item))


def _format_influence(y_SFI: Array, labels: Labels) -> Array:
    """Influences per format too, with the formats' own deviations left in."""
    rate = Arm.of(y_SFI, labels).rate
    per_format = []
    for format_place in range(y_SFI.shape[1]):
        own, u_SI = influence(y_SFI[:, [format_place]])
        u_SG = by_cluster(u_SI, labels)
        per_format.append((u_SG + (own - rate) / u_SG.size) / y_SFI.shape[1])
    return np.stack(per_format, axis=1)


def _with_fixed_items(budget: Budget, variance: float) -> Budget:
    parts = tuple(part for part in budget.parts if part.source != "item")
    if variance > 0:
        parts = (*parts, Part("sampling", variance))
    refused = budget.refused
    if not parts or sum(part.variance for part in parts) == 0:
        refused = refused or "nothing in this scope is random, so there is nothing to be uncertain about"
    return replace(budget, parts=parts, score=None, note="", refused=refused)
