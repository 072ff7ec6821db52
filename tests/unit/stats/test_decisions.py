"""Verdicts, plans, replication: what the numbers are turned into."""

import math

import numpy as np
import pytest

from aftertune.stats.budget import Budget, Interval, Part, limits
from aftertune.stats.design import (
    Design,
    advice,
    design_of,
    detection_power,
    items_for_gate,
    minimum_detectable_effect,
    seeds_for_gate,
)
from aftertune.stats.noise import noise_floor
from aftertune.stats.replication import bad_seed_bound, new_run_interval, replication_probability
from aftertune.stats.sentences import sentence
from aftertune.stats.verdict import Verdict, equivalent, verdict

MAIN = {f"{points} pts": Design(points / 100, 0.148, 0.194) for points in (1, 3, 6)}


def _budget(estimate: float, sd: float = 0.01) -> Budget:
    return Budget(
        estimate, (Part("seed", sd**2 / 2, 4), Part("item", sd**2 / 2)), n_seeds=5, n_items=200, n_clusters=200
    )


class TestVerdict:
    @pytest.mark.parametrize(
        ("estimate", "expected"), [(0.0, "PASS"), (0.05, "CANNOT TELL"), (0.2, "FAIL"), (-0.3, "PASS")]
    )
    def test_three_ways(self, estimate: float, expected: str) -> None:
        assert verdict(_budget(estimate), margin=0.05, worse="higher") == expected

    @pytest.mark.parametrize(("estimate", "expected"), [(0.3, "PASS"), (-0.05, "CANNOT TELL"), (-0.2, "FAIL")])
    def test_lower_can_be_worse(self, estimate: float, expected: str) -> None:
        assert verdict(_budget(estimate), margin=0.05, worse="lower") == expected

    def test_it_is_one_sided_at_its_level(self) -> None:
        budget = _budget(0.0)
        upper = limits(budget, alpha=0.10)[1]
        assert verdict(budget, margin=upper + 1e-9, worse="higher") == Verdict.PASS
        assert verdict(budget, margin=upper - 1e-9, worse="higher") == Verdict.CANNOT_TELL

    def test_a_refused_claim_cannot_tell(self) -> None:
        assert verdict(Budget(0.9, refused="one seed"), margin=0.05, worse="higher") == Verdict.CANNOT_TELL
        assert not equivalent(Budget(0.0, refused="one seed"), margin=0.05)

    def test_equivalence_needs_both_sides(self) -> None:
        assert equivalent(_budget(0.0), margin=0.05)
        assert not equivalent(_budget(-0.2), margin=0.05)


class TestDesign:
    """Against docs/validation/verdict.md: how often the rule passes at no change."""

    @pytest.mark.parametrize(
        ("n_seeds", "spread", "passes"),
        [(3, 0.028, 54.6), (3, 0.056, 28.8), (5, 0.028, 85.5), (5, 0.056, 48.5), (10, 0.056, 75.7)],
    )
    def test_planned_power_is_what_simulation_finds(self, n_seeds: int, spread: float, passes: float) -> None:
        design = Design(spread, 0.148, 0.194)
        planned = detection_power(design, 0.05, n_seeds=n_seeds, n_items=450, alpha=0.1)
        assert 100 * planned == pytest.approx(passes, abs=4)

    @pytest.mark.parametrize(
        ("n_seeds", "spread", "points"),
        [
            (5, "3 pts", 5.2),
            (5, "6 pts", 10.1),
            (10, "1 pts", 2.3),
            (10, "3 pts", 3.6),
            (20, "3 pts", 2.8),
            (20, "6 pts", 4.4),
        ],
    )
    def test_minimum_detectable_effect_nears_satterthwaites(self, n_seeds: int, spread: str, points: float) -> None:
        found = minimum_detectable_effect(MAIN[spread], n_seeds=n_seeds, n_items=450)
        assert 100 * found == pytest.approx(points, rel=0.08)

    @pytest.mark.parametrize(
        ("spread", "margin", "seeds"),
        [
            ("1 pts", 0.02, 13),
            ("3 pts", 0.02, 65),
            ("1 pts", 0.03, 4),
            ("3 pts", 0.03, 12),
            ("3 pts", 0.05, 5),
            ("6 pts", 0.05, 12),
        ],
    )
    def test_seeds_for_a_gate(self, spread: str, margin: float, seeds: int) -> None:
        assert seeds_for_gate(MAIN[spread], margin, n_items=450) == pytest.approx(seeds, rel=0.05)

    def test_power_grows_with_the_change(self) -> None:
        changes = (0.0, 0.03, 0.1, 0.9)
        powers = [detection_power(MAIN["3 pts"], change, n_seeds=5, n_items=450) for change in changes]
        assert powers == sorted(powers)
        assert powers[-1] == pytest.approx(1)

    def test_out_of_reach_is_none(self) -> None:
        assert seeds_for_gate(Design(0.5, 0.1, 0.1), 0.01, n_items=100) is None
        assert items_for_gate(0.5, 0.0) is None
        assert items_for_gate(0.5, 1e-4) is None

    def test_items_for_a_gate_reach_the_power(self) -> None:
        n = items_for_gate(0.3, 0.05)
        assert n is not None
        rng = np.random.default_rng(8)
        means = rng.normal(0, 0.3 / math.sqrt(n), 20000)
        assert np.mean(means + 1.6449 * 0.3 / math.sqrt(n) < 0.05) == pytest.approx(0.8, abs=0.015)

    def test_design_is_read_back_from_a_budget(self) -> None:
        design = design_of(_budget(0.0))
        assert design.variance(5, 200) == pytest.approx(0.01**2)

    @pytest.mark.parametrize(
        ("budget", "words"),
        [
            (Budget(0.0, refused="one training seed", n_seeds=1), "at least 3 seeds"),
            (_budget(0.02, sd=0.012), "training seeds"),
            (_budget(0.0499, sd=0.03), "Too close to the margin"),
            (Budget(0.04, (Part("item", 0.001),), n_items=100, n_clusters=50), "items would decide"),
            (Budget(0.05, (Part("item", 0.001),), n_items=100, n_clusters=50), "Choose another margin"),
            (Budget(0.0, refused="one item", n_seeds=3), ""),
        ],
    )
    def test_advice(self, budget: Budget, words: str) -> None:
        said = advice(budget, margin=0.05, worse="higher")
        assert words in said
        assert bool(said) == bool(words)


