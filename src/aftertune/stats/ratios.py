"""Smooth functions of two rates, such as the log risk ratio, by a jackknife over each facet.

For plain differences `effect` is exact and faster. The jackknife subtracts nothing, so it is slightly wide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aftertune.stats.arm import checked_clusters, item_part
from aftertune.stats.budget import Budget, Part
from aftertune.stats.facets import Array, Labels, seeds_with_values

Statistic = Callable[[Array, Array], Array]


def log_risk_ratio(rate: Array, against: Array) -> Array:
    """The log of the ratio of two rates.

    >>> float(log_risk_ratio(np.array(0.2), np.array(0.1)).round(3))
    0.693
    """
    return np.asarray(np.log(rate) - np.log(against))


def log_odds_ratio(rate: Array, against: Array) -> Array:
    """The log of the ratio of two odds.

    >>> float(log_odds_ratio(np.array(0.5), np.array(0.2)).round(3))
    1.386
    """
    return np.asarray(np.log(rate / (1 - rate)) - np.log(against / (1 - against)))


def jackknife_effect(
    y_SFI: Array,
    against_SFI: Array,
    statistic: Statistic,
    *,
    cluster_I: Labels | None = None,
    recipe: bool = True,
    against_seeded: bool = False,
) -> Budget:
    """Any smooth function of an arm's rate and another's, with its error budget.

    Answers "by what factor did the rate change" (log risk ratio), "by what factor the odds" (log odds ratio).

    Args:
        y_SFI: Outcome in [0, 1] per training seed, prompt format and item; NaN where missing.
        against_SFI: The arm compared with, on the same formats and items.
        statistic: Maps arrays of both rates to arrays of values, element by element.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        recipe: Whether training seeds are a sample; otherwise the claim is about these checkpoints.
        against_seeded: True where the second arm was fine-tuned too; its training seeds are then a second,
            independent sample.

    Returns:
        A budget on the scale of the statistic, with the parts `seed` and `item` (and `seed_against`).
        Refused where the statistic is infinite or undefined, as a log ratio is at a rate of 0, or with any
        one item or seed left out; and at one training seed for a recipe claim.

    Raises:
        ValueError: shapes disagree, or a format has no value in an arm.

    Source: delete-one jackknife per facet, Efron and Stein 1981, joined in quadrature.
        Coverage: docs/validation/ratios.md.

    >>> y_SFI = np.array([[[1, 1, 0, 0]], [[1, 1, 1, 0.0]]])
    >>> budget = jackknife_effect(y_SFI, np.array([[[1, 0, 0, 1.0]]]), log_risk_ratio)
    >>> round(float(np.exp(budget.estimate)), 3), [part.source for part in budget.parts]
    (1.25, ['seed', 'item'])
    """
    labels = checked_clusters(y_SFI, against_SFI, cluster_I)
    y_SFI, against_SFI = seeds_with_values(y_SFI), seeds_with_values(against_SFI)
    n_clusters = int(labels.max()) + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, base = _rate(*_sums(y_SFI)), _rate(*_sums(against_SFI))
        left_out = {
            "whole": np.atleast_1d(statistic(rate, base)),
            "item": statistic(_without_cluster(y_SFI, labels), _without_cluster(against_SFI, labels)),
        }
        if recipe and len(y_SFI) > 1:
            left_out["seed"] = statistic(_without_seed(y_SFI), base)
        if recipe and against_seeded and len(against_SFI) > 1:
            left_out["seed_against"] = statistic(rate, _without_seed(against_SFI))
        seeds = [Part(name, _spread(left_out[name]), len(left_out[name]) - 1) for name in _SEEDS if name in left_out]
        item = item_part(_spread(left_out["item"]), n_clusters)
    defined = n_clusters > 1 and all(np.isfinite(values).all() for values in left_out.values())
    return Budget(
        float(left_out["whole"][0]),
        (*seeds, item),
        n_seeds=len(y_SFI),
        n_seeds_against=len(against_SFI) if against_seeded else 0,
        n_items=y_SFI.shape[2],
        n_clusters=n_clusters,
        refused=_refusal(len(y_SFI), len(against_SFI), recipe=recipe, against_seeded=against_seeded, defined=defined),
    )


_SEEDS = ("seed", "seed_against")


def _refusal(n_seeds: int, n_against: int, *, recipe: bool, against_seeded: bool, defined: bool) -> str:
    if recipe and n_seeds < 2:
        return "one training seed says nothing about the recipe"
    if recipe and against_seeded and n_against < 2:
        return "the arm compared with has one training seed, which says nothing about its recipe"
    return "" if defined else "the ratio is undefined for these rates"


def _spread(left_out: Array) -> float:
    n = len(left_out)
    return (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())


def _sums(y_SFI: Array) -> tuple[Array, Array]:
    """Sum and number of values per prompt format."""
    return np.nansum(y_SFI, axis=(0, 2)), (~np.isnan(y_SFI)).sum(axis=(0, 2))


def _rate(total_F: Array, n_F: Array) -> Array:
    return np.asarray((total_F / n_F).mean(axis=-1))


def _without_cluster(y_SFI: Array, labels: Labels) -> Array:
    total_F, n_F = _sums(y_SFI)
    n_clusters = int(labels.max()) + 1
    own_GF, count_GF = np.zeros((n_clusters, len(total_F))), np.zeros((n_clusters, len(total_F)))
    np.add.at(own_GF, labels, np.nansum(y_SFI, axis=0).T)
    np.add.at(count_GF, labels, (~np.isnan(y_SFI)).sum(axis=0).T)
    return _rate(total_F - own_GF, n_F - count_GF)


def _without_seed(y_SFI: Array) -> Array:
    total_F, n_F = _sums(y_SFI)
    return _rate(total_F - np.nansum(y_SFI, axis=2), n_F - (~np.isnan(y_SFI)).sum(axis=2))
