"""The 18 main cells in full: coverage, width and false passes. A minute; `make validate` runs it."""

import numpy as np
import pytest

from aftertune.stats.budget import limits
from aftertune.stats.effect import recipe_effect
from aftertune.stats.verdict import Verdict, verdict
from aftertune.testing import Effects, draw
from tests_support.coverage import band

STUDIES = 500
# Mean half-widths in points that docs/validation/recipe_effect.md found at 3000 studies per cell.
HALF_WIDTHS = {3: (3.8, 7.3, 13.2), 5: (2.4, 4.0, 7.1), 10: (1.8, 2.6, 4.4)}


@pytest.mark.slow
@pytest.mark.parametrize("change", [0.0, 0.05])
@pytest.mark.parametrize("n_seeds", [3, 5, 10])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_main_cell(change: float, n_seeds: int, place: int) -> None:
    rng = np.random.default_rng([90, n_seeds, place, int(100 * change)])
    hits = passes = 0
    width = 0.0
    for _ in range(STUDIES):
        effects = Effects(seed=(0.1, 0.3, 0.6)[place])
        study = draw(
            rng,
            change=change,
            n_items=450,
            n_seeds=n_seeds,
            n_formats=4,
            n_initial_replicates=n_seeds,
            effects=effects,
        )
        budget = recipe_effect(study.tuned_SFIR[..., 0], study.initial_FIR.mean(axis=2)[None])
        low, high = limits(budget, alpha=0.05)
        hits += low <= change <= high
        width += (high - low) / 2 / STUDIES
        passes += verdict(budget, margin=0.05, worse="higher") == Verdict.PASS
    wide = band(0.95, 0.98, STUDIES)
    assert wide[0] <= hits / STUDIES <= wide[1]
    assert 0.85 < 100 * width / HALF_WIDTHS[n_seeds][place] < 1.15
    if change == 0.05:
        assert passes / STUDIES <= band(0.05, 0.06, STUDIES)[1]