class TestReplication:
    def test_a_sure_verdict_repeats_and_a_close_one_may_not(self) -> None:
        def chance(estimate: float) -> float:
            return replication_probability(_budget(estimate), margin=0.05, worse="higher", rng=np.random.default_rng(1))

        assert chance(-0.6) == 1.0
        assert 0.3 < chance(0.03) < 0.95

    def test_refused_or_seedless_claims_have_none(self) -> None:
        for budget in (Budget(0.1, refused="one seed"), Budget(0.1, (Part("item", 0.01),))):
            found = replication_probability(budget, margin=0.05, worse="higher", rng=np.random.default_rng(1))
            assert math.isnan(found)

    def test_new_run_interval_covers_a_new_run(self) -> None:
        rng = np.random.default_rng(9)
        hits = []
        for _ in range(4000):
            runs = rng.normal(0.1, 0.03, 4)
            found = new_run_interval(runs[:3])
            hits.append(found.low <= runs[3] <= found.high)
        assert np.mean(hits) == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 4000))

    def test_new_run_interval_needs_a_spread(self) -> None:
        assert not new_run_interval(np.array([0.1])).defined
        assert not new_run_interval(np.array([0.1, 0.1])).defined

    def test_bad_seed_bound(self) -> None:
        assert [round(100 * bad_seed_bound(n)) for n in (3, 5, 10, 20)] == [63, 45, 26, 14]


def test_noise_floor_is_the_typical_gap_between_repeats() -> None:
    rng = np.random.default_rng(10)
    floors = [noise_floor((rng.random((8, 100)) < 0.3).astype(float)) for _ in range(300)]
    assert np.mean(floors) == pytest.approx(math.sqrt(2 * 0.3 * 0.7 / 100), rel=0.05)
    assert math.isnan(noise_floor(np.ones((1, 5))))


class TestSentence:
    def _say(self, effect: Interval, claim: str, **other: object) -> str:
        return sentence(
            effect,
            claim=claim,
            arm="a",
            against=other.pop("against", None),  # type: ignore[arg-type]
            rate="refusal rate",
            benchmark="b",
            **other,
        )  # type: ignore[arg-type]

    def test_it_says_the_scope(self) -> None:
        effect = Interval(0.1, 0.05, 0.15, 0.9, n_seeds=3, n_items=50)
        assert "on average over retraining" in self._say(effect, "recipe")
        assert "nothing is said about training again" in self._say(effect, "checkpoint")
        assert "These checkpoints of `a` raise" in self._say(effect, "checkpoint")
        assert "90 % interval 5.0 to 15.0; 3 training seeds, 50 items" in self._say(effect, "recipe")

    def test_one_checkpoint_is_singular(self) -> None:
        said = self._say(Interval(-0.1, -0.15, -0.05, 0.95, n_seeds=1, n_items=50), "checkpoint")
        assert said.startswith("This checkpoint of `a` lowers")

    def test_noise_is_called_noise(self) -> None:
        said = self._say(Interval(0.01, -0.05, 0.07, 0.95, n_seeds=3, n_items=50), "recipe")
        assert "cannot be told from no change (95 % interval -5.0 to +7.0" in said

    def test_refusal_is_said(self) -> None:
        effect = Interval(0.1, math.nan, math.nan, 0.95, n_seeds=1, n_items=50, reason="one seed")
        said = self._say(effect, "recipe")
        assert said.startswith("No recipe claim about `a`")
        assert "one seed" in said

    def test_two_tuned_arms(self) -> None:
        effect = Interval(0.1, 0.05, 0.15, 0.95, n_seeds=3, n_items=50)
        said = self._say(effect, "recipe", against="plain", n_seeds_against=4)
        assert "recipe `a`, compared with `plain`, raises" in said
        assert "3 and 4 training seeds" in said
