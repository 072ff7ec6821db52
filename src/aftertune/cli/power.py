"""`aftertune power`: how large a study has to be, from a pilot or from assumed spreads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftertune.cli import say
from aftertune.cli.options import Json, MarginPp

if TYPE_CHECKING:
    from aftertune.planning import Costs, Needs, Pilot, Size

PILOT, STUDY, MONEY = "Pilot", "Planned study", "Budget"
ITEMS = 450
SEEDS = 5
MARGIN_PP = 5.0


def _spread(flag: str, what: str) -> Any:
    return typer.Option(
        flag,
        metavar="SD",
        show_default=False,
        rich_help_panel=PILOT,
        help=f"SD {what}, a fraction: 0.03 is 3 points.",
    )


Pilots = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        show_default=False,
        rich_help_panel=PILOT,
        help="A results.json whose primary contrasts are the pilot.",
    ),
]
Arm = Annotated[
    str | None,
    typer.Option(
        "--arm",
        metavar="NAME",
        show_default=False,
        rich_help_panel=PILOT,
        help="The pilot's arm. Default: the one whose change is known least well.",
    ),
]
SeedSd = Annotated[float | None, _spread("--seed-sd", "of the change between training seeds")]
ItemSd = Annotated[float | None, _spread("--item-sd", "of the change between items")]
InteractionSd = Annotated[float | None, _spread("--interaction-sd", "of seed x item, replicate noise included")]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        min=2,
        max=200,
        metavar="N",
        show_default=False,
        rich_help_panel=STUDY,
        help="Training seeds. Default: the pilot's, or 5.",
    ),
]
Items = Annotated[
    int | None,
    typer.Option(
        "--items",
        min=2,
        max=100_000,
        metavar="N",
        show_default=False,
        rich_help_panel=STUDY,
        help="Items, or clusters of items. Default: the pilot's, or 450.",
    ),
]
EffectPp = Annotated[
    float,
    typer.Option(
        "--effect-pp",
        min=-100,
        max=100,
        metavar="POINTS",
        rich_help_panel=STUDY,
        help="The true change for the worse to plan for, in percentage points.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        min=0,
        metavar="COST",
        show_default=False,
        rich_help_panel=MONEY,
        help="What may be spent, in the unit of the costs. Default: what the planned study costs.",
    ),
]
RunCost = Annotated[
    float,
    typer.Option("--run-cost", min=0, metavar="COST", rich_help_panel=MONEY, help="Cost of one training run."),
]
ResponseCost = Annotated[
    float,
    typer.Option(
        "--response-cost",
        min=0,
        metavar="COST",
        rich_help_panel=MONEY,
        help="Cost of one item for one run: its responses, over all formats, written and judged.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Answer:
    pilot: Pilot
    n_seeds: int
    n_items: int
    margin: float
    effect: float
    sizes: Sequence[Size]
    needs: Needs
    costs: Costs
    split: Size | None


def power(
    results: Pilots = None,
    arm: Arm = None,
    seed_sd: SeedSd = None,
    item_sd: ItemSd = None,
    interaction_sd: InteractionSd = None,
    seeds: Seeds = None,
    items: Items = None,
    margin_pp: MarginPp = None,
    effect_pp: EffectPp = 0.0,
    budget: Budget = None,
    run_cost: RunCost = 1.0,
    response_cost: ResponseCost = 0.004,
    as_json: Json = False,
) -> None:
    """Plan a study: training seeds, items, and what to spend.

    Says which change a study would find, how many training seeds or items a
    gate needs, and the best split of a budget between the two. The spreads
    come from a pilot's results.json or from you; what you leave out is
    assumed, and said.

    Example:
      aftertune power --results results.json --margin-pp 5
      aftertune power --seed-sd 0.03 --item-sd 0.15 --interaction-sd 0.2

    Writes nothing.

    Exit codes: 0 planned, 2 bad input.
    """
    from aftertune.planning import Costs, best_split, needs, sizes

    pilot, margin = _pilot(results, arm, (seed_sd, item_sd, interaction_sd))
    n_seeds, n_items = _counts(pilot, seeds, items)
    margin = margin if margin_pp is None else margin_pp / 100
    effect = effect_pp / 100
    distance = abs(margin - effect)
    costs = _costs(Costs, budget, run_cost, response_cost, n_seeds * (run_cost + n_items * response_cost))
    answer = _Answer(
        pilot,
        n_seeds,
        n_items,
        margin,
        effect,
        sizes(pilot, n_seeds, n_items, distance),
        needs(pilot, n_seeds, n_items, distance),
        costs,
        best_split(pilot, costs, distance) if pilot.seeded else None,
    )
    _tell(answer) if not as_json else say.document(_document(answer))


def _pilot(
    results: Path | None, arm: str | None, given: tuple[float | None, float | None, float | None]
) -> tuple[Pilot, float]:
    """The pilot, and the margin that goes with it."""
    from aftertune.errors import TableError
    from aftertune.gate import choose, find_results
    from aftertune.planning import pilot_of

    if results is None:
        if arm is not None:
            raise TableError("--arm names an arm of a pilot, and there is none", "add --results FILE, or drop --arm")
        return _stated(given), MARGIN_PP / 100
    if any(value is not None for value in given):
        raise TableError("the spreads come from --results or from the --...-sd flags, not from both", "drop one")
    found, _ = find_results(results)
    return pilot_of(choose(found, arm=arm)), found.analysis.margin


def _stated(given: tuple[float | None, float | None, float | None]) -> Pilot:
    """A pilot of the numbers given, the rest as assumed."""
    from aftertune.errors import TableError
    from aftertune.planning import ASSUMED, Pilot
    from aftertune.stats.design import Design

    names = ("--seed-sd", "--item-sd", "--interaction-sd")
    for name, value in zip(names, given, strict=True):
        if value is not None and not 0 <= value <= 1:
            raise TableError(f"{name} is {value:g}", "give a fraction from 0 to 1: 3 points are 0.03")
    assumed = (ASSUMED.seed, ASSUMED.item, ASSUMED.both)
    spreads = [value if value is not None else default for value, default in zip(given, assumed, strict=True)]
    if not any(spreads):
        raise TableError("all spreads are 0: nothing varies, so there is nothing to plan", "give one above 0")
    left = [name for name, value in zip(names, given, strict=True) if value is None]
    source = f"your numbers; assumed: {', '.join(left)}" if left else "your numbers"
    if len(left) == len(names):
        source = "no pilot; spreads assumed as in a study at a rate of 25 %"
    design = Design(*spreads)
    return Pilot(source, design, seeded=design.seed > 0 or design.both > 0)


def _counts(pilot: Pilot, seeds: int | None, items: int | None) -> tuple[int, int]:
    """Seeds and items to plan with: those asked for, else the pilot's, else usual ones."""
    return seeds or max(pilot.n_seeds or SEEDS, 2), items or max(pilot.n_items or ITEMS, 2)


