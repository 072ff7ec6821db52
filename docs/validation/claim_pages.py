"""Validation pages of further claims and outcomes: scopes, scores, ratios, rates, p-values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from common import ENTRIES, Tally, arrays, covered, main_study, small_study, table
from scipy.special import expit

from aftertune.seeds import generator
from aftertune.stats.budget import Budget, p_value
from aftertune.stats.effect import checkpoint_effect, rate_interval, recipe_effect
from aftertune.stats.flips import flips, mcnemar
from aftertune.stats.multiplicity import benjamini_hochberg, holm
from aftertune.stats.noise import noise_floor
from aftertune.stats.ratios import jackknife_effect, log_risk_ratio
from aftertune.stats.scope import Scope, sampling_variance, scoped_effect, with_judges
from aftertune.stats.verdict import equivalent
from aftertune.testing import Effects, draw
from aftertune.testing.simulate import Model, mean_expit, solve_intercept


def scope_page(n: int) -> Iterator[str]:
    """Random formats: a new draw of formats in every study."""
    yield f"""# Scope: formats like these, these items, judges like these

Prompt formats drawn anew for every study, no change on average over formats, 200 items. Ignoring that they
are a sample makes the interval too narrow. {ENTRIES}"""
    rows = []
    for n_formats, n_seeds in ((4, 3), (4, 5), (8, 5), (4, 10)):
        row = [f"{n_formats} formats, S = {n_seeds}"]
        for scope in (Scope(), Scope(prompt_format="random")):
            rng = generator(11, "scope", n_formats, n_seeds, scope.prompt_format)
            row.append(
                covered((scoped_effect(*_random_formats(rng, n_formats, n_seeds), scope), 0.0) for _ in range(n))
            )
        rows.append(row)
    yield table(["design", "formats fixed (wrong claim)", "formats random"], rows)
    yield from _other_scopes(n)


def _other_scopes(n: int) -> Iterator[str]:
    yield """
**Items as they are, and judges like these.** Normal noise of known size: items react by 20 points (SD), items to single
runs by 20, runs by 3, and one response differs from the next by 40; 100 items, 2 responses per cell, the initial model
measured as often. *These items* hold the truth of the very items drawn, over new runs or for these runs; four judges
see the change 5 points (SD) apart, around a truth that is the mean over all judges.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        rng = generator(34, "other_scopes", n_seeds)
        tallies = [Tally() for _ in range(4)]
        for _ in range(n):
            for tally, (budget, truth) in zip(tallies, _four_scopes(rng, n_seeds), strict=True):
                tally.add(budget, truth)
        rows.append([f"S = {n_seeds}", *(tally.short() for tally in tallies)])
    head = [
        "seeds",
        "recipe, these items",
        "these runs, these items",
        "judges as they are (wrong)",
        "judges like these",
    ]
    yield table(head, rows)


def _four_scopes(rng: np.random.Generator, n_seeds: int) -> Iterator[tuple[Budget, float]]:
    change_I, both_SI = rng.normal(0.05, 0.2, 100), rng.normal(0, 0.2, (n_seeds, 100))
    moved_SI = change_I + rng.normal(0, 0.03, (n_seeds, 1)) + both_SI
    y_SFI = (moved_SI + rng.normal(0, 0.4 / math.sqrt(2), moved_SI.shape))[:, None]
    y0_SFI = rng.normal(0, 0.4 / math.sqrt(2), (1, 1, 100))
    noise = [sampling_variance(0.16, 2 * values.size) for values in (y0_SFI, y_SFI)]
    recipe, runs = Scope(item="fixed"), Scope("fixed", "fixed")
    yield scoped_effect(y_SFI, y0_SFI, recipe, sampling_variance=noise[0]), float(change_I.mean())
    yield scoped_effect(y_SFI, y0_SFI, runs, sampling_variance=sum(noise)), float(moved_SI.mean())
    seen_J = rng.normal(0, 0.05, 4)
    budget = recipe_effect(y_SFI + seen_J.mean(), y0_SFI)
    yield budget, 0.05
    yield with_judges(budget, budget.estimate + seen_J - seen_J.mean()), 0.05


