"""Validation pages of what stands beside the headline: judges, categories, components."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from common import ENTRIES, SPREADS, Tally, covered, small_study, table

from aftertune.seeds import generator
from aftertune.stats.agreement import agreement
from aftertune.stats.budget import Budget, limits
from aftertune.stats.components import variance_components
from aftertune.stats.effect import recipe_effect
from aftertune.stats.judge_error import LabelledResponses, corrected_effect, judge_error
from aftertune.stats.spending import levers
from aftertune.testing import Effects, draw


def judge_error_page(n: int) -> Iterator[str]:
    """The judge's error, taken out with labels from both arms."""
    yield f"""# Judge error

Five training seeds, 450 items, true change +5 points; human labels of a random sample of responses in both
arms. {ENTRIES}"""
    errors = {
        "equal: sensitivity 0.90, specificity 0.95 in both": (0.90, 0.95, 0.90, 0.95),
        "worse on the tuned arm: 0.90 / 0.97, tuned 0.85 / 0.90": (0.90, 0.97, 0.85, 0.90),
    }
    rows = []
    for name, rates in errors.items():
        for n_labels in (100, 300, 1000):
            rng = generator(14, "judge", name, n_labels)
            found = [_judged(rng, rates, n_labels) for _ in range(n)]
            rows.append([name, f"{n_labels}", *(covered((pair[place], 0.05) for pair in found) for place in (0, 1))])
    yield table(["judge", "labels per arm", "uncorrected", "corrected"], rows)
    yield from _error_rates(n)


def _error_rates(n: int) -> Iterator[str]:
    yield """
**Sensitivity and specificity** from the labels of one arm, 25 % of responses harmful; clustered: five responses of each
item, which the judge misreads together half of the time. Entries as above.
"""
    rows = []
    for n_items, each in ((100, 1), (300, 1), (1000, 1), (60, 5), (200, 5)):
        rng, tallies = generator(35, "error_rates", n_items, each), [Tally(), Tally()]
        for _ in range(n):
            label = np.repeat(np.arange(n_items), each)
            truth = (rng.random(n_items)[label] < 0.25).astype(float)
            luck = np.where(rng.random(n_items) < 0.5, rng.random(n_items), np.nan)[label] if each > 1 else np.nan
            luck = np.where(np.isnan(luck), rng.random(n_items * each), luck)
            judge = (luck < np.where(truth > 0, 0.85, 0.05)).astype(float)
            found = judge_error(judge, truth, cluster_I=label)
            for tally, one, true in zip(tallies, (found.sensitivity, found.specificity), (0.85, 0.95), strict=True):
                tally.add_limits(one.low, one.high, true)
        size = f"{n_items} items of {each}" if each > 1 else f"{n_items} labels"
        rows.append([size, *(tally.short() for tally in tallies)])
    yield table(["labels", "sensitivity 0.85", "specificity 0.95"], rows)
    yield """Labels of a few dozen items, five of each, are covered less than they say, most where mistakes are rare:
label more items rather than more responses of each.
"""


def _judged(rng: np.random.Generator, rates: tuple[float, ...], n_labels: int) -> tuple[Budget, Budget]:
    study = draw(rng, change=0.05, n_items=450, n_seeds=5, n_formats=4, n_initial_replicates=5)
    tuned, initial = study.tuned_SFIR[..., 0], study.initial_FIR.transpose(2, 0, 1)
    seen = [_verdicts(rng, truth, *pair) for truth, pair in ((initial, rates[:2]), (tuned, rates[2:]))]
    budget = recipe_effect(seen[1], seen[0].mean(axis=0, keepdims=True))
    labels = []
    for truth, judged in ((tuned, seen[1]), (initial, seen[0])):
        picked = rng.choice(truth.size, n_labels, replace=False)
        labels.append(LabelledResponses(judged.ravel()[picked], truth.ravel()[picked]))
    return budget, corrected_effect(budget, arm=labels[0], against=labels[1])


def _verdicts(rng: np.random.Generator, truth: np.ndarray, sensitivity: float, specificity: float) -> np.ndarray:
    yes = rng.random(truth.shape) < np.where(truth > 0, sensitivity, 1 - specificity)
    return yes.astype(float)


def agreement_page(n: int) -> Iterator[str]:
    """Kappa, AC1 and alpha of two judges with known errors."""
    yield f"""# Agreement of judges

Two judges with errors of their own, independent given the truth; 25 % of responses are harmful, 3 % in the rare
case. True kappa, AC1 and alpha follow from the error rates. In the clustered case each of the items has 5
responses that share its propensity. {ENTRIES.replace(" in points", " in hundredths")}"""
    judges = {"good: 0.90 / 0.95 and 0.85 / 0.97": ((0.90, 0.95), (0.85, 0.97)), "poor: 0.7 / 0.8, twice": _POOR}
    rows = []
    for name, pair in judges.items():
        for rate, n_items, each in ((0.25, 50, 1), (0.25, 200, 1), (0.25, 1000, 1), (0.25, 100, 5), (0.03, 400, 1)):
            rng = generator(20, "agreement", name, str(rate), n_items, each)
            tallies = [Tally() for _ in range(4)]
            for _ in range(n):
                _count_agreement(rng, rate, n_items, each, pair, tallies)
            size = f"{n_items} items of {each}" if each > 1 else f"{n_items} items"
            rows.append([f"{name}; {size}, {100 * rate:.0f} %", *(_defined(tally, n) for tally in tallies)])
    yield table(["judges (sensitivity / specificity)", "share", "kappa", "AC1", "alpha"], rows)
    yield """In brackets: studies without an interval, because the judges never disagreed or said one thing throughout.
With 50 items and few disagreements the limits of kappa, AC1 and alpha cover 92 to 93 %: label 100 or more.
"""


