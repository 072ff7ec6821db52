"""Make the validation pages: coverage, size and power by simulation with known truth.

    python docs/validation/run.py                     every page, 3000 studies per cell
    python docs/validation/run.py recipe_effect 500   one page, fewer studies

Every page is made from its own named random streams, so any page can be made again to the same digits.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from other_pages import PAGES as OTHER_PAGES

from aftertune.seeds import generator
from aftertune.stats.budget import Budget, limits
from aftertune.stats.design import Design, detection_power
from aftertune.stats.effect import checkpoint_effect, recipe_effect
from aftertune.stats.replication import new_run_interval, replication_probability
from aftertune.stats.verdict import Verdict, verdict
from aftertune.testing import Effects, draw
from aftertune.testing.simulate import Draw

HERE = Path(__file__).parent
SPREADS = (0.1, 0.3, 0.6)  # between-seed SD on the logit scale; about 1.5, 3.0 and 5.7 points here
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass
class _Tally:
    """What happened over the studies of one cell."""

    hits: int = 0
    excluded: int = 0
    width: float = 0.0
    n: int = 0

    def add(self, budget: Budget, truth: float, *, alpha: float = 0.05) -> None:
        """Count one study's interval."""
        low, high = limits(budget, alpha=alpha)
        self.hits += low <= truth <= high
        self.excluded += low > 0 or high < 0
        self.width += (high - low) / 2
        self.n += 1

    def text(self) -> str:
        """Coverage, mean half-width and share without 0, in % and points."""
        n = self.n
        return f"{100 * self.hits / n:.1f} / {100 * self.width / n:.1f} / {100 * self.excluded / n:.0f}"


def _arrays(study: Draw) -> Arrays:
    return study.tuned_SFIR.mean(axis=3), study.initial_FIR.mean(axis=2)[None]


