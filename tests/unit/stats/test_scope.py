"""Claim scopes, ratios, flips, contrasts over many arms."""

import math

import numpy as np
import pytest

from aftertune.stats.budget import Budget, interval, limits
from aftertune.stats.effect import checkpoint_effect, recipe_effect
from aftertune.stats.facets import crossed_variance, influence, influence_variances, mean_squares
from aftertune.stats.factorial import effect_weights, factor_weights, trend_effect, trend_weights, weighted_contrast
from aftertune.stats.flips import flips, mcnemar
from aftertune.stats.ratios import jackknife_effect, log_odds_ratio, log_risk_ratio
from aftertune.stats.scope import Scope, sampling_variance, scoped_effect, with_judges
from aftertune.testing import draw


def _study(seed: int = 5, n_seeds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    study = draw(np.random.default_rng(seed), change=0.1, n_items=120, n_seeds=n_seeds, n_formats=3)
    return study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]


class TestScope:
    def test_the_standard_scopes_are_the_two_claims(self) -> None:
        arms = _study()
        assert scoped_effect(*arms, Scope()) == recipe_effect(*arms)
        assert scoped_effect(*arms, Scope(seed="fixed")) == checkpoint_effect(*arms)

    def test_random_formats_match_the_mean_square_formula(self) -> None:
        """t^2 MS_S + t^2 MS_F + z^2 max(MS_I - MS_IS - MS_IF + MS_ISF, 0), all over n."""
        y_SFI, y0_SFI = _study()
        d = y_SFI - y0_SFI
        n_s, n_f, n_i = d.shape
        m, n = d.mean(), d.size
        s, f, i = d.mean((1, 2)) - m, d.mean((0, 2)) - m, d.mean((0, 1)) - m
        sf = d.mean(2) - m - s[:, None] - f
        si = d.mean(1) - m - s[:, None] - i
        fi = d.mean(0) - m - f[:, None] - i
        sfi = d - m - s[:, None, None] - f[:, None] - i - sf[:, :, None] - si[:, None] - fi
        ms_s, ms_f = n_f * n_i * (s**2).sum() / (n_s - 1), n_s * n_i * (f**2).sum() / (n_f - 1)
        ms_i = n_s * n_f * (i**2).sum() / (n_i - 1)
        ms_si = n_f * (si**2).sum() / ((n_s - 1) * (n_i - 1))
        ms_fi = n_s * (fi**2).sum() / ((n_f - 1) * (n_i - 1))
        ms_sfi = (sfi**2).sum() / ((n_s - 1) * (n_f - 1) * (n_i - 1))
        budget = scoped_effect(y_SFI, y0_SFI, Scope(prompt_format="random"))
        parts = {part.source: part.variance for part in budget.parts}
        assert parts["seed"] == pytest.approx(ms_s / n)
        assert parts["prompt_format"] == pytest.approx(ms_f / n)
        assert parts["item"] == pytest.approx(max(ms_i - ms_si - ms_fi + ms_sfi, 0) / n)

    def test_one_format_cannot_stand_for_formats(self) -> None:
        y_SFI, y0_SFI = _study()
        budget = scoped_effect(y_SFI[:, :1], y0_SFI[:, :1], Scope(prompt_format="random"))
        assert "one prompt format" in budget.refused

    def test_fixed_items_drop_the_item_part(self) -> None:
        arms = _study()
        budget = scoped_effect(*arms, Scope(item="fixed"), sampling_variance=1e-4)
        assert [part.source for part in budget.parts] == ["seed", "sampling"]
        assert limits(budget, alpha=0.05)[0] > limits(recipe_effect(*arms), alpha=0.05)[0]

    def test_nothing_random_is_refused(self) -> None:
        budget = scoped_effect(*_study(), Scope(seed="fixed", item="fixed"))
        assert "nothing in this scope is random" in budget.refused

    def test_sampling_variance_bounds_what_is_unknown(self) -> None:
        assert sampling_variance(math.nan, 50) > sampling_variance(0.2, 50)

    def test_two_judges_cannot_stand_for_judges(self) -> None:
        assert with_judges(Budget(0.1), np.array([0.1, 0.2])).refused

    def test_words(self) -> None:
        assert Scope(item="fixed").words == "on average over retraining and on this benchmark as it is"
        assert Scope(seed="fixed").words == "on prompts like these; nothing is said about training again"


