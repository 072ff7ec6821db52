"""Sequential looks, multi-bootstrap, categories, spending."""

import math

import numpy as np
import pytest

from aftertune.stats.budget import Budget, Part
from aftertune.stats.categories import Prior, shrink, variance_prior
from aftertune.stats.design import Design
from aftertune.stats.facets import mean_squares
from aftertune.stats.multi_bootstrap import (
    bootstrap_interval,
    bootstrap_means,
    item_weights,
    rank_shares,
    seed_weights,
)
from aftertune.stats.sequential import anytime_multiplier, obrien_fleming, plan_looks, stop_at
from aftertune.stats.spending import levers, optimal_split


class TestSequential:
    @pytest.mark.parametrize(("looks", "constant"), [(1, 1.960), (2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040)])
    def test_published_constants(self, looks: int, constant: float) -> None:
        """Jennison and Turnbull 2000, table 2.3, two-sided 5 %."""
        assert obrien_fleming(looks, alpha=0.025) == pytest.approx(constant, abs=1e-3)

    def test_five_looks_one_sided(self) -> None:
        assert obrien_fleming(5) == pytest.approx(1.750, abs=2e-3)

    def test_false_passes_at_the_margin_stay_at_the_level(self) -> None:
        looks, rng = plan_looks(300, 5), np.random.default_rng(15)
        found = [stop_at(rng.normal(0.05, 0.4, 300), looks, margin=0.05) for _ in range(3000)]
        for word in ("PASS", "FAIL"):
            share = np.mean([verdict == word for _, verdict in found])
            assert share == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 3000) + 0.004)

    def test_it_stops_early_far_from_the_margin(self) -> None:
        looks, rng = plan_looks(300, 5), np.random.default_rng(16)
        used = [stop_at(rng.normal(-0.2, 0.4, 300), looks, margin=0.05) for _ in range(200)]
        assert np.mean([n for n, _ in used]) < 180
        assert {verdict for _, verdict in used} == {"PASS"}

    def test_no_variation_never_decides(self) -> None:
        assert stop_at(np.zeros(100), plan_looks(100, 2), margin=0.05) == (100, "CANNOT TELL")

    def test_anytime_is_wider_than_a_single_look(self) -> None:
        for n in (30, 150, 450):
            assert 1.6 < anytime_multiplier(n) / 1.645 < 2.0


class TestMultiBootstrap:
    def test_its_variance_has_the_closed_form(self) -> None:
        d_SI = np.random.default_rng(17).normal(size=(5, 60)) + np.linspace(0, 1, 5)[:, None]
        rng = np.random.default_rng(18)
        means = bootstrap_means(d_SI, item_weights(60, 60000, rng), seed_weights(5, 60000, rng))
        v = mean_squares(d_SI)
        expected = 59 / 60 * v.item + 4 / 5 * v.seed + 59 * 4 / (60 * 5) * v.both
        assert means.var() == pytest.approx(expected, rel=0.03)
        assert means.mean() == pytest.approx(d_SI.mean(), abs=0.01)

    def test_few_seeds_are_enumerated(self) -> None:
        weights = seed_weights(3, 27, np.random.default_rng(1))
        assert sorted(map(tuple, weights.astype(int).tolist())).count((1, 1, 1)) == 6
        assert (weights.sum(axis=1) == 3).all()

    def test_many_seeds_are_drawn(self) -> None:
        weights = seed_weights(12, 500, np.random.default_rng(1))
        assert weights.shape == (500, 12)
        assert (weights.sum(axis=1) == 12).all()

    def test_one_seed_has_no_interval(self) -> None:
        rng = np.random.default_rng(1)
        assert not bootstrap_interval(np.ones((1, 9)), lambda m_BS: m_BS.max(axis=1), rng=rng).defined

    def test_ranks_are_shares_and_equal_arms_take_turns(self) -> None:
        rng = np.random.default_rng(23)
        arms = [(rng.random((5, 80)) < 0.3).astype(float) for _ in range(3)]
        shares = rank_shares(arms, rng=np.random.default_rng(1))
        assert shares.sum(axis=0) == pytest.approx([1, 1, 1])
        assert shares.sum(axis=1) == pytest.approx([1, 1, 1])
        assert shares.max() < 0.95
        flipped = rank_shares(arms, rng=np.random.default_rng(1), worse="lower")
        assert flipped[:, 0] == pytest.approx(shares[:, 2], abs=0.05)

    def test_a_clear_order_is_sure(self) -> None:
        rng = np.random.default_rng(24)
        arms = [(rng.random((4, 200)) < rate).astype(float) for rate in (0.8, 0.1, 0.4)]
        assert rank_shares(arms, rng=rng).round(2).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


