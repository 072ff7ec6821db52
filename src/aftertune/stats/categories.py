"""Effects per category of items: shrunk towards the whole, with seed variances that lend each other strength.

Few training seeds cannot carry one claim per category; by default these are about the given checkpoints.
Exploratory: read them with Benjamini and Hochberg's p-values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.arm import item_part
from aftertune.stats.budget import Budget, Part
from aftertune.stats.facets import Array


@dataclass(frozen=True, slots=True)
class Prior:
    """What many categories say about one variance: a scaled inverse chi-square.

    Attributes:
        df: Worth in degrees of freedom; infinite where the categories show one variance only.
        variance: The prior's centre.
    """

    df: float
    variance: float

    def moderated(self, variance: Array, df: float) -> tuple[Array, float]:
        """Variances drawn towards the prior, and their degrees of freedom.

        >>> Prior(4.0, 1.0).moderated(np.array([3.0]), 2.0)[0].round(3).tolist()
        [1.667]
        """
        if math.isinf(self.df):
            return np.full_like(variance, self.variance), math.inf
        return (self.df * self.variance + df * variance) / (self.df + df), self.df + df


def variance_prior(variance_C: Array, df: float) -> Prior:
    """Fit the prior of seed variances over categories.

    Args:
        variance_C: Variance estimate per category, each on `df` degrees of freedom.
        df: Training seeds minus one.

    Returns:
        The prior. Its df is infinite where the estimates scatter no more than chance makes them; it needs at
        least three positive variances, and has 0 df with fewer (then nothing is borrowed).

    Source: Smyth 2004, section 6.2 (moments of log variances).

    >>> variance_prior(np.array([0.0, 0.0, 1.0]), 4).df
    0.0
    """
    positive = variance_C[variance_C > 0]
    if len(positive) < 3:
        return Prior(0.0, math.nan)
    log_C = np.log(positive) - special.digamma(df / 2) + math.log(df / 2)
    scatter = float(log_C.var(ddof=1)) - float(special.polygamma(1, df / 2))
    if scatter <= 0:
        return Prior(math.inf, float(np.exp(log_C.mean())))
    prior_df = 2 * _inverse_trigamma(scatter)
    centre = float(log_C.mean()) + float(special.digamma(prior_df / 2)) - math.log(prior_df / 2)
    return Prior(prior_df, math.exp(centre))


def recipe_by_category(effect_SC: Array, item_C: Array, n_items_C: Array) -> list[Budget]:
    """The recipe effect in every category, with seed variances that lend each other strength.

    Answers "what does this recipe do in this category when it is run again". A training seed moves all categories
    together and each a little on its own: the first is one variance on S - 1 degrees of freedom, however many
    categories there are; only the second can be moderated.

    Args:
        effect_SC: Change per training seed and category.
        item_C: Variance of each category's effect from its items, the interaction with seeds taken off (the part
            `item` of `recipe_effect`).
        n_items_C: Items (or clusters) of each category.

    Returns:
        A budget per category with the parts `seed` (what moves all categories, t(S - 1)), `seed_category`
        (moderated over the categories) and `item`. Refused with fewer than two training seeds or three
        categories.

    Source: Smyth 2004 for the moderated part, its degrees of freedom at most those of the pooled variance; own
        derivation of the split. Coverage: docs/validation/categories.md.

    >>> effect_SC = np.array([[0.0, 0.1, 0.2], [0.1, 0.2, 0.3]])
    >>> first = recipe_by_category(effect_SC, np.full(3, 0.0001), np.full(3, 50))[0]
    >>> [(part.source, round(part.variance, 6), part.df) for part in first.parts]
    [('seed', 0.0025, 1), ('seed_category', 0.0, 2.0), ('item', 0.0001, inf)]
    """
    n_seeds, n = effect_SC.shape
    if n_seeds < 2 or n < 3:
        refused = "one training seed says nothing about the recipe" if n_seeds < 2 else "fewer than three categories"
        return [Budget(float(effect), n_seeds=n_seeds, refused=refused) for effect in effect_SC.mean(axis=0)]
    common_S = effect_SC.mean(axis=1)
    own_C = (effect_SC - common_S[:, None]).var(axis=0, ddof=1) / n_seeds * n / (n - 1)
    moderated_C, df = variance_prior(own_C, n_seeds - 1).moderated(own_C, n_seeds - 1)
    df = min(df, float((n - 1) * (n_seeds - 1)))
    common = Part("seed", float(common_S.var(ddof=1)) / n_seeds, n_seeds - 1)
    return [
        Budget(
            estimate=float(effect),
            parts=(common, Part("seed_category", float(own), df), item_part(float(item), int(n_items))),
            n_seeds=n_seeds,
            n_items=int(n_items),
            n_clusters=int(n_items),
        )
        for effect, own, item, n_items in zip(effect_SC.mean(axis=0), moderated_C, item_C, n_items_C, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Category effects drawn towards their common mean.

    Attributes:
        estimate_C: Shrunk effects.
        error_C: Their standard errors.
        mean: The common mean.
        between: Variance between categories, noise removed; NaN where nothing was pooled.
    """

    estimate_C: Array
    error_C: Array
    mean: float
    between: float


def shrink(effect_C: Array, variance_C: Array) -> Shrunk:
    """Partial pooling of category effects.

    Answers "what is this category's effect, given that the others are of its kind"; it moves noisy and
    extreme estimates most.

    Args:
        effect_C: Effect per category, a fraction.
        variance_C: Squared standard error of each, above 0.

    Returns:
        Shrunk effects; never more than the share (C - 3) / (C - 1) of the way to the mean, because the spread
        between categories is itself estimated, and the errors hold that uncertainty. With fewer than four
        categories nothing is pooled.

    Source: Morris 1983, equations 1.16 to 1.19 (empirical Bayes intervals); spread between categories by
        DerSimonian and Laird 1986. Coverage over categories: docs/validation/categories.md.

    >>> found = shrink(np.array([0.0, 0.1, 0.1, 0.1, 0.2]), np.full(5, 0.01))
    >>> round(found.between, 9), found.estimate_C.round(3).tolist()
    (0.0, [0.05, 0.1, 0.1, 0.1, 0.15])
    """
    n = len(effect_C)
    if n < 4:
        return Shrunk(effect_C, np.sqrt(variance_C), float(effect_C.mean()) if n else math.nan, math.nan)
    weight = 1 / variance_C
    centre = float((weight * effect_C).sum() / weight.sum())
    scatter = float((weight * (effect_C - centre) ** 2).sum()) - (n - 1)
    between = max(scatter / float(weight.sum() - (weight**2).sum() / weight.sum()), 0.0)
    total = 1 / (variance_C + between)
    mean = float((total * effect_C).sum() / total.sum())
    pull = (n - 3) / (n - 1) * variance_C * total
    unsure = 2 / (n - 3) * pull**2 * (float(variance_C.mean()) + between) * total * (effect_C - mean) ** 2
    error2 = variance_C * (1 - (n - 1) / n * pull) + unsure
    return Shrunk(effect_C - pull * (effect_C - mean), np.sqrt(error2), mean, between)


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, which is nearly linear."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
