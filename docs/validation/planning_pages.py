"""Validation pages of what comes next: replication, power, looking early."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from common import SPREADS, main_study, small_study, table

from aftertune.seeds import generator
from aftertune.stats.budget import limits
from aftertune.stats.design import Design, detection_power
from aftertune.stats.effect import recipe_effect
from aftertune.stats.quantiles import two_sided
from aftertune.stats.replication import bad_seed_bound, new_run_interval, replication_probability
from aftertune.stats.sequential import (
    SeedLooks,
    anytime_multiplier,
    plan_looks,
    plan_seed_looks,
    stop_at,
    stop_at_seeds,
)
from aftertune.stats.verdict import verdict
from aftertune.testing import Effects


def replication_page(n: int) -> Iterator[str]:
    """What is said of a repetition, and what happens."""
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
            y_SFI, y0_SFI = main_study(rng, change, 2 * n_seeds, spread)
            first, again = (recipe_effect(half, y0_SFI) for half in (y_SFI[:n_seeds], y_SFI[n_seeds:]))
            said.append(replication_probability(first, margin=0.05, worse="higher", rng=rng))
            now, then = (verdict(budget, margin=0.05, worse="higher") for budget in (first, again))
            same.append(now == then)
            effect_S = y_SFI.mean(axis=(1, 2)) - y0_SFI.mean()
            new = new_run_interval(effect_S[:n_seeds])
            covered += new.low <= effect_S[n_seeds] <= new.high
        rows.append([f"S = {n_seeds}", *_calibration(np.array(said), np.array(same))])
        new_rows.append([f"S = {n_seeds}", f"{100 * covered / n:.1f}"])
    yield table(["seeds", "mean: said -> was", *(f"{low:.1f} to {low + 0.1:.1f}" for low in _EDGES)], rows)
    yield "\n**Interval for one new run**, coverage %:\n"
    yield table(["seeds", "coverage"], new_rows)
    yield from _bad_seeds(n)


def _bad_seeds(n: int) -> Iterator[str]:
    yield f"""
**Bad-seed bound.** The share of runs that may go bad when none of S did. Entries: % of {100 * n} times that no bad run
was seen although the true share of bad runs is the bound, a tenth above it, or half of it; at the bound 5 is exact, and
above it the bound is wrong that often.
"""
    rows = []
    for n_seeds in (2, 3, 5, 10, 20):
        rng, bound = generator(33, "bad", n_seeds), bad_seed_bound(n_seeds)
        none = [100 * np.mean(rng.binomial(n_seeds, p, 100 * n) == 0) for p in (bound, min(1.1 * bound, 1), bound / 2)]
        rows.append([f"S = {n_seeds}", f"{100 * bound:.0f} %", *(f"{value:.1f}" for value in none)])
    yield table(["seeds", "bound", "at the bound", "a tenth above", "half of it"], rows)


_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9)


def _calibration(said: np.ndarray, same: np.ndarray) -> list[str]:
    cells = [f"{said.mean():.3f} -> {same.mean():.3f}"]
    for low in _EDGES:
        picked = (said >= low) & (said < low + 0.1 + (low == _EDGES[-1]))
        n = picked.sum()
        cells.append(f"{said[picked].mean():.2f} -> {same[picked].mean():.2f} ({n})" if n else "-")
    return cells


def power_page(n: int) -> Iterator[str]:
    """Planned power against simulated."""
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
                budget = recipe_effect(*main_study(rng, 0.05, n_seeds, spread))
                low, high = limits(budget, alpha=0.05)
                found += low > 0 or high < 0
                parts.append([part.variance for part in budget.parts])
            seed, item = np.mean(parts, axis=0)
            design = Design(math.sqrt(seed * n_seeds), math.sqrt(item * 450), 0.0)
            planned = detection_power(design, 0.05, n_seeds=n_seeds, n_items=450)
            rows.append([f"{n_seeds}", f"{spread}", f"{100 * planned:.0f} %", f"{100 * found / n:.0f} %"])
    yield table(["training seeds", "seed SD, logit", "planned", "simulated"], rows)


def sequential_page(n: int) -> Iterator[str]:
    """Early looks at one checkpoint."""
    yield """# Early looks over items

