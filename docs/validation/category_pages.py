"""Validation page of effects per category: recipe claims with lent seed variance, and shrinkage."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from common import Tally, small_study, table

from aftertune.seeds import generator
from aftertune.stats.budget import limits
from aftertune.stats.categories import recipe_by_category, shrink, variance_prior
from aftertune.stats.facets import mean_squares
from aftertune.stats.quantiles import two_sided
from aftertune.testing import Effects

N_CATEGORIES = 10
Misses = list[tuple[float, float]]  # estimate minus truth, and half-width, per category


def categories_page(n: int) -> Iterator[str]:
    """Per-category claims: which of them can be promised."""
    yield from _recipe_claims(n)
    yield from _shrunk(n)


def _recipe_claims(n: int) -> Iterator[str]:
    yield """# Categories

## Recipe claims per category

Ten categories of items; intervals of the recipe effect in each, pooled over categories. Four rules:

- *own*: each category's own seed variance with t(S - 1), as for a headline. Honest and wide at few seeds.
- *lent*: `recipe_by_category`. What moves all categories together keeps t(S - 1); only what is left, each
  category's own reaction to the seed, is moderated over the categories. This is the rule that is shipped.
- *lent whole*: the whole seed variance moderated. It takes ten categories moved by the same seeds for ten
  observations: where seeds move all categories together it covers less than it says, and when it misses it misses in
  all of them at once. Not shipped.
- *checkpoint*: the interval of these checkpoints, which is wrong for the recipe.

In the first designs outcomes come from the logistic model, where a seed moves all categories alike; 40 or 200
items per category. In the last two every category reacts to the seed by itself (normal, SD 3 points in all of
them, or 0 to 8 points, one twentieth of them 16), beside a common SD of 1 point.
Entries: **coverage % / mean half-width in points**, at 95 %.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        for name, (size, kind) in _DESIGNS.items():
            rng, kinds = generator(17, "categories", n_seeds, name), ([], [], [], [])
            for _ in range(max(n // 3, 1)):
                d_SI, truth_C = _study(rng, n_seeds, size, kind)
                for place, found in enumerate(_per_category(d_SI, truth_C)):
                    kinds[place].extend(found)
            rows.append([f"S = {n_seeds}, {name}", *(_plain_coverage(kind) for kind in kinds)])
    yield table(["design", "own", "lent", "lent whole (not shipped)", "checkpoint (wrong)"], rows)
    yield f"""Each cell: {max(n // 3, 1)} studies of {N_CATEGORIES} categories. At three seeds lending helps where
categories react to the seed by themselves, and hardly where all move together; from ten seeds on the rules are alike.
The default of the results stays the claim about these checkpoints.
"""


_DESIGNS: dict[str, tuple[int, float | str]] = {
    "40 items, seed SD 0.1": (40, 0.1),
    "40 items, seed SD 0.6": (40, 0.6),
    "200 items, seed SD 0.6": (200, 0.6),
    "own reactions alike": (40, "alike"),
    "own reactions unlike": (40, "unlike"),
}


def _study(rng: np.random.Generator, n_seeds: int, size: int, kind: float | str) -> tuple[np.ndarray, np.ndarray]:
    """Changes per seed and item, items in order of category; and the true change per category."""
    n_items = N_CATEGORIES * size
    if isinstance(kind, float):
        effects = Effects(seed=kind, seed_format=0)
        y, y0 = small_study(rng, n_items=n_items, n_seeds=n_seeds, n_formats=1, effects=effects)
        return y[:, 0] - y0[0, 0], np.full(N_CATEGORIES, 0.05)
    truth_C = rng.normal(0.05, 0.05, N_CATEGORIES)
    spread_C = np.full(N_CATEGORIES, 0.03)
    if kind == "unlike":
        spread_C = np.where(rng.random(N_CATEGORIES) < 0.05, 0.16, rng.uniform(0, 0.08, N_CATEGORIES))
    seed_SC = rng.normal(0, 0.01, (n_seeds, 1)) + rng.normal(0, spread_C, (n_seeds, N_CATEGORIES))
    item_I, both_SI = rng.normal(0, 0.3, n_items), rng.normal(0, 0.3, (n_seeds, n_items))
    return np.repeat(truth_C + seed_SC, size, axis=1) + item_I + both_SI, truth_C


def _per_category(d_SI: np.ndarray, truth_C: np.ndarray) -> tuple[Misses, ...]:
    n_seeds, size = len(d_SI), d_SI.shape[1] // N_CATEGORIES
    d_CSI = np.stack(np.split(d_SI, N_CATEGORIES, axis=1))
    parts = [mean_squares(block_SI) for block_SI in d_CSI]
    effect_CS = d_CSI.mean(axis=2)
    error_C = effect_CS.mean(axis=1) - truth_C
    seed_C, item_C = (np.array([getattr(part, name) for part in parts]) for name in ("seed", "item_only"))
    moderated_C, df = variance_prior(seed_C, n_seeds - 1).moderated(seed_C, n_seeds - 1)
    z2, t2 = two_sided(0.05, math.inf) ** 2, two_sided(0.05, n_seeds - 1) ** 2
    budgets = recipe_by_category(effect_CS.T, item_C, np.full(N_CATEGORIES, size))
    halves = (
        np.sqrt(t2 * seed_C + z2 * item_C),
        np.array([np.subtract(*limits(budget, alpha=0.05)[::-1]) / 2 for budget in budgets]),
        np.sqrt(two_sided(0.05, df) ** 2 * moderated_C + z2 * item_C),
        np.sqrt(z2 * np.array([part.item for part in parts])),
    )
    return tuple(list(zip(error_C, half_C, strict=True)) for half_C in halves)


def _plain_coverage(found: Misses) -> str:
    hits = np.mean([abs(error) <= half for error, half in found])
    return f"{100 * hits:.1f} / {100 * np.mean([half for _, half in found]):.1f}"


def _shrunk(n: int) -> Iterator[str]:
    yield f"""
## Shrunk effects

Categories whose true effects scatter normally around 10 points; each is measured with a standard error between 4
and 10 points and then drawn towards the common mean (`shrink`). Coverage is on average over the categories, which
is what empirical Bayes promises: a category far from the others is covered less often than the average one. The
last column is the mean squared error of the shrunk effects over that of the raw ones. Each cell:
{max(n // 3, 1)} studies.
"""
    rows = []
    for n_categories in (4, 10, 45):
        for spread in (0.0, 0.03, 0.08):
            rng, tally, errors = generator(19, "shrunk", n_categories, str(spread)), Tally(), []
            for _ in range(max(n // 3, 1)):
                truth_C, error_C = rng.normal(0.1, spread, n_categories), rng.uniform(0.04, 0.1, n_categories)
                raw_C = truth_C + rng.normal(0, error_C)
                found = shrink(raw_C, error_C**2)
                for truth, effect, error in zip(truth_C, found.estimate_C, found.error_C, strict=True):
                    tally.add_limits(effect - 1.96 * error, effect + 1.96 * error, truth)
                errors.append([((found.estimate_C - truth_C) ** 2).sum(), ((raw_C - truth_C) ** 2).sum()])
            shrunk, raw = np.sum(errors, axis=0)
            rows.append([f"{n_categories} categories, SD {100 * spread:.0f}", tally.short(), f"{shrunk / raw:.2f}"])
    yield table(["design", "coverage % / mean half-width in points", "squared error"], rows)
