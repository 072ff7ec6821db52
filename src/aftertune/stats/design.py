"""What it would take to decide: power, seeds needed, items needed, and the advice made of them.

Plans rest on the variances seen so far, which few seeds estimate badly; treat the numbers as orders of
magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.budget import Budget, Part
from aftertune.stats.quantiles import t_quantile, two_sided
from aftertune.stats.verdict import Worse

MOST_SEEDS = 200
MOST_ITEMS = 100_000
_TAILS = (np.arange(200) + 0.5) / 200


@dataclass(frozen=True, slots=True)
class Design:
    """The ingredients of a plan: standard deviations on the scale of the outcome, as fractions.

    Attributes:
        seed: Between-seed SD of the mean change.
        item: SD of the change between items, seed noise removed.
        both: SD of the seed x item interaction, replicate noise included.
    """

    seed: float
    item: float
    both: float

    def variance(self, n_seeds: int, n_items: int) -> float:
        """Variance of the mean change at a size.

        >>> round(Design(0.03, 0.148, 0.194).variance(5, 450) ** 0.5, 4)
        0.0157
        """
        return self.seed**2 / n_seeds + self.item**2 / n_items + self.both**2 / (n_seeds * n_items)

    def parts(self, n_seeds: int, n_items: int) -> tuple[float, float]:
        """Expected seed part (with the interaction) and item part of that variance."""
        return self.seed**2 / n_seeds + self.both**2 / (n_seeds * n_items), self.item**2 / n_items


def detection_power(design: Design, change: float, *, n_seeds: int, n_items: int, alpha: float = 0.05) -> float:
    """The chance that a true change is told from zero, two-sided.

    Args:
        design: Standard deviations.
        change: The true change, a fraction; its sign does not matter.
        n_seeds: Training seeds, at least 2.
        n_items: Items (or clusters), at least 2.
        alpha: Two-sided error rate.

    Source: own derivation: the quadrature rule's own half-width, averaged over the chi-square of the seed
        variance. Checked against simulation in docs/validation/power.md.

    >>> round(detection_power(Design(0.03, 0.148, 0.194), 0.056, n_seeds=5, n_items=450), 1)
    0.8
    """
    variance = design.variance(n_seeds, n_items)
    if variance == 0:
        # Nothing varies in the pilot: any change would be seen, no change never.
        return 1.0 if change else 0.0
    seed, item = design.parts(n_seeds, n_items)
    df = n_seeds - 1
    luck = special.chdtri(df, _TAILS) / df  # how far off the seed variance may be estimated
    half = np.sqrt(two_sided(alpha, df) ** 2 * seed * luck + two_sided(alpha, math.inf) ** 2 * item)
    return float(special.ndtr((abs(change) - half) / math.sqrt(seed + item)).mean())


def minimum_detectable_effect(
    design: Design, *, n_seeds: int, n_items: int, power: float = 0.8, alpha: float = 0.05
) -> float:
    """The smallest change that the design finds with the stated power, as a fraction.

    Args:
        design: Standard deviations.
        n_seeds: Training seeds, at least 2.
        n_items: Items (or clusters), at least 2.
        power: Wanted chance of finding it.
        alpha: Two-sided error rate.

    Source: as `detection_power`.

    >>> design = Design(0.03, 0.148, 0.194)
    >>> round(minimum_detectable_effect(design, n_seeds=5, n_items=450), 3)
    0.056
    """
    low, high = 0.0, 40 * math.sqrt(design.variance(n_seeds, n_items))
    for _ in range(60):
        middle = (low + high) / 2
        found = detection_power(design, middle, n_seeds=n_seeds, n_items=n_items, alpha=alpha) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


def seeds_for_gate(
    design: Design, distance: float, *, n_items: int, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """The fewest training seeds that decide a gate with the stated power.

    Args:
        design: Standard deviations.
        distance: How far the true change lies from the margin, a fraction.
        n_items: Items (or clusters).
        power: Wanted chance of a decision.
        alpha: One-sided error rate of the gate.

    Returns:
        A number of seeds from 2 up; None where 200 are not enough.

    Source: as `detection_power`. The quadrature rule wants about one seed more where the answer is 4 or
    fewer.

    >>> design = Design(0.03, 0.148, 0.194)
    >>> [seeds_for_gate(design, margin, n_items=450) for margin in (0.02, 0.03, 0.05)]
    [63, 12, 5]
    """

    def decides(n_seeds: int) -> bool:
        return detection_power(design, distance, n_seeds=n_seeds, n_items=n_items, alpha=2 * alpha) >= power

    return next((n for n in range(2, MOST_SEEDS + 1) if decides(n)), None)


def items_for_recipe_gate(
    design: Design, distance: float, *, n_seeds: int, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """The fewest items that decide a gate on a recipe, at a number of training seeds.

    Args:
        design: Standard deviations.
        distance: How far the true change lies from the margin, a fraction.
        n_seeds: Training seeds, at least 2.
        power: Wanted chance of a decision.
        alpha: One-sided error rate of the gate.

    Returns:
        A number of items (or clusters) from 2 up; None where 100,000 are not enough, because the seeds alone
        leave too much open.

    Source: as `detection_power`.

    >>> design = Design(0.03, 0.148, 0.194)
    >>> [items_for_recipe_gate(design, 0.05, n_seeds=n) for n in (3, 5, 10)]
    [None, 240, 88]
    """

    def decides(n_items: int) -> bool:
        return detection_power(design, distance, n_seeds=n_seeds, n_items=n_items, alpha=2 * alpha) >= power

    low, high = 1, MOST_ITEMS
    if not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def items_for_gate(item_sd: float, distance: float, *, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """The fewest items that decide a gate on given checkpoints with the stated power.

    Args:
        item_sd: SD of the paired change between items (or clusters).
        distance: How far the true change lies from the margin, a fraction.
        power: Wanted chance of a decision.
        alpha: One-sided error rate of the gate.

    Returns:
        A number of items from 2 up; None where 100,000 are not enough.

    Source: normal approximation, n = ((z_a + z_b) sd / distance)^2.

    >>> items_for_gate(0.25, 0.02)
    967
    """
    if not distance > 0:
        return None
    z = t_quantile(1 - alpha, math.inf) + t_quantile(power, math.inf)
    n = math.ceil((z * item_sd / distance) ** 2)
    return max(n, 2) if n <= MOST_ITEMS else None


def design_of(budget: Budget) -> Design:
    """Read the standard deviations back from a recipe budget.

    Args:
        budget: With the parts `seed` and `item`; `seed_against` as well where two tuned arms are compared.

    Returns:
        A design whose number of training seeds is that of each arm: with two tuned arms, both vary.

    >>> from aftertune.stats.budget import Part
    >>> seed = Part("seed", 0.0104, 3, floor=0.0004)
    >>> design_of(Budget(0.0, (seed, Part("item", 0.0001)), n_seeds=4, n_clusters=100))
    Design(seed=0.2, item=0.1, both=0.4)
    """
    parts = {part.source: part for part in budget.parts}
    none = Part("none", 0.0)
    arms = ((parts.get("seed", none), budget.n_seeds), (parts.get("seed_against", none), budget.n_seeds_against))
    seed = sum(max(part.variance - part.floor, 0.0) * n for part, n in arms)
    both = sum(max(part.floor, 0.0) * n for part, n in arms) * budget.n_clusters
    item = parts.get("item", none).variance * budget.n_clusters
    return Design(math.sqrt(seed), math.sqrt(item), math.sqrt(both))


def advice(budget: Budget, *, margin: float, worse: Worse, level: float = 0.95) -> str:
    """Say what would turn CANNOT TELL into a decision, if the change really is what was estimated.

    Args:
        budget: The undecided contrast.
        margin: As given to `verdict`.
        worse: As given to `verdict`.
        level: As given to `verdict`.

    Returns:
        One sentence; empty where nothing is known to plan with.

    >>> advice(Budget(0.0, refused="one training seed says nothing"), margin=0.05, worse="higher")
    'Train at least 3 seeds (5 are better) before a recipe claim.'
    """
    sources = {part.source for part in budget.parts}
    if "one training seed" in budget.refused:
        return "Train at least 3 seeds (5 are better) before a recipe claim."
    if budget.refused or not budget.parts:
        return ""
    distance = abs(margin - (budget.estimate if worse == "higher" else -budget.estimate))
    if "seed" in sources:
        return _seed_advice(budget, distance, alpha=1 - level)
    return _item_advice(budget, distance, alpha=1 - level)


def _seed_advice(budget: Budget, distance: float, *, alpha: float) -> str:
    design = design_of(budget)
    seeds = seeds_for_gate(design, distance, n_items=max(budget.n_clusters, 2), alpha=alpha)
    if seeds is not None and seeds > budget.n_seeds:
        return f"If the change is what it looks like, about {seeds} training seeds would decide this with 80 % power."
    if seeds is not None:
        return "As many training seeds usually decide such a case; two more would probably settle it."
    units = items_for_gate(design.item, distance, alpha=alpha)
    if units is not None and units > budget.n_clusters:
        items = math.ceil(units * budget.n_items / max(budget.n_clusters, 1))
        return f"Too close to the margin for more seeds alone; it would also take at least {items} items."
    return f"Too close to the margin: {MOST_SEEDS} training seeds would not decide it. Choose another margin."


def _item_advice(budget: Budget, distance: float, *, alpha: float) -> str:
    spread = math.sqrt(budget.parts[0].variance * budget.n_clusters)
    units = items_for_gate(spread, distance, alpha=alpha)
    if units is None:
        return "Too close to the margin for any affordable number of items. Choose another margin."
    items = math.ceil(units * budget.n_items / max(budget.n_clusters, 1))
    more = max(items, budget.n_items + 1)
    return f"If the difference is what it looks like, about {more} items would decide this with 80 % power."
