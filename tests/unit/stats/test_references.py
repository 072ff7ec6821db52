"""Reference values that others published or computed: if these move, we are wrong."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from aftertune.stats.components import variance_components
from aftertune.stats.facets import mean_squares
from aftertune.stats.multiplicity import benjamini_hochberg, holm
from aftertune.stats.quantiles import t_quantile
from aftertune.stats.score import ScoreRate, exact_rate_interval, score_interval

# Davies and Goldsmith 1972 by way of lme4: diameter per plate (24) and penicillin sample (6), in mm.
PLATES = """
    272326232321 272326232321 252125242420 262325232320 252226222320 242225232219 242023212219 262226242421
    242124222220 242124232219 262326242421 252226242420 262426242522 262326232320 262325242422 252225232320
    252124232320 252224232319 242123212119 262326242421 252124222218 252225222220 242124222419 242124222118
"""
PENICILLIN = np.array([[int(row[i : i + 2]) for i in range(0, 12, 2)] for row in PLATES.split()], dtype=float)


class TestPenicillin:
    """lme4: REML plate SD 0.8467, sample SD 1.9316, residual SD 0.5499; SE of the mean 0.80857, df 5.487."""

    def test_components(self) -> None:
        parts = variance_components(PENICILLIN, ["plate", "sample"])
        assert {source: round(math.sqrt(value), 4) for source, value in parts.items()} == {
            "plate": 0.8467,
            "sample": 1.9316,
            "plate x sample": 0.5499,
        }

    def test_standard_error_and_df(self) -> None:
        found = mean_squares(PENICILLIN)
        assert PENICILLIN.mean() == pytest.approx(22.97222, abs=1e-5)
        assert math.sqrt(found.crossed) == pytest.approx(0.80857, abs=1e-5)
        assert found.crossed_df == pytest.approx(5.487, abs=1e-3)


@pytest.mark.parametrize(("events", "n"), [(0, 20), (1, 30), (7, 50), (50, 50)])
def test_score_and_exact_intervals_agree_with_scipy(events: int, n: int) -> None:
    test = scipy_stats.binomtest(events, n)
    wilson = test.proportion_ci(0.95, method="wilson")
    assert score_interval(ScoreRate(events / n, n), alpha=0.05) == pytest.approx(tuple(wilson))
    exact = test.proportion_ci(0.9, method="exact")
    assert exact_rate_interval(events, n, level=0.9) == pytest.approx(tuple(exact))


def test_quantiles_agree_with_scipy() -> None:
    assert t_quantile(0.975, 3.7) == pytest.approx(scipy_stats.t.ppf(0.975, 3.7))
    assert t_quantile(0.9, math.inf) == pytest.approx(scipy_stats.norm.ppf(0.9))


def test_adjusted_p_values() -> None:
    p = np.random.default_rng(11).uniform(0, 0.2, 9)
    assert benjamini_hochberg(p) == pytest.approx(scipy_stats.false_discovery_control(p))
    # Holm's rule by definition: the k-th smallest of m times (m - k + 1), made monotone.
    order = np.argsort(p)
    expected = np.empty(9)
    expected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(9, 0, -1)), 1)
    assert holm(p) == pytest.approx(expected)


def test_undefined_p_values_leave_the_family() -> None:
    adjusted = holm(np.array([0.01, np.nan, 0.04]))
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(adjusted[1])
