"""Plan the size of a study from a pilot: what a design can find, what a gate needs, how to split a budget.

Everything here is a fraction; a cost is in any one unit. A pilot of few training seeds knows their spread
badly, so the numbers are orders of magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from aftertune.errors import TableError
from aftertune.results import Contrast
from aftertune.stats.design import (
    MOST_ITEMS,
    Design,
    detection_power,
    items_for_recipe_gate,
    minimum_detectable_effect,
    seeds_for_gate,
)
from aftertune.stats.spending import FEWEST_SEEDS, optimal_split

ASSUMED = Design(seed=0.03, item=0.148, both=0.194)  # the design simulation's study: rate 25 %, SD of seeds 3 points
SEEDS_SHOWN = (2, 3, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Pilot:
    """Where a plan's standard deviations come from.

    Attributes:
        source: In words.
        seeded: Whether the claim is about training seeds; without, only items matter.
        n_seeds: Training seeds of the pilot; None where there was no pilot.
        n_items: Its items, or clusters of items.
        level: Confidence level to plan for.
        note: What its interval rests on when that is not the plain rule.
    """

    source: str
    design: Design
    seeded: bool = True
    n_seeds: int | None = None
    n_items: int | None = None
    level: float = 0.95
    note: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """A design and what it is worth: standard error, smallest change found, chance that the gate decides."""

    n_seeds: int
    n_items: int
    standard_error: float
    detectable: float
    decides: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What a study may cost and its parts do: one training run, one response (written and judged)."""

    budget: float
    run: float
    response: float


@dataclass(frozen=True, slots=True)
class Needs:
    """What deciding a gate takes; None where no number within reach is enough."""

    seeds: int | None
    items: int | None


def pilot_of(rows: Iterable[Contrast]) -> Pilot:
    """The pilot among contrasts: the one with the widest spread, so that the plan holds for all of them.

    Raises:
        TableError: no contrast has a spread to plan with.
    """
    found = list(rows)
    usable = [row for row in found if row.spread is not None and any(astuple(row.spread))]
    if not usable:
        why = next((row.reason for row in found if row.reason), "the results keep no spread of seeds and items")
        raise TableError(
            f"no contrast can serve as a pilot: {why}",
            "train at least 3 training seeds as a pilot, or give --seed-sd, --item-sd and --interaction-sd",
        )
    row = max(usable, key=_standard_error)
    design = _design(row)
    name = f"{row.arm} against {row.against} on {row.benchmark}, {row.outcome}, {row.claim} claim"
    return Pilot(name, design, row.claim == "recipe", row.n_seeds, row.n_clusters, row.level, row.reason)


def _design(row: Contrast) -> Design:
    assert row.spread is not None
    return Design(row.spread.seed, row.spread.item, row.spread.both)


def _standard_error(row: Contrast) -> float:
    return math.sqrt(_design(row).variance(max(row.n_seeds, 1), row.n_clusters))


def size(pilot: Pilot, n_seeds: int, n_items: int, distance: float) -> Size:
    """What a design is worth against a margin that lies `distance` from the true change.

    >>> found = size(Pilot("", ASSUMED), 5, 450, 0.05)
    >>> round(found.detectable, 3), round(found.decides, 1)
    (0.056, 0.9)
    """
    alpha = 1 - pilot.level
    return Size(
        n_seeds,
        n_items,
        math.sqrt(pilot.design.variance(n_seeds, n_items)),
        minimum_detectable_effect(pilot.design, n_seeds=n_seeds, n_items=n_items, alpha=alpha),
        detection_power(pilot.design, distance, n_seeds=n_seeds, n_items=n_items, alpha=2 * alpha),
    )


def sizes(pilot: Pilot, n_seeds: int, n_items: int, distance: float) -> list[Size]:
    """The design in mind among others: other numbers of seeds, or of items where seeds do not matter."""
    if pilot.seeded:
        shown = sorted({*SEEDS_SHOWN, n_seeds})
        return [size(pilot, n, n_items, distance) for n in shown]
    shown = sorted({max(n_items // 2, 2), n_items, 2 * n_items, 4 * n_items})
    return [size(pilot, n_seeds, n, distance) for n in shown]


def needs(pilot: Pilot, n_seeds: int, n_items: int, distance: float) -> Needs:
    """The fewest seeds at these items, and the fewest items at these seeds, that decide with 80 % power."""
    if not distance > 0:
        return Needs(None, None)
    alpha = 1 - pilot.level
    seeds = seeds_for_gate(pilot.design, distance, n_items=n_items, alpha=alpha) if pilot.seeded else None
    return Needs(seeds, items_for_recipe_gate(pilot.design, distance, n_seeds=n_seeds, alpha=alpha))


def best_split(pilot: Pilot, costs: Costs, distance: float) -> Size | None:
    """The whole numbers of seeds and items within a budget that find the smallest change.

    At least 3 seeds: two give an interval that is hardly of use. Without a seed spread more seeds than that
    buy nothing.

    Returns:
        None where the budget does not buy 3 training runs with 2 items each.

    >>> found = best_split(Pilot("", ASSUMED), Costs(200, 10, 0.04), 0.05)
    >>> found.n_seeds, found.n_items
    (9, 305)
    """
    best: Size | None = None
    for n_seeds in range(FEWEST_SEEDS, _most_seeds(pilot, costs) + 1):
        n_items = min(int((costs.budget / n_seeds - costs.run) / costs.response), MOST_ITEMS)
        if n_items < 2:
            break
        found = size(pilot, n_seeds, n_items, distance)
        if best is None or found.detectable < best.detectable:
            best = found
    return best


def _most_seeds(pilot: Pilot, costs: Costs) -> int:
    """Beyond twice the optimum of the standard error the smallest change found only grows."""
    if pilot.design.seed <= 0:
        return FEWEST_SEEDS
    split = optimal_split(pilot.design, budget=costs.budget, seed_cost=costs.run, item_cost=costs.response)
    return max(FEWEST_SEEDS, min(math.ceil(2 * split.n_seeds), 200))
