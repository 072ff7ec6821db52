"""Where to spend next: the split of a budget between training seeds and items, and what would halve an
interval.

Costs are in any one unit. Plans rest on pilot components, which few seeds estimate badly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from aftertune.stats.budget import Budget, half_widths
from aftertune.stats.design import Design
from aftertune.stats.quantiles import two_sided

FEWEST_SEEDS = 3  # below this the seed part's multiplier is 4.3 or more


@dataclass(frozen=True, slots=True)
class Split:
    """How many training seeds and items a budget buys, and the standard error they give."""

    n_seeds: float
    n_items: float
    standard_error: float


def optimal_split(design: Design, *, budget: float, seed_cost: float, item_cost: float) -> Split:
    """The split of a budget that makes the standard error of a recipe effect smallest.

    Args:
        design: Standard deviations from a pilot; `seed` must be above 0.
        budget: What may be spent.
        seed_cost: Cost of training one seed.
        item_cost: Cost of one item under one seed: formats x (generating + judging).

    Returns:
        Fractional numbers, as the optimum is flat; round to your liking, with at least 3 seeds.

    Raises:
        ValueError: the seed SD or a cost is not above 0.

    Source: Cochran 1977, two-stage sampling, with an item component shared by the seeds; own derivation.

    >>> split = optimal_split(Design(0.03, 0.148, 0.194), budget=200, seed_cost=10, item_cost=0.04)
    >>> round(split.n_items), round(split.n_seeds, 1), round(100 * split.standard_error, 2)
    (364, 8.1, 1.35)
    """
    if min(design.seed, seed_cost, item_cost, budget) <= 0:
        raise ValueError("the seed SD, the costs and the budget must be above 0")
    items = math.sqrt((design.item**2 * budget + design.both**2 * seed_cost) / (design.seed**2 * item_cost))
    seeds = budget / (seed_cost + items * item_cost)
    variance = design.seed**2 / seeds + design.item**2 / items + design.both**2 / (seeds * items)
    return Split(seeds, items, math.sqrt(variance))


@dataclass(frozen=True, slots=True)
class Lever:
    """What one purchase would do to an interval.

    Attributes:
        source: The part it shrinks.
        buys: The purchase in words.
        half_width: The half-width it would leave, a fraction.
    """

    source: str
    buys: str
    half_width: float


def levers(budget: Budget, *, level: float = 0.95) -> list[Lever]:
    """What the next purchases would do, the most effective first.

    Answers "what is this interval made of, and what would narrow it": two more training seeds, twice the
    items, twice the labels.

    Args:
        budget: The interval's error budget.
        level: Confidence level, a fraction.

    Returns:
        One lever per part that money can shrink; empty where the claim is refused.

    Source: each part scales with the number of its units; the seed part's t multiplier falls as well.

    >>> from aftertune.stats.budget import Part
    >>> tight = Budget(0.0, (Part("seed", 0.0004, 2), Part("item", 0.0001)), n_seeds=3, n_items=100)
    >>> [(lever.buys, round(lever.half_width, 3)) for lever in levers(tight)]
    [('2 more training seeds', 0.047), ('100 more items', 0.087)]
    """
    if budget.refused:
        return []
    widths = half_widths(budget, alpha=1 - level)
    total = sum(widths.values())
    found = []
    for part in budget.parts:
        buys, share = _purchase(budget, part.source, level)
        if buys and widths[part.source] > 0:
            left = max(total - widths[part.source] * (1 - share), 0.0)
            found.append(Lever(part.source, buys, math.sqrt(left)))
    return sorted(found, key=lambda lever: lever.half_width)


def _purchase(budget: Budget, source: str, level: float) -> tuple[str, float]:
    """What is bought for a part, and the share of its squared half-width that stays."""
    if source in ("seed", "seed_against"):
        n = budget.n_seeds if source == "seed" else budget.n_seeds_against
        multipliers = [two_sided(1 - level, df) for df in (n - 1, n + 1)]
        where = "" if source == "seed" else " of the arm compared with"
        return f"2 more training seeds{where}", n / (n + 2) * (multipliers[1] / multipliers[0]) ** 2
    if source == "item":
        return f"{budget.n_items} more items", 0.5
    if source == "judge":
        return "twice the human labels", 0.5
    if source == "judges":
        return "as many judges again", 0.5
    return "", 1.0
