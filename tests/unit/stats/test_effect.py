"""Effects: invariances, edges, and agreement of the two computing paths."""

import math
from dataclasses import astuple

import numpy as np
import pytest

from aftertune.stats.budget import Budget, Part, half_widths, interval, limits, p_value
from aftertune.stats.effect import checkpoint_effect, rate_interval, recipe_effect
from aftertune.stats.facets import by_cluster, influence, influence_variances, mean_squares
from aftertune.stats.quantiles import two_sided
from aftertune.stats.rates import checkpoint_rates
from aftertune.testing import draw


def _study(n_seeds: int = 4, n_items: int = 90, n_formats: int = 3, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    study = draw(rng, change=0.1, n_items=n_items, n_seeds=n_seeds, n_formats=n_formats)
    return study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]


def _numbers(budget: Budget) -> list[float]:
    return [budget.estimate, *limits(budget, alpha=0.05)]


class TestTwoPaths:
    def test_influence_equals_mean_squares_on_a_complete_table(self) -> None:
        y_SFI, _ = _study()
        _, u_SI = influence(y_SFI)
        assert astuple(influence_variances(u_SI)) == pytest.approx(astuple(mean_squares(y_SFI.mean(axis=1))))

    def test_recipe_effect_equals_the_closed_form(self) -> None:
        y_SFI, y0_SFI = _study()
        d_SI = y_SFI.mean(axis=1) - y0_SFI[0].mean(axis=0)
        squares = mean_squares(d_SI)
        t2, z2 = two_sided(0.05, 3) ** 2, two_sided(0.05, math.inf) ** 2
        half = math.sqrt(t2 * squares.seed + z2 * squares.item_only)
        found = interval(recipe_effect(y_SFI, y0_SFI), level=0.95)
        assert (found.low, found.high) == pytest.approx((d_SI.mean() - half, d_SI.mean() + half))
        assert sum(found.parts.values()) == pytest.approx(half**2)

    def test_checkpoint_effect_equals_the_paired_t_statistic(self) -> None:
        y_SFI, y0_SFI = _study(n_seeds=1, n_formats=1)
        d_I = y_SFI[0, 0] - y0_SFI[0, 0]
        found = checkpoint_effect(y_SFI, y0_SFI)
        assert found.parts[0].variance == pytest.approx(d_I.var(ddof=1) / len(d_I))

    def test_clusters_of_one_item_change_nothing(self) -> None:
        y_SFI, y0_SFI = _study()
        alone = recipe_effect(y_SFI, y0_SFI)
        labelled = recipe_effect(y_SFI, y0_SFI, cluster_I=np.random.default_rng(0).permutation(90))
        assert _numbers(labelled) == pytest.approx(_numbers(alone))

    def test_summed_clusters_equal_cluster_means_when_sizes_agree(self) -> None:
        y_SFI, y0_SFI = _study()
        labels = np.repeat(np.arange(45), 2)
        by_pairs = recipe_effect(y_SFI, y0_SFI, cluster_I=labels)
        y_SFG, y0_SFG = (values.reshape(-1, 3, 45, 2).mean(axis=3) for values in (y_SFI, y0_SFI))
        by_means = recipe_effect(y_SFG, y0_SFG)
        variances = [[part.variance for part in budget.parts] for budget in (by_pairs, by_means)]
        assert variances[0] == pytest.approx(variances[1])


class TestInvariances:
    def test_order_of_items_seeds_and_formats_does_not_matter(self) -> None:
        y_SFI, y0_SFI = _study()
        rng = np.random.default_rng(1)
        items, seeds, formats = rng.permutation(90), rng.permutation(4), rng.permutation(3)
        moved = recipe_effect(y_SFI[seeds][:, formats][:, :, items], y0_SFI[:, formats][:, :, items])
        assert _numbers(moved) == pytest.approx(_numbers(recipe_effect(y_SFI, y0_SFI)))

    @pytest.mark.parametrize("effect", [recipe_effect, checkpoint_effect])
    def test_swapping_two_tuned_arms_flips_the_sign(self, effect: object) -> None:
        (y_SFI, _), (other_SFI, _) = _study(), _study(seed=6)
        there = _numbers(effect(y_SFI, other_SFI, against_seeded=True))  # type: ignore[operator]
        back = _numbers(effect(other_SFI, y_SFI, against_seeded=True))  # type: ignore[operator]
        assert there == pytest.approx([-back[0], -back[2], -back[1]])

    def test_swapping_yes_and_no_flips_the_sign(self) -> None:
        y_SFI, y0_SFI = _study()
        there, back = _numbers(recipe_effect(y_SFI, y0_SFI)), _numbers(recipe_effect(1 - y_SFI, 1 - y0_SFI))
        assert there == pytest.approx([-back[0], -back[2], -back[1]])

    def test_swapping_yes_and_no_flips_the_sign_of_rare_events_too(self) -> None:
        y_SFI, y0_SFI = _study(n_items=40, n_formats=1)
        assert recipe_effect(y_SFI, y0_SFI).score is not None
        there, back = _numbers(recipe_effect(y_SFI, y0_SFI)), _numbers(recipe_effect(1 - y_SFI, 1 - y0_SFI))
        assert there == pytest.approx([-back[0], -back[2], -back[1]])


