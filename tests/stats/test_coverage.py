"""Two-sided coverage: an interval that covers too rarely fails, and so does one that is far too wide.

A few hundred seeded studies per cell; the tolerance is four binomial standard errors around the band that the
design promises. The full tables are in docs/validation.
"""

import numpy as np
import pytest

from aftertune.stats.budget import interval, limits
from aftertune.stats.effect import checkpoint_effect, recipe_effect
from aftertune.stats.verdict import Verdict, verdict
from aftertune.testing import Effects, draw
from tests_support.coverage import band

STUDIES = 200


@pytest.mark.parametrize(("n_seeds", "seed_sd"), [(3, 0.1), (3, 0.6), (5, 0.3), (10, 0.6)])
@pytest.mark.parametrize("change", [0.0, 0.05])
def test_recipe_interval_covers(n_seeds: int, seed_sd: float, change: float) -> None:
    rng = np.random.default_rng([n_seeds, int(100 * seed_sd), int(100 * change)])
    hits, widths = 0, []
    for _ in range(STUDIES):
        study = draw(rng, change=change, n_items=200, n_seeds=n_seeds, n_formats=2, effects=Effects(seed=seed_sd))
        found = interval(recipe_effect(study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]), level=0.95)
        hits += found.low <= change <= found.high
        widths.append(found.high - found.low)
    low, high = band(0.95, 0.985, STUDIES)
    assert low <= hits / STUDIES <= high
    assert np.isfinite(widths).all()


def test_recipe_interval_covers_with_holes() -> None:
    rng = np.random.default_rng(31)
    hits = 0
    for _ in range(STUDIES):
        study = draw(rng, change=0.05, n_items=200, n_seeds=5, n_formats=2)
        y_SFI, y0_SFI = study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]
        y_SFI[rng.random(y_SFI.shape) < 0.15] = np.nan
        y0_SFI[rng.random(y0_SFI.shape) < 0.15] = np.nan
        low, high = limits(recipe_effect(y_SFI, y0_SFI), alpha=0.05)
        hits += low <= 0.05 <= high
    assert band(0.95, 0.98, STUDIES)[0] <= hits / STUDIES <= band(0.95, 0.98, STUDIES)[1]


def test_recipe_interval_covers_rare_events() -> None:
    rng = np.random.default_rng(32)
    effects = Effects(item=2.6, seed=0.5, item_format=0.5)
    hits, widths = 0, []
    for _ in range(STUDIES):
        study = draw(rng, change=0.01, n_items=200, n_seeds=3, base_rate=0.0075, effects=effects)
        budget = recipe_effect(study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0])
        assert budget.score is not None
        low, high = limits(budget, alpha=0.05)
        hits += low <= 0.01 <= high
        widths.append((high - low) / 2)
    assert hits / STUDIES >= band(0.95, 1.0, STUDIES)[0]
    assert 0.01 < np.mean(widths) < 0.05  # with so few events nearly all are covered; the width is the other side


def test_recipe_interval_covers_clustered_items_and_ignoring_clusters_does_not() -> None:
    rng = np.random.default_rng(33)
    effects = Effects(item=1.0, item_arm=0.3, item_seed=0.3, cluster=2.0, cluster_arm=2.0, seed=0.05)
    labels = np.arange(400) // 10
    right = wrong = 0
    for _ in range(STUDIES):
        study = draw(rng, change=0.05, n_items=400, n_seeds=5, effects=effects, cluster_size=10)
        arms = study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]
        low, high = limits(recipe_effect(*arms, cluster_I=labels), alpha=0.05)
        right += low <= 0.05 <= high
        low, high = limits(recipe_effect(*arms), alpha=0.05)
        wrong += low <= 0.05 <= high
    assert band(0.94, 0.985, STUDIES)[0] <= right / STUDIES <= band(0.94, 0.985, STUDIES)[1]
    assert wrong / STUDIES < 0.85


def test_checkpoint_interval_covers_the_checkpoints_and_not_the_recipe() -> None:
    """With seeds that do not differ the checkpoint interval is right; with seeds that do, it is not for
    recipes."""
    rng = np.random.default_rng(34)
    hits = {0.0: 0, 0.6: 0}
    for spread in hits:
        effects = Effects(seed=spread, seed_format=0.0)
        for _ in range(STUDIES):
            study = draw(rng, change=0.05, n_items=300, n_seeds=1, effects=effects)
            budget = checkpoint_effect(study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0])
            low, high = limits(budget, alpha=0.05)
            hits[spread] += low <= 0.05 <= high
    assert band(0.945, 0.955, STUDIES)[0] <= hits[0.0] / STUDIES <= band(0.945, 0.955, STUDIES)[1]
    assert hits[0.6] / STUDIES < 0.7


def test_two_recipes_interval_covers() -> None:
    rng = np.random.default_rng(35)
    hits = 0
    for _ in range(STUDIES):
        # One arm's draw holds two independent samples of training seeds on the same items: true gap 0.
        study = draw(rng, change=0.05, n_items=200, n_seeds=10)
        y_SFI = study.tuned_SFIR[..., 0]
        low, high = limits(recipe_effect(y_SFI[:5], y_SFI[5:], against_seeded=True), alpha=0.05)
        hits += low <= 0 <= high
    assert band(0.945, 0.98, STUDIES)[0] <= hits / STUDIES <= band(0.945, 0.98, STUDIES)[1]


def test_false_passes_at_the_margin() -> None:
    rng = np.random.default_rng(36)
    passes = fails = 0
    for _ in range(STUDIES):
        study = draw(rng, change=0.05, n_items=200, n_seeds=5, n_formats=2)
        budget = recipe_effect(study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0])
        found = verdict(budget, margin=0.05, worse="higher")
        passes += found == Verdict.PASS
        fails += found == Verdict.FAIL
    assert passes / STUDIES <= band(0.05, 0.06, STUDIES)[1]
    assert fails / STUDIES <= band(0.05, 0.06, STUDIES)[1]
    assert passes + fails > 0