def test_crossed_variance_agrees_with_the_two_facet_sums() -> None:
    _, u_SI = influence(_study()[0])
    both = influence_variances(u_SI)
    assert crossed_variance(u_SI, (0,)) == pytest.approx(both.seed)
    assert crossed_variance(u_SI, (1,)) == pytest.approx(both.item)
    assert crossed_variance(u_SI, (0, 1)) == pytest.approx(both.both)
    assert math.isnan(crossed_variance(u_SI[:1], (0,)))


class TestRatios:
    def test_the_jackknife_of_a_difference_is_the_mean_square_formula(self) -> None:
        y_SFI, y0_SFI = _study()
        found = jackknife_effect(y_SFI, y0_SFI, lambda rate, against: rate - against)
        exact = recipe_effect(y_SFI, y0_SFI)
        checkpoint = checkpoint_effect(y_SFI, y0_SFI)
        parts = {part.source: part.variance for part in found.parts}
        assert found.estimate == pytest.approx(exact.estimate)
        assert parts["seed"] == pytest.approx(exact.parts[0].variance)
        assert parts["item"] == pytest.approx(checkpoint.parts[0].variance)

    def test_holes_and_clusters(self) -> None:
        y_SFI, y0_SFI = _study()
        y_SFI[np.random.default_rng(1).random(y_SFI.shape) < 0.1] = np.nan
        budget = jackknife_effect(y_SFI, y0_SFI, log_odds_ratio, cluster_I=np.arange(120) // 4)
        assert budget.n_clusters == 30
        assert interval(budget, level=0.95).defined

    def test_log_risk_ratio_covers(self) -> None:
        rng, hits = np.random.default_rng(12), 0
        for _ in range(200):
            study = draw(rng, change=0.1, n_items=150, n_seeds=4)
            arms = study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]
            budget = jackknife_effect(*arms, log_risk_ratio)
            low, high = limits(budget, alpha=0.05)
            hits += low <= math.log(0.35 / 0.25) <= high
        assert hits / 200 == pytest.approx(0.97, abs=0.05)

    def test_a_rate_of_zero_is_refused(self) -> None:
        budget = jackknife_effect(np.ones((3, 1, 9)), np.zeros((1, 1, 9)), log_risk_ratio)
        assert "undefined" in budget.refused

    def test_one_seed_is_refused_for_a_recipe_only(self) -> None:
        y_SFI, y0_SFI = _study(n_seeds=1)
        assert jackknife_effect(y_SFI, y0_SFI, log_risk_ratio).refused
        assert not jackknife_effect(y_SFI, y0_SFI, log_risk_ratio, recipe=False).refused


class TestFlips:
    def test_the_net_of_both_flows_is_the_change(self) -> None:
        y_SFI, y0_SFI = _study()
        found = flips(y_SFI, y0_SFI[0])
        net = found.gained.estimate - found.lost.estimate
        assert net == pytest.approx(recipe_effect(y_SFI, y0_SFI).estimate)
        assert found.gained.low < found.gained.estimate < found.gained.high

    def test_no_flips_have_a_width(self) -> None:
        found = flips(np.zeros((1, 1, 100)), np.zeros((1, 100)))
        assert found.lost.estimate == 0
        assert found.lost.high == pytest.approx(0.037, abs=2e-3)

    @pytest.mark.parametrize(("gained", "lost"), [(5, 0), (7, 3), (4, 4), (0, 1), (40, 20)])
    def test_mcnemar_is_the_binomial_test(self, gained: int, lost: int) -> None:
        from scipy.stats import binomtest

        assert mcnemar(gained, lost) == pytest.approx(binomtest(gained, gained + lost).pvalue)
        assert mcnemar(0, 0) == 1


