"""Two-sided coverage of areas under the ROC curve; the full tables are in docs/validation/auc.md."""

import numpy as np
import pytest
from scipy import special

from aftertune.stats.auc import auc, auc_difference
from tests_support.coverage import inside

STUDIES = 1500
CUTS = np.array([-0.5, 0.3, 1.0, 1.8])


def shift(area: float) -> float:
    return float(np.sqrt(2) * special.ndtri(area))


def rated_area(area: float) -> float:
    """The area left when normal scores are cut into five ratings."""
    ends = np.array([-np.inf, *CUTS, np.inf])
    positive, negative = (np.diff(special.ndtr(ends - at)) for at in (shift(area), 0.0))
    return float(sum(positive[k] * (negative[:k].sum() + negative[k] / 2) for k in range(5)))


@pytest.mark.parametrize("size", [20, 50, 100])
@pytest.mark.parametrize("area", [0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("rated", [False, True])
def test_the_interval_covers(size: int, area: float, rated: bool) -> None:
    rng = np.random.default_rng([size, int(100 * area), rated])
    true, hits, too_high = rated_area(area) if rated else area, 0, 0
    for _ in range(STUDIES):
        positive, negative = rng.normal(shift(area), 1, size), rng.normal(0, 1, size)
        if rated:
            positive, negative = np.digitize(positive, CUTS), np.digitize(negative, CUTS)
        found = auc(positive, negative)
        hits += found.low <= true <= found.high
        too_high += found.low > true
    assert inside(hits / STUDIES, 0.95, 0.98 if area > 0.8 else 0.97, STUDIES)
    assert too_high / STUDIES <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / STUDIES)


@pytest.mark.parametrize("size", [10, 30])
def test_the_limit_of_sides_that_do_not_overlap_holds_in_its_worst_case(size: int) -> None:
    """A share of the positives lies below all negatives: no overlap is seen with probability area ** size."""
    worst = 0.025 ** (1 / size)
    for area, covered in ((worst - 0.01, False), (worst + 0.01, True)):
        found = auc(np.ones(size) + np.arange(size) / 100, np.zeros(200))
        assert (found.low <= area) is covered
        assert (area**size > 0.025) is covered


def test_the_difference_covers() -> None:
    rng, side, hits = np.random.default_rng(44), np.arange(120) < 60, 0
    for _ in range(STUDIES):
        shared = rng.normal(0, np.sqrt(0.6), 120)
        first, second = (
            np.where(side, shift(area), 0) + shared + rng.normal(0, np.sqrt(0.4), 120) for area in (0.8, 0.7)
        )
        found = auc_difference(first, second, side)
        hits += found.low <= 0.1 <= found.high
    assert inside(hits / STUDIES, 0.94, 0.96, STUDIES)
