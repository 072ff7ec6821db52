"""Reference values that others published or computed: if these move, we are wrong."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from aftertune.stats.agreement import agreement, cohen_kappa, gwet_ac1, krippendorff_alpha
from aftertune.stats.budget import Budget, Part, interval, p_value
from aftertune.stats.components import variance_components
from aftertune.stats.effect import checkpoint_effect
from aftertune.stats.facets import mean_squares
from aftertune.stats.judge_error import LabelledResponses, corrected_effect
from aftertune.stats.multi_bootstrap import bootstrap_means
from aftertune.stats.multiplicity import benjamini_hochberg, holm
from aftertune.stats.quantiles import t_quantile
from aftertune.stats.score import ScoreRate, exact_rate_interval, score_interval
from aftertune.stats.sequential import anytime_multiplier
from aftertune.stats.verdict import equivalent

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


# Brennan 2001, table 3.2 (synthetic data set 4): 10 persons, 3 tasks, 4 raters within each task.
BRENNAN = np.array(
    [
        [int(digit) for digit in row]
        for row in (
            "565553456733",
            "937775557752",
            "343353356516",
            "755331435335",
            "929777372753",
            "343533634512",
            "737775575554",
            "585775543211",
            "998866655811",
            "444335655711",
        )
    ],
    dtype=float,
).reshape(10, 3, 4)


def test_three_facets_of_brennan() -> None:
    """Page 116: person .4731, task .3252, rater in task .6475, person x task .5596, rest 2.3803.

    Raters are nested in tasks there. Taken as crossed, each nested component is a sum of crossed ones: what a
    nested design cannot tell apart is added up, and what the other raters held is given back.
    """
    crossed = variance_components(BRENNAN, ["person", "task", "rater"])
    assert crossed["rater"] + crossed["task x rater"] == pytest.approx(0.6475, abs=5e-5)
    assert crossed["person x rater"] + crossed["person x task x rater"] == pytest.approx(2.3803, abs=6e-5)
    assert crossed["person"] + crossed["person x rater"] / 4 == pytest.approx(0.4731, abs=6e-5)
    assert crossed["task"] - crossed["rater"] / 4 == pytest.approx(0.3252, abs=6e-5)
    assert crossed["person x task"] - crossed["person x rater"] / 4 == pytest.approx(0.5596, abs=6e-5)


def test_quasi_f_of_a_crossed_design() -> None:
    """Winer 1971, Clark 1973: F' = MS / (MS_1 + MS_2 - MS_12), its df by Satterthwaite, from plain sums of squares."""
    rows, columns = PENICILLIN.shape
    mean, over_r, over_c = PENICILLIN.mean(), PENICILLIN.mean(axis=1), PENICILLIN.mean(axis=0)
    ss_r, ss_c = columns * ((over_r - mean) ** 2).sum(), rows * ((over_c - mean) ** 2).sum()
    ms_r, ms_c = ss_r / (rows - 1), ss_c / (columns - 1)
    ms_rc = (((PENICILLIN - mean) ** 2).sum() - ss_r - ss_c) / ((rows - 1) * (columns - 1))
    error = ms_r + ms_c - ms_rc
    df = error**2 / (ms_r**2 / 23 + ms_c**2 / 5 + ms_rc**2 / 115)
    found = mean_squares(PENICILLIN)
    assert mean**2 / found.crossed == pytest.approx(PENICILLIN.size * mean**2 / error)
    assert found.crossed_df == pytest.approx(df)


def test_the_multi_bootstrap_of_multiberts() -> None:
    """Resample seeds, resample items, score each run on them, average: Sellam et al. 2022, by plain loops."""
    rng = np.random.default_rng(51)
    d_SI = rng.normal(size=(4, 30))
    seeds, items = rng.integers(0, 4, (20, 4)), rng.integers(0, 30, (20, 30))
    expected = [np.mean([d_SI[s, items[b]].mean() for s in seeds[b]]) for b in range(20)]
    v_BS = np.stack([np.bincount(row, minlength=4) for row in seeds]).astype(float)
    w_BI = np.stack([np.bincount(row, minlength=30) for row in items]).astype(float)
    assert bootstrap_means(d_SI, w_BI, v_BS) == pytest.approx(expected)