class TestTwoRecipes:
    def test_equal_numbers_of_seeds_share_welchs_degrees_of_freedom(self) -> None:
        (y_SFI, _), (other_SFI, _) = _study(), _study(seed=6)
        seed, against, _ = recipe_effect(y_SFI, other_SFI, against_seeded=True).parts
        assert seed.df == against.df
        assert 3 <= seed.df <= 6

    def test_unequal_or_two_seeds_keep_their_own(self) -> None:
        (y_SFI, _), (other_SFI, _) = _study(), _study(seed=6)
        for first, second in ((4, 3), (2, 2)):
            budget = recipe_effect(y_SFI[:first], other_SFI[:second], against_seeded=True)
            assert [part.df for part in budget.parts][:2] == [first - 1, second - 1]


class TestMissing:
    def test_losing_cells_keeps_the_mix_of_formats(self) -> None:
        y_SFI = np.zeros((2, 2, 10))
        y_SFI[:, 1] = 1.0
        y_SFI[0, 0, :8] = np.nan
        rate, u_SI = influence(y_SFI)
        assert rate == 0.5
        assert np.all(u_SI == 0)

    def test_holes_at_random_widen_the_interval_a_little(self) -> None:
        y_SFI, y0_SFI = _study(n_items=400)
        whole = interval(recipe_effect(y_SFI, y0_SFI), level=0.95)
        y_SFI[np.random.default_rng(2).random(y_SFI.shape) < 0.15] = np.nan
        holed = interval(recipe_effect(y_SFI, y0_SFI), level=0.95)
        assert holed.estimate == pytest.approx(whole.estimate, abs=0.02)
        assert 0.7 < (holed.high - holed.low) / (whole.high - whole.low) < 1.4

    def test_a_format_without_values_is_refused(self) -> None:
        y_SFI, y0_SFI = _study()
        y_SFI[:, 1] = np.nan
        with pytest.raises(ValueError, match="leave that format out"):
            recipe_effect(y_SFI, y0_SFI)

    def test_shapes_must_agree(self) -> None:
        with pytest.raises(ValueError, match="want"):
            recipe_effect(np.zeros((2, 1, 5)), np.zeros((1, 1, 4)))