class TestManyArms:
    def test_two_arms_are_the_recipe_effect(self) -> None:
        y_SFI, y0_SFI = _study()
        found, exact = weighted_contrast([y_SFI, y0_SFI], [1, -1]), recipe_effect(y_SFI, y0_SFI)
        assert found.estimate == pytest.approx(exact.estimate)
        for part, other in zip(found.parts, exact.parts, strict=True):
            assert part.variance == pytest.approx(other.variance)
        assert found.parts[0].df == pytest.approx(3)

    def test_checkpoints_only(self) -> None:
        y_SFI, y0_SFI = _study(n_seeds=1)
        found = weighted_contrast([y_SFI, y0_SFI], [1, -1], recipe=False)
        assert found.parts[0].variance == pytest.approx(checkpoint_effect(y_SFI, y0_SFI).parts[0].variance)
        assert weighted_contrast([y_SFI, y0_SFI], [1, -1]).refused

    def test_main_effect_and_interaction_cover_their_truth(self) -> None:
        """Four arms cut from one draw of 12 seeds have no effect at all."""
        levels = [{"a": bool(code & 1), "b": bool(code & 2)} for code in range(4)]
        rng, hits = np.random.default_rng(13), {"a": 0, "a x b": 0}
        for _ in range(200):
            y_SFI = draw(rng, change=0.05, n_items=150, n_seeds=12).tuned_SFIR[..., 0]
            arms = [y_SFI[start : start + 3] for start in (0, 3, 6, 9)]
            for name in hits:
                weights = factor_weights(levels, name.split(" x "))
                low, high = limits(weighted_contrast(arms, weights), alpha=0.05)
                hits[name] += low <= 0 <= high
        assert all(0.90 < hit / 200 <= 1 for hit in hits.values())

    def test_a_factor_that_never_changes_is_refused(self) -> None:
        with pytest.raises(ValueError, match="same side"):
            factor_weights([{"a": True}, {"a": True}], ["a"])

    def test_the_slope_over_rounds(self) -> None:
        rates = np.array([0.1, 0.3, 0.5])
        assert np.dot(trend_weights([0, 1, 2]), rates) == pytest.approx(0.2)

    def test_least_squares_is_the_textbook_contrast_where_arms_are_balanced(self) -> None:
        levels = [{"a": bool(code & 1), "b": bool(code & 2), "c": bool(code & 4)} for code in range(8)]
        for effect in (["a"], ["c"], ["a", "b"], ["b", "c"]):
            assert effect_weights(levels, effect) == pytest.approx(factor_weights(levels, effect))

    def test_an_unbalanced_design_is_not_confounded(self) -> None:
        """Without the both-on arm, plain means of on and off mix the factors; least squares does not."""
        levels = [{"a": False, "b": False}, {"a": True, "b": False}, {"a": False, "b": True}]
        rates = np.array([0.1, 0.1, 0.5])  # b does everything, a nothing
        assert np.dot(effect_weights(levels, ["a"], interactions=False), rates) == pytest.approx(0)
        assert np.dot(factor_weights(levels, ["a"]), rates) == pytest.approx(-0.2)
        for effect, interactions in ((["a"], True), (["a", "b"], True)):
            with pytest.raises(ValueError, match="cannot tell"):
                effect_weights(levels, effect, interactions=interactions)
        with pytest.raises(ValueError, match="no such effect"):
            effect_weights(levels, ["a", "b"], interactions=False)

    def test_a_trend_over_two_rounds_is_the_difference_of_the_same_runs(self) -> None:
        y_SFI, _ = _study()
        other_SFI = np.random.default_rng(3).permutation(y_SFI, axis=2)
        found = trend_effect(np.stack([y_SFI, other_SFI]), [1, 2])
        d_SI = (other_SFI - y_SFI).mean(axis=1)
        squares = mean_squares(d_SI)
        assert found.estimate == pytest.approx(d_SI.mean())
        assert [part.variance for part in found.parts] == pytest.approx([squares.seed, squares.item_only])

    def test_turning_the_rounds_round_flips_the_sign(self) -> None:
        y_SFI, _ = _study()
        y_RSFI = np.stack([y_SFI, 1 - y_SFI, y_SFI])
        y_RSFI[1, :, :, ::3] = np.nan
        there, back = trend_effect(y_RSFI[:2], [1, 2]), trend_effect(y_RSFI[1::-1], [1, 2])
        assert there.estimate == pytest.approx(-back.estimate)
        assert limits(there, alpha=0.05)[0] == pytest.approx(-limits(back, alpha=0.05)[1])


class TestSeedsWithoutValues:
    """A training seed without a value is no replication, in any estimator."""

    def test_they_do_not_count(self) -> None:
        y_SFI, y0_SFI = _study()
        empty = np.full((1, *y_SFI.shape[1:]), np.nan)
        more_SFI = np.concatenate([y_SFI, empty])
        for effect in (
            recipe_effect,
            lambda y, y0: scoped_effect(y, y0, Scope(prompt_format="random")),
            lambda y, y0: jackknife_effect(y, y0, log_risk_ratio),
            lambda y, y0: weighted_contrast([y, y0], [1, -1]),
            lambda y, y0: trend_effect(np.stack([y, 1 - y]), [1, 2]),
        ):
            plain, padded = effect(y_SFI, y0_SFI), effect(more_SFI, y0_SFI)
            assert limits(padded, alpha=0.05) == pytest.approx(limits(plain, alpha=0.05))