def _costs(kind: type[Costs], budget: float | None, run: float, response: float, planned: float) -> Costs:
    from aftertune.errors import TableError

    for flag, value in (("--run-cost", run), ("--response-cost", response), ("--budget", budget)):
        if value is not None and not 0 < value < float("inf"):
            raise TableError(f"{flag} is {value:g}", f"give {flag} a number above 0")
    return kind(planned if budget is None else budget, run, response)


def _document(answer: _Answer) -> dict[str, Any]:
    from dataclasses import asdict

    from aftertune.stats.design import MOST_ITEMS, MOST_SEEDS

    return {**asdict(answer), "power": 0.8, "most_seeds": MOST_SEEDS, "most_items": MOST_ITEMS}


def _tell(answer: _Answer) -> None:
    pilot, design = answer.pilot, answer.pilot.design
    say.line(f"Spreads: {pilot.source}", "bold")
    spreads = (("training seeds", design.seed), ("items", design.item), ("seed x item", design.both))
    say.line(", ".join(f"{name} {_points(spread)}" for name, spread in spreads) + " points", indent=2)
    if pilot.n_seeds is not None and pilot.seeded:
        say.line(f"from {pilot.n_seeds} training seeds: orders of magnitude, not exact numbers", "dim", indent=2)
    if pilot.note:
        say.line(f"note: {pilot.note}", "yellow", indent=2)
    say.line()
    _tell_sizes(answer)
    say.line()
    _tell_needs(answer)
    if pilot.seeded:
        say.line()
        _tell_split(answer)


def _tell_sizes(answer: _Answer) -> None:
    level = f"{100 * answer.pilot.level:g} %"
    rows = [
        (
            one.n_seeds if answer.pilot.seeded else "-",
            f"{one.n_items:,}",
            _points(one.standard_error),
            _points(one.detectable),
            f"{100 * one.decides:.0f} %",
            "<- planned" if (one.n_seeds, one.n_items) == (answer.n_seeds, answer.n_items) else "",
        )
        for one in answer.sizes
    ]
    say.line(f"What a study finds with 80 % power ({level} interval), and how often the gate decides", "bold")
    say.table(rows, ("training seeds", "items", "standard error", "change found", "gate decides", ""))


def _tell_needs(answer: _Answer) -> None:
    say.line(
        f"To decide a gate at a margin of {_points(answer.margin)} points with 80 % power, "
        f"if the true change for the worse is {_points(answer.effect)} points",
        "bold",
    )
    if answer.effect == answer.margin:
        say.line("The change equals the margin: no size of study decides that. Choose another margin.", indent=2)
        return
    for line in _needed(answer):
        say.line(line, indent=2)


def _needed(answer: _Answer) -> list[str]:
    from aftertune.stats.design import MOST_ITEMS, MOST_SEEDS

    needs, seeds, items = answer.needs, answer.n_seeds, answer.n_items
    if not answer.pilot.seeded:
        return [f"{needs.items:,} items" if needs.items else f"more than {MOST_ITEMS:,} items: choose another margin"]
    at_seeds = f"at {seeds} training seeds: "
    return [
        f"at {items:,} items: "
        + (f"{needs.seeds} training seeds" if needs.seeds else f"more than {MOST_SEEDS} training seeds"),
        at_seeds + (f"{needs.items:,} items" if needs.items else "no number of items; the seeds leave too much open"),
    ]


def _tell_split(answer: _Answer) -> None:
    costs, split = answer.costs, answer.split
    say.line(
        f"Best split of a budget of {costs.budget:,.6g}, at {costs.run:g} for a training run and "
        f"{costs.response:g} for an item's responses",
        "bold",
    )
    if split is None:
        say.line("It does not buy 3 training runs with two items each.", indent=2)
        return
    say.line(
        f"{split.n_seeds} training seeds and {split.n_items:,} items: finds a change of "
        f"{_points(split.detectable)} points, the gate decides in {100 * split.decides:.0f} %",
        indent=2,
    )


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