_POOR = ((0.7, 0.8), (0.7, 0.8))


def _count_agreement(
    rng: np.random.Generator, rate: float, n_items: int, each: int, judges: tuple, tallies: list[Tally]
) -> None:
    chance_I = np.full(n_items, rate) if each == 1 else rng.beta(0.5, 0.5 * (1 - rate) / rate, n_items)
    label = np.repeat(np.arange(n_items), each)
    truth = (rng.random(n_items * each) < chance_I[label]).astype(float)
    found = agreement(*(_verdicts(rng, truth, *judge) for judge in judges), cluster_I=label)
    measures = (found.share, found.kappa, found.ac1, found.alpha)
    for tally, one, true in zip(tallies, measures, true_agreement(rate, *judges), strict=True):
        if one.defined:
            tally.add_limits(one.low, one.high, true)


def true_agreement(rate: float, first: tuple[float, float], second: tuple[float, float]) -> tuple[float, ...]:
    """Share, kappa, AC1 and alpha of two judges, independent given the truth."""
    both = rate * first[0] * second[0] + (1 - rate) * (1 - first[1]) * (1 - second[1])
    one, two = (rate * judge[0] + (1 - rate) * (1 - judge[1]) for judge in (first, second))
    seen, middle = 1 - one - two + 2 * both, (one + two) / 2
    chance, even = one * two + (1 - one) * (1 - two), 2 * middle * (1 - middle)
    corrected = (seen - even) / (1 - even)
    return seen, (seen - chance) / (1 - chance), corrected, 1 - (1 - seen) / even


def _defined(tally: Tally, n: int) -> str:
    lost = "" if tally.n == n else f" ({100 * (1 - tally.n / n):.1f} % none)"
    return tally.short() + lost


def components_page(n: int) -> Iterator[str]:
    """Variance components against their truth, and what purchases really do."""
    yield """# Variance components, and what would narrow the interval

**Components.** Normal effects with known variances over 5 training seeds, 3 prompt formats and 60 items. Estimates
are unbiased and may be negative. Entries: **mean estimate +- its standard deviation over studies**, variances x 1000.
A component over 5 seeds has 4 degrees of freedom: one study knows it to a factor of 2 or 3.
"""
    rows = []
    for share in (0.0, 0.15):
        rng, found = generator(21, "components", str(share)), []
        for _ in range(n):
            y_SFI = sum(_effect(rng, axes, variance) for axes, variance in _TRUE.items())
            y_SFI[rng.random(y_SFI.shape) < share] = np.nan
            found.append(list(variance_components(y_SFI, _FACETS).values()))
        mean, spread = 1000 * np.mean(found, axis=0), 1000 * np.std(found, axis=0)
        rows.append(
            [f"{100 * share:.0f} % missing", *(f"{m:.2f} +- {s:.2f}" for m, s in zip(mean, spread, strict=True))]
        )
    names = [" x ".join(_FACETS[axis] for axis in axes) for axes in _TRUE]
    yield table(["", *names], [["truth", *(f"{1000 * value:.2f}" for value in _TRUE.values())], *rows])
    yield from _levers(n)


_FACETS = ("seed", "format", "item")
_TRUE = {(0,): 1e-3, (1,): 5e-4, (2,): 20e-3, (0, 1): 3e-4, (0, 2): 8e-3, (1, 2): 10e-3, (0, 1, 2): 100e-3}


def _effect(rng: np.random.Generator, axes: tuple[int, ...], variance: float) -> np.ndarray:
    shape = [size if axis in axes else 1 for axis, size in enumerate((5, 3, 60))]
    return rng.normal(0, math.sqrt(variance), shape) * np.ones((5, 3, 60))


def _levers(n: int) -> Iterator[str]:
    yield """
**Purchases.** What `levers` says a purchase would leave of the half-width, and the mean half-width of studies that
really had it (200 items, 2 formats, change +5 points). Entries in points: **now, said -> was**.
"""
    rows = []
    for n_seeds in (3, 5):
        for spread in SPREADS:
            effects, said, now = Effects(seed=spread), {"seed": 0.0, "item": 0.0}, 0.0
            rng = generator(22, "levers", n_seeds, str(spread))
            for _ in range(n):
                budget = recipe_effect(*small_study(rng, n_seeds=n_seeds, effects=effects))
                now += 100 * _half(budget) / n
                for lever in levers(budget):
                    said[lever.source] += 100 * lever.half_width / n
            was = [
                100 * np.mean([_half(recipe_effect(*small_study(rng, effects=effects, **more))) for _ in range(n)])
                for more in ({"n_seeds": n_seeds + 2}, {"n_seeds": n_seeds, "n_items": 400})
            ]
            bought = [f"{said[source]:.1f} -> {real:.1f}" for source, real in zip(said, was, strict=True)]
            rows.append([f"S = {n_seeds}, seed SD {spread}", f"{now:.1f}", *bought])
    yield table(["design", "now", "2 more training seeds", "200 more items"], rows)
    yield """More items also measure each seed better, which `levers` does not count (it knows the item part only), so
the second purchase is worth somewhat more than it says where seeds hardly differ.
"""


def _half(budget: Budget) -> float:
    low, high = limits(budget, alpha=0.05)
    return (high - low) / 2