One checkpoint, up to 450 items, margin 5 points, one-sided 5 %. Entries: **PASS % / FAIL % / mean items
used**. At a true change of +5 both verdicts are errors.
"""
    looks, rows = plan_looks(450, 5), []
    for change in (0.0, 0.02, 0.05, 0.08, 0.12):
        rng = generator(15, "sequential", str(change))
        found: dict[str, list[tuple[int, str]]] = {"once": [], "looks": [], "anytime": []}
        for _ in range(n):
            y, y0 = small_study(
                rng, change=change, n_items=450, n_seeds=1, n_formats=4, effects=Effects(seed=0.0, seed_format=0.0)
            )
            d_I = y[0].mean(axis=0) - y0[0].mean(axis=0)
            found["once"].append(stop_at(d_I, plan_looks(450, 1), margin=0.05))
            found["looks"].append(stop_at(d_I, looks, margin=0.05))
            found["anytime"].append(_anytime(d_I))
        rows.append([f"{100 * change:+.0f}", *(_stops(stops) for stops in found.values())])
    yield table(["true change", "one look at 450", "five looks", "any time after 30"], rows)


def _anytime(d_I: np.ndarray) -> tuple[int, str]:
    for n in range(30, len(d_I) + 1, 5):
        half = anytime_multiplier(n) * d_I[:n].std(ddof=1) / math.sqrt(n)
        if d_I[:n].mean() + half < 0.05 or d_I[:n].mean() - half > 0.05:
            return n, "PASS" if d_I[:n].mean() < 0.05 else "FAIL"
    return len(d_I), "CANNOT TELL"


def _stops(stops: list[tuple[int, str]], digits: int = 0) -> str:
    words = [word for _, word in stops]
    used = np.mean([n for n, _ in stops])
    passed, failed = (100 * words.count(word) / len(words) for word in ("PASS", "FAIL"))
    return f"{passed:.1f} / {failed:.1f} / {used:.{digits}f}"


PLANS = {
    "one look at 10": SeedLooks((10,), (0.05,)),
    "3, 5, 10": plan_seed_looks([3, 5, 10]),
    "3, 5, 10, a third of 5 % each": SeedLooks((3, 5, 10), (0.05 / 3,) * 3),
    "every look at 5 % (wrong)": SeedLooks((3, 5, 10), (0.05,) * 3),
}


def seed_looks_page(n: int) -> Iterator[str]:
    """Early looks over training seeds."""
    yield """# Early looks over training seeds

A recipe claim, verdicts one-sided at 5 %, margin 5 points, up to 10 training seeds; looks after 3, 5 and 10.
`plan_seed_looks` takes O'Brien and Fleming's levels, as for a normal walk with as much information as seeds, and uses
them with Student's t and the items' part. Beside it: an equal share of 5 % for each look, and what happens without
any plan.
"""
    yield from _sizes(n)
    yield """## Whole studies

The main scenario (450 items, 4 formats). Entries: **PASS % / FAIL % / mean training seeds used**. At a true change of
+5 both verdicts are errors.
"""
    rows = []
    for spread in (0.1, 0.3, 0.6):
        for change in (0.0, 0.02, 0.05, 0.08, 0.12):
            rng = generator(31, "seed_looks", str(spread), str(change))
            stops: dict[str, list[tuple[int, str]]] = {name: [] for name in PLANS}
            for _ in range(n):
                y_SFI, y0_SFI = main_study(rng, change, 10, spread)
                found = {s: recipe_effect(y_SFI[:s], y0_SFI) for s in (3, 5, 10)}
                for name, looks in PLANS.items():
                    budgets = (found[s] for s in looks.n_seeds)
                    stops[name].append(stop_at_seeds(budgets, looks, margin=0.05, worse="higher"))
            rows.append([f"{100 * change:+.0f}, seed SD {spread}", *(_stops(done, 1) for done in stops.values())])
    yield table(["true change", *PLANS], rows)
    yield """The planned looks decide nearly as often as one look at 10 seeds and need fewer seeds where the change is
far from the margin. Three seeds decide little: the first look asks for 21 standard errors. Equal shares stop
sooner and decide less often. Looking at 5 % each time is wrong about twice as often as it says.
"""


def _sizes(n: int) -> Iterator[str]:
    yield f"""## Seeds as the only noise: the worst case

A walk of {100 * n} studies per row with normal changes per seed and nothing else; false PASS in % at the margin,
nominally 5. The levels are exact for a normal walk; with Student's t they err 0.1 to 0.7 points more.
"""
    rows = []
    for looks in ((3, 5), (3, 5, 10), (5, 10), (2, 4, 8), (5, 10, 20), (3, 6, 9, 12), (3, 4, 5, 6, 7, 8, 9, 10)):
        name = ", ".join(map(str, looks))
        rng = generator(32, "seed_walk", name)
        effect_NS = rng.standard_normal((100 * n, looks[-1]))
        equal = SeedLooks(looks, (0.05 / len(looks),) * len(looks))
        plans = (plan_seed_looks(looks), equal, SeedLooks(looks, (0.05,) * len(looks)))
        rows.append([name, *(f"{100 * _passes(effect_NS, plan):.2f}" for plan in plans)])
    yield table(["looks", "planned", "equal shares", "no plan (wrong)"], rows)


def _passes(effect_NS: np.ndarray, looks: SeedLooks) -> float:
    """Share of walks that ever go below the margin, here 0."""
    passed = np.zeros(len(effect_NS), dtype=bool)
    for n, alpha in zip(looks.n_seeds, looks.alphas, strict=True):
        seen = effect_NS[:, :n]
        passed |= seen.mean(axis=1) / (seen.std(axis=1, ddof=1) / math.sqrt(n)) < -two_sided(2 * alpha, n - 1)
    return float(passed.mean())