class TestEdges:
    def test_one_seed_refuses_the_recipe_and_not_the_checkpoint(self) -> None:
        y_SFI, y0_SFI = _study(n_seeds=1)
        assert "one training seed" in interval(recipe_effect(y_SFI, y0_SFI), level=0.95).reason
        assert not interval(recipe_effect(y_SFI, y0_SFI), level=0.95).defined
        assert interval(checkpoint_effect(y_SFI, y0_SFI), level=0.95).defined

    def test_one_seed_on_the_other_side_refuses_too(self) -> None:
        y_SFI, y0_SFI = _study()
        assert recipe_effect(y_SFI, y0_SFI, against_seeded=True).refused
        assert not recipe_effect(y_SFI, y0_SFI, against_seeded=False).refused

    def test_one_item_gives_a_reason_and_no_limits(self) -> None:
        for effect in (recipe_effect, checkpoint_effect):
            found = interval(effect(np.ones((3, 1, 1)), np.zeros((1, 1, 1))), level=0.95)
            assert not found.defined
            assert found.reason == "one item"

    def test_seeds_that_agree_everywhere_refuse_the_recipe(self) -> None:
        y_SFI, y0_SFI = _study(n_items=300)
        copies = np.repeat(y_SFI[:1], 4, axis=0)
        assert "identical outcomes" in recipe_effect(copies, y0_SFI).refused

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_a_floor_or_ceiling_has_a_width(self, value: float) -> None:
        for effect in (recipe_effect, checkpoint_effect):
            found = interval(effect(np.full((3, 1, 100), value), np.full((1, 1, 100), value)), level=0.95)
            assert found.low < 0 < found.high
            assert found.high == pytest.approx(0.037, abs=5e-3)

    def test_no_change_anywhere_has_a_width(self) -> None:
        y0_SFI = (np.arange(100) % 2).astype(float)[None, None]
        found = interval(recipe_effect(np.repeat(y0_SFI, 3, axis=0), y0_SFI), level=0.95)
        assert -0.06 < found.low < 0 < found.high < 0.06
        assert "no outcome changed" in found.reason

    def test_a_constant_graded_shift_gives_no_limits(self) -> None:
        found = interval(checkpoint_effect(np.full((1, 1, 50), 0.75), np.full((1, 1, 50), 0.5)), level=0.95)
        assert found.estimate == 0.25
        assert not found.defined
        assert "nothing varied" in found.reason

    def test_few_clusters_take_students_t(self) -> None:
        y_SFI, y0_SFI = _study()
        few = checkpoint_effect(y_SFI, y0_SFI, cluster_I=np.arange(90) % 12)
        assert few.parts[0].df == 11
        assert checkpoint_effect(y_SFI, y0_SFI).parts[0].df == math.inf

    def test_rare_events_never_narrow_the_interval(self) -> None:
        y_SFI = (np.random.default_rng(4).random((3, 1, 200)) < 0.02).astype(float)
        budget = recipe_effect(y_SFI, np.zeros((1, 1, 200)))
        plain = Budget(budget.estimate, budget.parts)
        wide, narrow = limits(budget, alpha=0.05), limits(plain, alpha=0.05)
        assert wide[0] <= narrow[0]
        assert wide[1] >= narrow[1]
        found = interval(budget, level=0.95)
        reach = max(found.high - found.estimate, found.estimate - found.low)
        assert sum(found.parts.values()) == pytest.approx(reach**2)

    def test_rate_interval_is_within_bounds(self) -> None:
        found = rate_interval((np.random.default_rng(3).random((1, 2, 50)) < 0.03).astype(float))
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert not rate_interval(np.ones((1, 1, 1))).defined


class TestBudget:
    def test_p_value_inverts_the_interval(self) -> None:
        budget = recipe_effect(*_study())
        p = p_value(budget)
        low, high = limits(budget, alpha=p)
        assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-6)

    def test_p_value_inverts_the_score_rule_too(self) -> None:
        budget = recipe_effect(*_study(n_items=40, n_formats=1))
        assert budget.score is not None
        low, high = limits(budget, alpha=p_value(budget))
        assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-6)

    def test_p_value_is_one_at_the_estimate_and_tiny_far_away(self) -> None:
        budget = Budget(0.2, (Part("item", 1e-6),))
        assert p_value(budget, null=0.2) == pytest.approx(1)
        assert p_value(budget) <= 1e-12

    def test_p_value_of_a_refused_claim_is_undefined(self) -> None:
        assert math.isnan(p_value(Budget(0.2, refused="one training seed")))

    def test_parts_keep_their_own_multipliers(self) -> None:
        budget = Budget(0.0, (Part("seed", 1.0, 2), Part("item", 1.0)))
        assert half_widths(budget, alpha=0.05) == pytest.approx({"seed": 18.513, "item": 3.8415}, abs=1e-3)

    def test_by_cluster_adds_up(self) -> None:
        assert by_cluster(np.ones((2, 5)), np.array([0, 1, 1, 2, 2])).tolist() == [[1, 2, 2], [1, 2, 2]]


class TestManyRates:
    def test_they_equal_the_rates_one_by_one(self) -> None:
        y_SFI, _ = _study()
        y_SFI[np.random.default_rng(7).random(y_SFI.shape) < 0.2] = np.nan
        y_SFI[2, :, :] = 0.0
        labels = np.arange(90) // 3
        found = checkpoint_rates(y_SFI, cluster_I=labels)
        for s in range(4):
            one = rate_interval(y_SFI[s : s + 1], cluster_I=labels)
            assert (found.rate_S[s], found.low_S[s], found.high_S[s]) == pytest.approx(
                (one.estimate, one.low, one.high)
            )

    def test_no_values_and_one_cluster_have_no_limits(self) -> None:
        found = checkpoint_rates(np.array([[[np.nan, np.nan]], [[1.0, np.nan]]]), cluster_I=np.array([0, 1]))
        assert math.isnan(found.rate_S[0])
        assert found.rate_S[1] == 1.0
        assert np.isnan(found.low_S).all()