def _random_formats(rng: np.random.Generator, n_formats: int, n_seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Formats react to tuning by +-5 points around no change, each as its own fixed-format study on shared
    seeds."""
    change_F = rng.normal(0, 0.05, n_formats).clip(-0.2, 0.2)
    effects = Effects(prompt_format=0, format_arm=0, item_format=0, seed_format=0)
    arms, initials = [], []
    seed = int(rng.integers(2**31))
    for change in change_F:
        rng = np.random.default_rng(seed)  # the same items and training seeds in every format
        study = draw(rng, change=float(change), n_items=200, n_seeds=n_seeds, effects=effects)
        arms.append(study.tuned_SFIR[:, 0, :, 0])
        initials.append(study.initial_FIR[0, :, 0])
    return np.stack(arms, axis=1), np.stack(initials)[None]


def ratios_page(n: int) -> Iterator[str]:
    """Log risk ratio by jackknife."""
    yield """# Log risk ratio

Jackknife over training seeds and over items, joined in quadrature; true change +5 points on 25 %, 200 items,
2 formats. Entries: **coverage % / mean half-width on the log scale**, at 95 %.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        row = [f"S = {n_seeds}"]
        for spread in (0.1, 0.3, 0.6):
            rng = generator(12, "ratio", n_seeds, str(spread))
            studies = (small_study(rng, n_seeds=n_seeds, effects=Effects(seed=spread)) for _ in range(n))
            budgets = ((jackknife_effect(*study, log_risk_ratio), math.log(0.30 / 0.25)) for study in studies)
            row.append(covered(budgets, log_scale=True))
        rows.append(row)
    yield table(["seeds", "seed SD 0.1 logit", "0.3", "0.6"], rows)


def graded_page(n: int) -> Iterator[str]:
    """Scores from 1 to 5, taken as fractions of the scale."""
    yield f"""# Scores from 1 to 5

Each score is 1 plus the number of yes among four yes/no draws, analysed as (score - 1) / 4; 200 items, 1
format. {ENTRIES}"""
    rows = []
    for n_seeds in (3, 5, 10):
        row = [f"S = {n_seeds}"]
        for effect in (recipe_effect, checkpoint_effect):
            rng = generator(18, "graded", n_seeds, effect.__name__)
            row.append(
                covered((effect(*_scores(rng, n_seeds, recipe=effect is recipe_effect)), 0.05) for _ in range(n))
            )
        rows.append(row)
    yield table(["seeds", "recipe effect", "checkpoint effect (seeds that do not differ)"], rows)


def _scores(rng: np.random.Generator, n_seeds: int, *, recipe: bool) -> tuple[np.ndarray, np.ndarray]:
    effects = Effects() if recipe else Effects(seed=0.0, seed_format=0.0)
    study = draw(rng, change=0.05, n_items=200, n_seeds=n_seeds, n_replicates=4, effects=effects)
    return study.tuned_SFIR.mean(axis=3), study.initial_FIR.mean(axis=2)[None]


def p_values_page(n: int) -> Iterator[str]:
    """Are p-values as small as often as they say, alone and in families?"""
    yield """# P-values

No change at all. Entries: **% of p-values at most 1 / 5 / 10 / 50 %**; right is 1 / 5 / 10 / 50, less is careful.
200 items, 2 formats.
"""
    rows = []
    for n_seeds in (1, 3, 5, 10):
        for spread in (0.1, 0.6) if n_seeds > 1 else (0.0,):
            rng, p = generator(25, "p", n_seeds, str(spread)), []
            effects = Effects(seed=spread, seed_format=0.15 if spread else 0.0)
            for _ in range(n):
                study = small_study(rng, change=0.0, n_seeds=n_seeds, effects=effects)
                p.append(p_value((recipe_effect if n_seeds > 1 else checkpoint_effect)(*study)))
            name = f"recipe, S = {n_seeds}, seed SD {spread}" if n_seeds > 1 else "one checkpoint"
            rows.append([name, " / ".join(f"{100 * np.mean(np.array(p) <= a):.1f}" for a in (0.01, 0.05, 0.1, 0.5))])
    yield table(["claim", "share"], rows)
    yield from _families(n)


def _families(n: int) -> Iterator[str]:
    yield """
**Families.** Eight recipes against one initial model, so that their errors are tied; five have no effect, three have
+10 points. *Any false*: % of studies in which at least one of the five is called an effect at 5 %. *False share*:
mean % of false ones among those called (what Benjamini and Hochberg bound). *Found*: % of the three found.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        rng, names = (
            generator(26, "families", n_seeds),
            {"unadjusted": np.asarray, "Holm": holm, "BH": benjamini_hochberg},
        )
        found = {name: [] for name in names}
        for _ in range(max(n // 3, 1)):
            p = np.array([p_value(budget) for budget in _eight(rng, n_seeds)])
            for name, adjust in names.items():
                called = adjust(p) <= 0.05
                false, true = called[:5].sum(), called[5:].sum()
                found[name].append((false > 0, false / max(called.sum(), 1), true / 3))
        for name, seen in found.items():
            rows.append([f"S = {n_seeds}, {name}", *(f"{100 * value:.1f}" for value in np.mean(seen, axis=0))])
    yield table(["design", "any false", "false share", "found"], rows)
    yield f"Each row: {max(n // 3, 1)} studies.\n"


def _eight(rng: np.random.Generator, n_seeds: int) -> Iterator[Budget]:
    model = Model.drawn(rng, Effects(), 0.25, 1)
    eta_FI, cluster_I = model.items(rng, 200, 1)
    initial = (rng.random((1, *eta_FI.shape)) < expit(eta_FI)).astype(float)
    for change in (0.0,) * 5 + (0.1,) * 3:
        eta_SFI = model.tuned(rng, eta_FI, cluster_I, change, n_seeds)
        yield recipe_effect((rng.random(eta_SFI.shape) < expit(eta_SFI)).astype(float), initial)


def equivalence_page(n: int) -> Iterator[str]:
    """Two one-sided tests: size at both margins, power inside."""
    yield """# Equivalence

`equivalent`: two one-sided tests at 5 % that a change lies within 5 points either way; recipe claim, main scenario.
Entries: **% of studies called equivalent**. At -5 and +5 points each of them is an error, so at most 5 %.
"""
    rows = []
    for n_seeds in (3, 5, 10):
        for spread in (0.1, 0.3, 0.6):
            row = [f"S = {n_seeds}, seed SD {spread}"]
            for change in (-0.05, 0.0, 0.02, 0.05):
                rng = generator(27, "tost", n_seeds, str(spread), str(change))
                studies = (recipe_effect(*main_study(rng, change, n_seeds, spread)) for _ in range(n))
                row.append(f"{100 * np.mean([equivalent(budget, margin=0.05) for budget in studies]):.1f}")
            rows.append(row)
    yield table(["design", "change -5", "0", "+2", "+5"], rows)


def rates_page(n: int) -> Iterator[str]:
    """Rates of checkpoints, flips both ways, McNemar's test, the noise floor."""
    yield f"""# Rates and flips of given checkpoints

The rate of one checkpoint on items like these, and the shares of outcomes that go from no to yes (gained) and back
(lost) between the initial model and two checkpoints; score intervals over items. Rare: initial rate 1 %, +1 point.
{ENTRIES}"""
    rows = []
    for n_items in (30, 100, 450):
        for name, rate, change in (("25 %", 0.25, 0.05), ("1 %", 0.01, 0.01)):
            rng = generator(28, "rates", n_items, name)
            tallies = [Tally() for _ in range(3)]
            for _ in range(n):
                _count_rates(rng, n_items, rate, change, tallies)
            rows.append([f"{n_items} items, {name}", *(tally.short() for tally in tallies)])
    yield table(["size", "rate", "gained", "lost"], rows)
    yield """At a rate of 1 % and 100 items one event is expected; Wilson's limits then cover 91 to 97 % by turns as
the rate moves. `exact_rate_interval` never covers less than it says.
"""
    yield from _mcnemar(n)


_FIXED = Effects(item_arm=1.2, seed=0, item_seed=0.0, prompt_format=0, format_arm=0, item_format=0, seed_format=0)


def _count_rates(rng: np.random.Generator, n_items: int, rate: float, change: float, tallies: list[Tally]) -> None:
    """Two checkpoints that answer by the same chances: their recipe is the truth."""
    study = draw(rng, change=change, n_items=n_items, n_seeds=2, base_rate=rate, effects=_FIXED)
    y_SFI, y0_SFI = arrays(study)
    found = flips(y_SFI, y0_SFI[0])
    gained, lost = true_flips(rate, change)
    pairs = ((rate_interval(y0_SFI), rate), (found.gained, gained), (found.lost, lost))
    for tally, (one, truth) in zip(tallies, pairs, strict=True):
        tally.add_limits(one.low, one.high, truth)


@cache
def true_flips(rate: float, change: float) -> tuple[float, float]:
    """Shares of no-to-yes and yes-to-no in the model of `_FIXED`, by quadrature over items."""
    before = solve_intercept(np.zeros(1), _FIXED.shared_variance, rate)
    after = solve_intercept(np.zeros(1), _FIXED.tuned_variance, rate + change)
    nodes, weights = np.polynomial.hermite_e.hermegauss(81)
    eta = _FIXED.item * nodes
    p0, p1 = expit(before + eta), mean_expit(after + eta, _FIXED.item_arm**2)
    weights = weights / weights.sum()
    return float((weights * (1 - p0) * p1).sum()), float((weights * p0 * (1 - p1)).sum())


def _mcnemar(n: int) -> Iterator[str]:
    yield """
**McNemar's exact test** of one checkpoint, items that stand alone, no change. Size in %, at most 5; it is careful where
few items flip. Beside it the p-value of `checkpoint_effect`, which the results hold.
"""
    rows = []
    for n_items in (30, 100, 450):
        rng, p = generator(29, "mcnemar", n_items), []
        for _ in range(n):
            study = draw(rng, change=0.0, n_items=n_items, n_seeds=1, effects=_FIXED)
            y_SFI, y0_SFI = arrays(study)
            gained, lost = int((y_SFI > y0_SFI).sum()), int((y_SFI < y0_SFI).sum())
            p.append((mcnemar(gained, lost), p_value(checkpoint_effect(y_SFI, y0_SFI))))
        rows.append([f"{n_items} items", *(f"{100 * value:.1f}" for value in np.mean(np.array(p) <= 0.05, axis=0))])
    yield table(["size", "exact test", "clustered test"], rows)
    yield from _noise(n)


def _noise(n: int) -> Iterator[str]:
    yield """
**Noise floor.** The floor is the root mean square gap between two repeats; over studies its square should average to
that of the gap to one more repeat. Entries: **floor / real gap in points**, root mean squares; training seeds,
200 items.
"""
    rows = []
    for n_seeds in (2, 3, 5):
        row = [f"{n_seeds} repeats"]
        for spread in (0.1, 0.6):
            rng, squares = generator(30, "noise", n_seeds, str(spread)), []
            for _ in range(n):
                y_SFI, _ = small_study(rng, n_seeds=n_seeds + 1, effects=Effects(seed=spread))
                rate_S = y_SFI.mean(axis=(1, 2))
                squares.append((noise_floor(rate_S[:-1, None]) ** 2, (rate_S[0] - rate_S[-1]) ** 2))
            row.append(" / ".join(f"{100 * value:.2f}" for value in np.sqrt(np.mean(squares, axis=0))))
        rows.append(row)
    yield table(["repeats", "seed SD 0.1 logit", "seed SD 0.6 logit"], rows)
