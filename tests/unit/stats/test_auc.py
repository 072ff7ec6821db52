"""Areas under the ROC curve: by counting pairs, at their edges, and under changes that must not matter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.stats.auc import auc, auc_difference

RATINGS = st.lists(st.integers(0, 5), min_size=1, max_size=12)


def by_pairs(positive: np.ndarray, negative: np.ndarray) -> float:
    gaps = np.subtract.outer(positive, negative)
    return float(((gaps > 0) + (gaps == 0) / 2).mean())


def delong_variance(positive: np.ndarray, negative: np.ndarray) -> float:
    """DeLong's formula written out over all pairs."""
    gaps = np.subtract.outer(positive, negative)
    wins = (gaps > 0) + (gaps == 0) / 2
    return float(wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative))


class TestArea:
    @given(positive=RATINGS, negative=RATINGS)
    def test_it_is_the_share_of_pairs_in_order(self, positive: list[int], negative: list[int]) -> None:
        found = auc(positive, negative)
        assert found.estimate == pytest.approx(by_pairs(np.array(positive), np.array(negative)))
        assert math.isnan(found.low) or 0 <= found.low <= found.estimate <= found.high <= 1
        assert found.defined or found.reason

    def test_the_upper_limit_is_delongs_on_the_logit_scale(self) -> None:
        rng = np.random.default_rng(5)
        positive, negative = rng.normal(1, 1, 400).round(1), rng.normal(0, 1, 300).round(1)
        found = auc(positive, negative)
        error = math.sqrt(delong_variance(positive, negative)) / (found.estimate * (1 - found.estimate))
        logit = math.log(found.high / (1 - found.high)) - math.log(found.estimate / (1 - found.estimate))
        assert logit / error == pytest.approx(1.96, abs=0.01)

    @given(positive=RATINGS, negative=RATINGS)
    def test_turning_the_scores_round_turns_the_limits_round(self, positive: list[int], negative: list[int]) -> None:
        one, other = auc(positive, negative), auc(-np.array(positive), -np.array(negative))
        for mine, theirs in ((one.estimate, other.estimate), (one.low, other.high), (one.high, other.low)):
            assert mine == pytest.approx(1 - theirs, nan_ok=True)

    def test_order_and_scale_do_not_matter(self) -> None:
        rng = np.random.default_rng(6)
        positive, negative = rng.normal(0.5, 1, 30), rng.normal(0, 1, 40)
        same = auc(np.exp(rng.permutation(positive)), np.exp(rng.permutation(negative)))
        plain = auc(positive, negative)
        assert (same.low, same.estimate, same.high) == pytest.approx((plain.low, plain.estimate, plain.high))

    def test_a_higher_level_is_wider(self) -> None:
        scores = [1, 3, 4, 6, 8], [0, 2, 5, 7, 1]
        assert auc(*scores, level=0.99).low < auc(*scores, level=0.9).low < auc(*scores, level=0.9).estimate

    def test_infinite_scores_are_scores(self) -> None:
        assert auc([math.inf, 1.0], [-math.inf, 1.0]).estimate == pytest.approx(3.5 / 4)

    def test_a_million_scores_take_less_than_two_seconds(self) -> None:
        """All pairs would be 2.5e11."""
        rng = np.random.default_rng(7)
        found = auc(rng.normal(1, 1, 500_000), rng.normal(0, 1, 500_000))
        assert found.estimate == pytest.approx(0.7602, abs=0.002)
        assert found.high - found.low < 0.002


class TestEdges:
    @pytest.mark.parametrize(
        ("positive", "negative", "estimate", "words"),
        [
            ([], [1.0, 2.0], math.nan, "no items"),
            ([1.0], [], math.nan, "no items"),
            ([1.0], [0.0, 2.0], 0.5, "one item"),
            ([1.0, 1.0], [1.0, 1.0, 1.0], 0.5, "alike"),
        ],
    )
    def test_undefined_limits_are_nan_with_a_reason(
        self, positive: list[float], negative: list[float], estimate: float, words: str
    ) -> None:
        found = auc(positive, negative)
        assert found.estimate == pytest.approx(estimate, nan_ok=True)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert words in found.reason

    def test_sides_that_do_not_overlap_have_one_limit(self) -> None:
        above, below = auc(np.arange(20) + 100, np.arange(50)), auc(np.arange(50), np.arange(20) + 100)
        assert (above.estimate, above.high) == (1.0, 1.0)
        assert above.low == pytest.approx(0.025 ** (1 / 20))
        assert (below.low, below.high) == pytest.approx((0.0, 1 - above.low))
        assert "20 disjoint pairs" in above.reason

    def test_one_pair_out_of_order_does_not_jump_past_none(self) -> None:
        """DeLong's own lower limit of the first would be above 0.96."""
        nearly = auc([*np.arange(19) + 100, 48.5], np.arange(50))
        none = auc(np.arange(20) + 100, np.arange(50))
        assert nearly.low < 0.93
        assert none.low < nearly.estimate

    @pytest.mark.parametrize("bad", [[math.nan, 1.0], [[1.0, 2.0]]])
    def test_bad_scores_are_refused(self, bad: list[float]) -> None:
        with pytest.raises(ValueError, match="scores"):
            auc(bad, [0.0, 1.0])

    @pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
    def test_a_level_is_a_fraction(self, level: float) -> None:
        with pytest.raises(ValueError, match="level"):
            auc([1, 2], [0, 1], level=level)


class TestDifference:
    def test_it_is_the_difference_and_paired_is_narrower(self) -> None:
        rng, side = np.random.default_rng(8), np.arange(200) < 100
        first = rng.normal(side, 1)
        second = first + rng.normal(0, 0.2, 200)
        found = auc_difference(first, second, side)
        apart = auc(first[side], first[~side]), auc(second[side], second[~side])
        assert found.estimate == pytest.approx(apart[0].estimate - apart[1].estimate)
        assert found.high - found.low < 0.5 * (apart[0].high - apart[0].low)

    def test_its_edges(self) -> None:
        same = auc_difference([1, 2, 3, 4], [1, 2, 3, 4], [False, True, False, True])
        assert same.estimate == 0
        assert "alike" in same.reason
        assert "one item" in auc_difference([1, 2, 3], [3, 2, 1], [True, False, False]).reason
        assert "no items" in auc_difference([1, 2], [2, 1], [True, True]).reason
        with pytest.raises(ValueError, match="one entry per item"):
            auc_difference([1, 2], [1, 2, 3], [True, False, True])
        with pytest.raises(ValueError, match="NaN"):
            auc_difference([1, math.nan], [1, 2], [True, False])

    def test_swapping_the_scores_turns_the_limits_round(self) -> None:
        rng, side = np.random.default_rng(9), np.arange(30) < 12
        first, second = rng.normal(side, 1), rng.normal(side, 2)
        one, other = auc_difference(first, second, side), auc_difference(second, first, side)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