def _main_study(rng: np.random.Generator, change: float, n_seeds: int, spread: float) -> Arrays:
    """The design's main scenario: 450 items, 4 fixed formats, the initial model decoded once per seed."""
    return _arrays(
        draw(
            rng,
            change=change,
            n_items=450,
            n_seeds=n_seeds,
            n_formats=4,
            n_initial_replicates=n_seeds,
            effects=Effects(seed=spread),
        )
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _recipe_effect_page(n: int) -> Iterator[str]:
    yield """# Recipe effect

The mean change in a rate over training seeds and items like these; half-width squared is
t(S-1)^2 V_S + z^2 max(V_I - V_SI, 0). Outcomes come from a crossed logistic model (item SD 2.2, item x arm
1.2, item x seed 1.0, format 0.5, item x format 0.8), 450 items, 4 formats, initial rate 25 %.
Each entry: **coverage % / mean half-width in points / share of intervals without 0 in %**, at 95 %.
"""
    for change in (0.0, 0.05):
        rows = []
        for n_seeds in (2, 3, 5, 10):
            row = [f"S = {n_seeds}"]
            for spread in SPREADS:
                rng, tally = generator(1, "recipe", n_seeds, str(spread), str(change)), _Tally()
                for _ in range(n):
                    tally.add(recipe_effect(*_main_study(rng, change, n_seeds, spread)), change)
                row.append(tally.text())
            rows.append(row)
        yield f"## True change {100 * change:+.0f} points\n"
        yield _table(["seeds", *(f"seed SD {spread} logit" for spread in SPREADS)], rows)


def _special_cases_page(n: int) -> Iterator[str]:
    yield """# Recipe effect in awkward tables

Entries as on the page of the recipe effect: **coverage % / mean half-width in points / share without 0 in
%**.
"""
    rare = Effects(item=3.0, seed=0.5)
    small_rare = Effects(item=2.6, item_format=0.5, seed=0.5)
    cases: dict[str, Callable[[np.random.Generator, int], tuple[Budget, float]]] = {
        "15 % of the values missing": lambda rng, s: (recipe_effect(*_holed(rng, s)), 0.05),
        "rare: 450 items, initial rate 0.3 %, no change": lambda rng, s: _plain(rng, s, 0.0, 450, 0.0033, rare),
        "rare: 450 items, initial rate 0.3 %, +1 point": lambda rng, s: _plain(rng, s, 0.01, 450, 0.0033, rare),
        "rare: 100 items, 1 format, 0.75 %, +1 point": lambda rng, s: _plain(
            rng, s, 0.01, 100, 0.0075, small_rare, formats=1
        ),
        "30 items, 1 format, +5 points": lambda rng, s: _plain(rng, s, 0.05, 30, 0.25, Effects(), formats=1),
        "100 items, 1 format, +5 points": lambda rng, s: _plain(rng, s, 0.05, 100, 0.25, Effects(), formats=1),
        "tuned model equals the initial one": lambda rng, s: _plain(rng, s, 0.0, 450, 0.25, _NOTHING),
        "40 clusters of 10 items, +5 points": _clustered,
        "graded outcome (mean of 4 yes/no), +5 points": _graded,
    }
    rows = []
    for name, case in cases.items():
        row = [name]
        for n_seeds in (3, 5, 10):
            rng, tally = generator(2, name, n_seeds), _Tally()
            for _ in range(n):
                tally.add(*case(rng, n_seeds))
            row.append(tally.text())
        rows.append(row)
    yield _table(["case", "S = 3", "S = 5", "S = 10"], rows)


_NOTHING = Effects(item_arm=0, seed=0, item_seed=0, format_arm=0, seed_format=0)


def _plain(
    rng: np.random.Generator,
    n_seeds: int,
    change: float,
    n_items: int,
    rate: float,
    effects: Effects,
    formats: int = 4,
) -> tuple[Budget, float]:
    study = draw(
        rng,
        change=change,
        n_items=n_items,
        n_seeds=n_seeds,
        n_formats=formats,
        base_rate=rate,
        n_initial_replicates=n_seeds if formats > 1 else 1,
        effects=effects,
    )
    return recipe_effect(*_arrays(study)), change


def _holed(rng: np.random.Generator, n_seeds: int) -> Arrays:
    found = _main_study(rng, 0.05, n_seeds, 0.3)
    for values in found:
        values[rng.random(values.shape) < 0.15] = np.nan
    return found


def _clustered(rng: np.random.Generator, n_seeds: int) -> tuple[Budget, float]:
    effects = Effects(item=1.0, item_arm=0.3, item_seed=0.3, cluster=2.0, cluster_arm=1.5)
    study = draw(rng, change=0.05, n_items=400, n_seeds=n_seeds, effects=effects, cluster_size=10)
    return recipe_effect(*_arrays(study), cluster_I=np.arange(400) // 10), 0.05


def _graded(rng: np.random.Generator, n_seeds: int) -> tuple[Budget, float]:
    study = draw(rng, change=0.05, n_items=200, n_seeds=n_seeds, n_formats=2, n_replicates=4)
    return recipe_effect(*_arrays(study)), 0.05


def _two_recipes_page(n: int) -> Iterator[str]:
    yield """# Recipe against recipe

Two tuned arms with training seeds of their own on the same items; true difference 0. With equally many seeds
(3 or more) both seed parts share Welch's degrees of freedom, otherwise each keeps its own.
Entries: **coverage % / mean half-width in points / share without 0 in %**.
"""
    rows = []
    for first, second in ((2, 2), (3, 3), (3, 5), (5, 5), (3, 10), (10, 10)):
        row = [f"{first} and {second}"]
        for spread in SPREADS:
            rng, tally = generator(3, "two", first, second, str(spread)), _Tally()
            for _ in range(n):
                y_SFI, _ = _main_study(rng, 0.05, first + second, spread)
                budget = recipe_effect(y_SFI[:first], y_SFI[first:], against_seeded=True)
                tally.add(budget, 0.0)
            row.append(tally.text())
        rows.append(row)
    yield _table(["training seeds", *(f"seed SD {spread} logit" for spread in SPREADS)], rows)


def _checkpoint_effect_page(n: int) -> Iterator[str]:
    yield """# Checkpoint effect

One given checkpoint against the initial model, on items like these; z^2 V_I, paired by item. The last column
is what the same interval covers of the **recipe** effect at a between-seed SD of 0.6 logit: why a recipe
claim is refused at one training seed.
Entries: **coverage % / mean half-width in points / share without 0 in %**.
"""
    rows = []
    for n_items in (30, 100, 450):
        for change in (0.0, 0.05):
            row = [f"{n_items} items, {100 * change:+.0f} points"]
            for spread in (0.0, 0.6):
                rng, tally = generator(4, "checkpoint", n_items, str(change), str(spread)), _Tally()
                effects = Effects(seed=spread, seed_format=0.0)
                for _ in range(n):
                    study = draw(rng, change=change, n_items=n_items, n_seeds=1, n_formats=2, effects=effects)
                    tally.add(checkpoint_effect(*_arrays(study)), change)
                row.append(tally.text())
            rows.append(row)
    yield _table(["size", "the checkpoint", "the recipe (wrong claim)"], rows)


def _verdict_page(n: int) -> Iterator[str]:
    yield """# Verdict

PASS, FAIL and CANNOT TELL against a margin of 5 points, one-sided 5 %, recipe claim, main scenario. At a true
change of +5 points both PASS and FAIL are errors. Entries: **PASS / FAIL / CANNOT TELL in %**.
"""
    for change in (0.0, 0.05, 0.1):
        rows = []
        for n_seeds in (3, 5, 10):
            row = [f"S = {n_seeds}"]
            for spread in SPREADS:
                rng, found = generator(5, "verdict", n_seeds, str(spread), str(change)), []
                for _ in range(n):
                    budget = recipe_effect(*_main_study(rng, change, n_seeds, spread))
                    found.append(verdict(budget, margin=0.05, worse="higher"))
                row.append(" / ".join(f"{100 * found.count(kind) / n:.1f}" for kind in Verdict))
            rows.append(row)
        yield f"## True change {100 * change:+.0f} points\n"
        yield _table(["seeds", *(f"seed SD {spread} logit" for spread in SPREADS)], rows)


def _replication_page(n: int) -> Iterator[str]:
    yield """# Replication

**Calibration.** Each study is run twice with new training seeds on the same items; the probability stated
after the first run is compared with how often the second gave the same verdict (margin 5 points).
"""
    rows, new_rows = [], []
    for n_seeds in (3, 5, 10):
        rng = generator(6, "replication", n_seeds)
        said, same, covered = [], [], 0
        for _ in range(n):
            spread, change = float(rng.choice(SPREADS)), float(rng.choice([0.0, 0.02, 0.04, 0.06]))
            y_SFI, y0_SFI = _main_study(rng, change, 2 * n_seeds, spread)
            first, again = (recipe_effect(half, y0_SFI) for half in (y_SFI[:n_seeds], y_SFI[n_seeds:]))
            said.append(replication_probability(first, margin=0.05, worse="higher", rng=rng))
            now, then = (verdict(budget, margin=0.05, worse="higher") for budget in (first, again))
            same.append(now == then)
            effect_S = y_SFI.mean(axis=(1, 2)) - y0_SFI.mean()
            new = new_run_interval(effect_S[:n_seeds])
            covered += new.low <= effect_S[n_seeds] <= new.high
        rows.append([f"S = {n_seeds}", *_calibration(np.array(said), np.array(same))])
        new_rows.append([f"S = {n_seeds}", f"{100 * covered / n:.1f}"])
    yield _table(["seeds", "mean: said -> was", *(f"{low:.1f} to {low + 0.1:.1f}" for low in _EDGES)], rows)
    yield "\n**Interval for one new run**, coverage %:\n"
    yield _table(["seeds", "coverage"], new_rows)


_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9)


def _calibration(said: np.ndarray, same: np.ndarray) -> list[str]:
    cells = [f"{said.mean():.3f} -> {same.mean():.3f}"]
    for low in _EDGES:
        picked = (said >= low) & (said < low + 0.1 + (low == _EDGES[-1]))
        n = picked.sum()
        cells.append(f"{said[picked].mean():.2f} -> {same[picked].mean():.2f} ({n})" if n else "-")
    return cells


def _power_page(n: int) -> Iterator[str]:
    yield """# Power

Planned power (the rule's own half-width, averaged over the chi-square of the seed variance) against the
share of simulated recipe intervals that leave 0 out, at a true change of +5 points. The components are
averages over simulated studies of the same scenario, with interactions in the seed part.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        for spread in SPREADS:
            rng, found, parts = generator(7, "power", n_seeds, str(spread)), 0, []
            for _ in range(n):
                budget = recipe_effect(*_main_study(rng, 0.05, n_seeds, spread))
                low, high = limits(budget, alpha=0.05)
                found += low > 0 or high < 0
                parts.append([part.variance for part in budget.parts])
            seed, item = np.mean(parts, axis=0)
            design = Design(math.sqrt(seed * n_seeds), math.sqrt(item * 450), 0.0)
            planned = detection_power(design, 0.05, n_seeds=n_seeds, n_items=450)
            rows.append([f"{n_seeds}", f"{spread}", f"{100 * planned:.0f} %", f"{100 * found / n:.0f} %"])
    yield _table(["training seeds", "seed SD, logit", "planned", "simulated"], rows)


PAGES: dict[str, Callable[[int], Iterator[str]]] = {
    "recipe_effect": _recipe_effect_page,
    "special_cases": _special_cases_page,
    "two_recipes": _two_recipes_page,
    "checkpoint_effect": _checkpoint_effect_page,
    "verdict": _verdict_page,
    "replication": _replication_page,
    "power": _power_page,
    **OTHER_PAGES,
}


def main(arguments: list[str]) -> None:
    """Write the pages that were asked for."""
    studies = next((int(word) for word in arguments if word.isdigit()), 3000)
    names = [word for word in arguments if not word.isdigit()] or list(PAGES)
    for name in names:
        text = "\n".join(PAGES[name](studies))
        made = f"\nMade by `python docs/validation/run.py {name} {studies}`: {studies} studies per cell.\n"
        (HERE / f"{name}.md").write_text(text + made, encoding="utf-8")
        print(f"{name}.md", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