class TestCategories:
    def test_the_prior_is_found_again(self) -> None:
        rng = np.random.default_rng(19)
        truth = 0.02 * 8 / rng.chisquare(8, 4000)
        seen = truth * rng.chisquare(4, 4000) / 4
        prior = variance_prior(seen, 4)
        assert prior.df == pytest.approx(8, rel=0.15)
        assert prior.variance == pytest.approx(0.02, rel=0.1)

    def test_one_common_variance_gives_an_infinite_prior(self) -> None:
        # Estimates that scatter less than chance would make them: nothing speaks for different variances.
        prior = variance_prior(np.full(20, 0.02), 4)
        assert math.isinf(prior.df)
        moderated, df = prior.moderated(np.array([0.5]), 4)
        assert math.isinf(df)
        assert moderated[0] == prior.variance

    def test_moderation_lies_between(self) -> None:
        moderated, df = Prior(4, 1.0).moderated(np.array([0.2, 5.0]), 4)
        assert df == 8
        assert moderated.tolist() == pytest.approx([0.6, 3.0])

    def test_shrinking_beats_the_raw_effects(self) -> None:
        rng = np.random.default_rng(20)
        raw = shrunk = 0.0
        for _ in range(200):
            truth = rng.normal(0.1, 0.05, 20)
            seen = truth + rng.normal(0, 0.08, 20)
            raw += ((seen - truth) ** 2).mean()
            shrunk += ((shrink(seen, np.full(20, 0.08**2)).estimate_C - truth) ** 2).mean()
        assert shrunk < 0.6 * raw

    def test_three_categories_are_left_alone(self) -> None:
        effect = np.array([0.1, 0.5, 0.9])
        assert shrink(effect, np.full(3, 0.01)).estimate_C is effect

    def test_the_order_of_categories_does_not_matter(self) -> None:
        rng = np.random.default_rng(21)
        effect, variance, order = rng.normal(0, 0.1, 8), rng.uniform(0.001, 0.01, 8), rng.permutation(8)
        whole, moved = shrink(effect, variance), shrink(effect[order], variance[order])
        assert moved.estimate_C == pytest.approx(whole.estimate_C[order])
        assert moved.error_C == pytest.approx(whole.error_C[order])


class TestSpending:
    def test_the_split_is_a_minimum(self) -> None:
        design = Design(0.03, 0.148, 0.194)
        best = optimal_split(design, budget=50, seed_cost=10, item_cost=0.04)
        assert (best.n_items, best.n_seeds) == pytest.approx((204, 2.8), rel=0.02)
        for factor in (0.7, 1.4):
            items = best.n_items * factor
            seeds = 50 / (10 + items * 0.04)
            assert design.seed**2 / seeds + design.item**2 / items + design.both**2 / (seeds * items) > (
                best.standard_error**2
            )

    def test_costs_must_be_positive(self) -> None:
        with pytest.raises(ValueError, match="above 0"):
            optimal_split(Design(0.0, 0.1, 0.1), budget=1, seed_cost=1, item_cost=1)

    def test_levers_name_the_larger_part_first(self) -> None:
        budget = Budget(0.0, (Part("seed", 1e-6, 4), Part("item", 1e-3)), n_seeds=5, n_items=80)
        assert [lever.buys for lever in levers(budget)] == ["80 more items", "2 more training seeds"]
        assert levers(Budget(0.0, refused="one item")) == []