def test_the_difference_estimator_of_prediction_powered_inference() -> None:
    """Angelopoulos et al. 2023, algorithm 1 with weight 1: mean(f) + mean(y - f), variances added."""
    rng = np.random.default_rng(52)
    human, machine = (rng.random(400) < 0.3).astype(float), rng.random(3000) < 0.35
    judge = np.where(rng.random(400) < 0.15, 1 - human, human)
    rate = float(machine.mean())
    part = Part("item", float(machine.var(ddof=1)) / 3000)
    sure = LabelledResponses(np.tile([0.0, 1.0], 10**6), np.tile([0.0, 1.0], 10**6))
    found = corrected_effect(Budget(rate, (part,)), arm=LabelledResponses(judge, human), against=sure)
    gap = human - judge
    assert found.estimate == pytest.approx(rate + gap.mean(), abs=1e-12)
    label_error = sum(part.variance for part in found.parts)
    assert label_error == pytest.approx(machine.var(ddof=1) / 3000 + gap.var(ddof=1) / 400, rel=0.02)


def test_two_one_sided_tests_agree_with_scipy() -> None:
    rng = np.random.default_rng(53)
    for shift in (0.0, 0.02, 0.04, 0.06):
        y_I = (rng.random(30) < 0.3).astype(float) * 0.1 + shift
        budget = checkpoint_effect(y_I[None, None], np.zeros((1, 1, 30)))
        plain = Budget(budget.estimate, budget.parts)
        low = scipy_stats.ttest_1samp(y_I, -0.08, alternative="greater").pvalue
        high = scipy_stats.ttest_1samp(y_I, 0.08, alternative="less").pvalue
        assert equivalent(plain, margin=0.08) == (max(low, high) < 0.05)
        assert p_value(plain) == pytest.approx(scipy_stats.ttest_1samp(y_I, 0).pvalue, rel=1e-6, abs=1e-12)
        assert interval(plain, level=0.9).low == pytest.approx(
            scipy_stats.ttest_1samp(y_I, 0).confidence_interval(0.9).low
        )


def test_the_asymptotic_confidence_sequence() -> None:
    """Waudby-Smith et al. 2024, equation 15, written out: sqrt(2 (t r + 1) / (t^2 r) log(sqrt(t r + 1) / a))."""
    a, t_best, t = 0.1, 150, 90
    r = (-2 * math.log(a) + math.log(-2 * math.log(a) + 1)) / t_best
    half = math.sqrt(2 * (t * r + 1) / (t**2 * r) * math.log(math.sqrt(t * r + 1) / a))
    assert anytime_multiplier(t) / math.sqrt(t) == pytest.approx(half)


class TestTwoJudges:
    """The interval's closed forms are the coefficients themselves, and both give published values."""

    def test_gwet_2002(self) -> None:
        """118 both yes, 5 and 2 apart, 0 both no, of 125: kappa -0.023, AC1 0.941."""
        first, second = np.repeat([1.0, 1.0, 0.0], [118, 5, 2]), np.repeat([1.0, 0.0, 1.0], [118, 5, 2])
        found = agreement(first, second)
        assert found.kappa.estimate == pytest.approx(-0.023, abs=1e-3)
        assert found.ac1.estimate == pytest.approx(0.941, abs=1e-3)

    def test_they_agree_with_the_plain_functions(self) -> None:
        rng = np.random.default_rng(54)
        first = (rng.random(80) < 0.3).astype(float)
        second = np.where(rng.random(80) < 0.2, 1 - first, first)
        found = agreement(first, second)
        assert found.kappa.estimate == pytest.approx(cohen_kappa(first, second))
        assert found.ac1.estimate == pytest.approx(gwet_ac1(first, second))
        assert found.alpha.estimate == pytest.approx(krippendorff_alpha(np.stack([first, second])))

    def test_the_jackknife_leaves_one_item_out_at_a_time(self) -> None:
        rng = np.random.default_rng(55)
        first = (rng.random(40) < 0.4).astype(float)
        second = np.where(rng.random(40) < 0.2, 1 - first, first)
        left_out = np.array([cohen_kappa(np.delete(first, i), np.delete(second, i)) for i in range(40)])
        variance = 39 / 40 * ((left_out - left_out.mean()) ** 2).sum()
        found = agreement(first, second).kappa
        half = scipy_stats.t.ppf(0.975, 39) * math.sqrt(variance)
        assert found.low == pytest.approx(found.estimate - half)
