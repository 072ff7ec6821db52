"""Coverage of the estimators behind the sections of the results; two-sided, seeded, four binomial errors."""

import math

import numpy as np
import pytest

from aftertune.stats.agreement import agreement
from aftertune.stats.budget import limits
from aftertune.stats.categories import shrink
from aftertune.stats.effect import recipe_effect
from aftertune.stats.factorial import trend_effect
from aftertune.stats.judge_error import LabelledResponses, corrected_effect
from aftertune.stats.ratios import jackknife_effect, log_risk_ratio
from aftertune.testing import draw
from tests_support.coverage import band


def _true_agreement(rate: float, first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float, float]:
    """Kappa, AC1 and alpha of two judges with these sensitivities and specificities, independent given the truth."""
    both = rate * first[0] * second[0] + (1 - rate) * (1 - first[1]) * (1 - second[1])
    one, two = (rate * judge[0] + (1 - rate) * (1 - judge[1]) for judge in (first, second))
    seen, middle = 1 - one - two + 2 * both, (one + two) / 2
    chance = one * two + (1 - one) * (1 - two), 2 * middle * (1 - middle)
    return (seen - chance[0]) / (1 - chance[0]), (seen - chance[1]) / (1 - chance[1]), 1 - (1 - seen) / chance[1]


@pytest.mark.parametrize(("n_items", "rate", "per_item"), [(150, 0.2, 1), (300, 0.05, 1), (120, 0.3, 3)])
def test_agreement_covers(n_items: int, rate: float, per_item: int) -> None:
    first, second, rng, studies = (0.85, 0.93), (0.80, 0.95), np.random.default_rng(41), 300
    truth, hits = _true_agreement(rate, first, second), np.zeros(3)
    items = np.repeat(np.arange(n_items), per_item)
    for _ in range(studies):
        yes = (rng.random(n_items) < rate)[items]
        seen = [np.where(yes, rng.random(len(items)) < j[0], rng.random(len(items)) > j[1]) for j in (first, second)]
        found = agreement(*(values.astype(float) for values in seen), cluster_I=items)
        hits += [i.low <= t <= i.high for i, t in zip((found.kappa, found.ac1, found.alpha), truth, strict=True)]
    low, high = band(0.92, 0.975, studies)
    assert (hits / studies >= low).all()
    assert (hits / studies <= high).all()


@pytest.mark.parametrize("n_categories", [4, 10, 45])
@pytest.mark.parametrize("spread", [0.0, 0.03, 0.08])
def test_shrunk_categories_cover_on_average_and_are_narrower(n_categories: int, spread: float) -> None:
    rng, hits, widths = np.random.default_rng([42, n_categories, int(100 * spread)]), [], []
    for _ in range(300):
        truth, error_C = rng.normal(0.1, spread, n_categories), rng.uniform(0.04, 0.1, n_categories)
        found = shrink(truth + rng.normal(0, error_C), error_C**2)
        hits.append((np.abs(found.estimate_C - truth) < 1.96 * found.error_C).mean())
        widths.append((found.error_C / error_C).mean())
    assert np.mean(hits) >= 0.93
    assert np.mean(hits) <= 0.97 or spread < 0.08  # where nothing differs, pooling is sure of it
    assert np.mean(widths) < 1


def test_trend_covers_runs_that_drift_apart() -> None:
    rng, hits, studies = np.random.default_rng(43), 0, 200
    for _ in range(studies):
        y_RSFI = np.moveaxis(draw(rng, change=0.05, n_items=120, n_seeds=4, n_replicates=3).tuned_SFIR, 3, 0)
        own_slope = rng.normal(0, 0.04, 4)
        low, high = limits(
            trend_effect(y_RSFI + np.multiply.outer([1, 2, 3], own_slope)[..., None, None], [1, 2, 3]), alpha=0.05
        )
        hits += low <= 0 <= high
    assert band(0.93, 0.98, studies)[0] <= hits / studies <= band(0.93, 0.98, studies)[1]


def test_a_rare_risk_ratio_covers() -> None:
    rng, hits, defined, widths = np.random.default_rng(44), 0, 0, []
    for _ in range(150):
        study = draw(rng, change=0.03, n_items=300, n_seeds=3, base_rate=0.03)
        budget = jackknife_effect(study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0], log_risk_ratio)
        low, high = limits(budget, alpha=0.05)
        defined += not math.isnan(low)
        hits += low <= math.log(2) <= high
        widths.append((high - low) / 2)
    assert defined > 130
    assert hits / defined >= band(0.95, 1.0, defined)[0]
    assert 0.4 < np.nanmean(widths) < 1.2


def test_a_risk_ratio_of_two_recipes_covers_and_ignoring_the_others_seeds_does_not() -> None:
    rng, hits = np.random.default_rng(45), {True: 0, False: 0}
    studies = 150
    for _ in range(studies):
        y_SFI = draw(rng, change=0.05, n_items=200, n_seeds=8).tuned_SFIR[..., 0]
        for seeded in hits:
            budget = jackknife_effect(y_SFI[:5], y_SFI[5:], log_risk_ratio, against_seeded=seeded)
            low, high = limits(budget, alpha=0.05)
            hits[seeded] += low <= 0 <= high
    assert band(0.94, 0.98, studies)[0] <= hits[True] / studies <= band(0.94, 0.98, studies)[1]
    assert hits[False] < hits[True]


def test_a_correction_with_few_labels_covers() -> None:
    """Thirty labels per arm and a judge that rarely errs: often no mistake is seen at all, and yet it covers."""
    rng, hits, studies, narrow, widths = np.random.default_rng(46), 0, 200, 0, []
    for _ in range(studies):
        study = draw(rng, change=0.05, n_items=200, n_seeds=5)
        truth = [study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]]
        seen = [np.where(rng.random(y.shape) < 0.03, 1 - y, y) for y in truth]
        labels = []
        for judge, human in zip(seen, truth, strict=True):
            chosen = rng.choice(judge.size, 30, replace=False)
            labels.append(LabelledResponses(judge.ravel()[chosen], human.ravel()[chosen]))
        budget = corrected_effect(recipe_effect(*seen), arm=labels[0], against=labels[1])
        low, high = limits(budget, alpha=0.05)
        hits += low <= 0.05 <= high
        narrow += budget.parts[-1].variance == 0
        widths.append((high - low) / 2)
    assert narrow == 0
    assert hits / studies >= band(0.94, 1.0, studies)[0]
    assert np.mean(widths) < 0.25
