"""Two-sided coverage and size of the claims beyond the headline; seeded, four binomial standard errors."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.special import expit

from aftertune.stats.budget import Budget, Part, limits, p_value
from aftertune.stats.categories import recipe_by_category
from aftertune.stats.components import variance_components
from aftertune.stats.effect import checkpoint_effect, rate_interval, recipe_effect
from aftertune.stats.facets import mean_squares
from aftertune.stats.factorial import effect_weights, weighted_contrast
from aftertune.stats.flips import flips, mcnemar
from aftertune.stats.multi_bootstrap import bootstrap_interval, rank_shares
from aftertune.stats.multiplicity import benjamini_hochberg, holm
from aftertune.stats.noise import noise_floor
from aftertune.stats.replication import bad_seed_bound, new_run_interval, replication_probability
from aftertune.stats.scope import Scope, scoped_effect, with_judges
from aftertune.stats.sequential import SeedLooks, plan_seed_looks, stop_at_seeds
from aftertune.stats.spending import levers
from aftertune.stats.verdict import Verdict, equivalent, verdict
from aftertune.testing import Effects, draw
from aftertune.testing.simulate import Model
from tests_support.coverage import coverage, inside

Pair = tuple[np.ndarray, np.ndarray]


def _study(rng: np.random.Generator, n_seeds: int, change: float = 0.0, n_items: int = 150, **effects: float) -> Pair:
    study = draw(rng, change=change, n_items=n_items, n_seeds=n_seeds, effects=Effects(**effects))
    return study.tuned_SFIR[..., 0], study.initial_FIR[None, ..., 0]


def _walk(rng: np.random.Generator, n_seeds: int, spread: float = 0.03) -> list[Budget]:
    """Budgets of a walk over training seeds with no noise but theirs, at 3, 5 and all seeds."""
    effect_S = 0.05 + rng.normal(0, spread, n_seeds)
    return [
        Budget(float(effect_S[:n].mean()), (Part("seed", float(effect_S[:n].var(ddof=1)) / n, n - 1),), n_seeds=n)
        for n in (3, 5, n_seeds)
    ]


def test_p_values_are_as_small_as_often_as_they_say() -> None:
    rng, n = np.random.default_rng(61), 400
    recipe = np.array([p_value(recipe_effect(*_study(rng, 5, seed=0.6))) for _ in range(n)])
    one = np.array([p_value(checkpoint_effect(*_study(rng, 1, seed=0.0, seed_format=0.0))) for _ in range(n)])
    for p in (recipe, one):
        assert inside(float((p <= 0.05).mean()), 0.03, 0.055, n)
        assert inside(float((p <= 0.5).mean()), 0.42, 0.52, n)


def test_equivalence_keeps_its_size_and_has_power() -> None:
    rng, n = np.random.default_rng(62), 300
    found = {}
    for change in (-0.05, 0.0, 0.05):
        studies = (recipe_effect(*_study(rng, 5, change, 600, seed=0.1)) for _ in range(n))
        found[change] = float(np.mean([equivalent(budget, margin=0.05) for budget in studies]))
    assert inside(found[-0.05], 0.02, 0.06, n)
    assert inside(found[0.05], 0.02, 0.06, n)
    assert found[0.0] > 0.6


def test_families_keep_their_promises() -> None:
    rng, n, any_false, share = np.random.default_rng(63), 150, {"none": 0, "holm": 0}, []
    for _ in range(n):
        model = Model.drawn(rng, Effects(), 0.25, 1)
        eta_FI, cluster_I = model.items(rng, 100, 1)
        initial = (rng.random((1, *eta_FI.shape)) < expit(eta_FI)).astype(float)
        tuned = [model.tuned(rng, eta_FI, cluster_I, change, 5) for change in (0, 0, 0, 0, 0, 0.15, 0.15, 0.15)]
        p = np.array([p_value(recipe_effect((rng.random(e.shape) < expit(e)).astype(float), initial)) for e in tuned])
        any_false["none"] += bool((p[:5] <= 0.05).any())
        any_false["holm"] += bool((holm(p)[:5] <= 0.05).any())
        called = benjamini_hochberg(p) <= 0.05
        share.append((called[:5].sum() / max(called.sum(), 1), called[5:].mean()))
    assert any_false["holm"] / n <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / n)
    assert any_false["none"] / n > 0.08  # which is why they are adjusted
    false, found = np.mean(share, axis=0)
    assert false <= 0.08
    assert found > 0.3


@pytest.mark.parametrize("looks", [(3, 5, 10), (3, 5)])
def test_looks_over_seeds_keep_their_size_and_peeking_does_not(looks: tuple[int, ...]) -> None:
    rng, n = np.random.default_rng([64, len(looks)]), 4000
    plan, greedy = plan_seed_looks(looks), SeedLooks(looks, (0.05,) * len(looks))
    kinds = [[], []]
    for _ in range(n):
        budgets = _walk(rng, looks[-1])[: len(looks)]
        for kind, chosen in zip(kinds, (plan, greedy), strict=True):
            kind.append(stop_at_seeds(budgets, chosen, margin=0.05, worse="higher")[1])
    for word in (Verdict.PASS, Verdict.FAIL):
        assert inside(kinds[0].count(word) / n, 0.045, 0.056, n)
        assert kinds[1].count(word) / n > 0.07


def test_looks_over_seeds_stop_early_far_from_the_margin() -> None:
    rng, n = np.random.default_rng(65), 60
    plan, used, words = plan_seed_looks((3, 5, 10)), [], []
    for _ in range(n):
        y, y0 = _study(rng, 10, 0.0, 300, seed=0.1)
        budgets = (recipe_effect(y[:s], y0) for s in plan.n_seeds)
        stop, word = stop_at_seeds(budgets, plan, margin=0.1, worse="higher")
        used.append(stop)
        words.append(word)
    assert words.count(Verdict.PASS) > 0.9 * n
    assert 3 <= np.mean(used) < 6


@pytest.mark.parametrize("looks", [(), (1, 3), (5, 3), (3, 3)])
def test_looks_over_seeds_must_increase(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must increase"):
        plan_seed_looks(looks)


def _categories(rng: np.random.Generator, n_seeds: int, common: float, own: float) -> Iterator[tuple[Budget, float]]:
    """Ten categories of 40 items; seeds move all of them together and each by itself."""
    truth_C = rng.normal(0.05, 0.05, 10)
    moved_SC = rng.normal(0, common, (n_seeds, 1)) + rng.normal(0, own, (n_seeds, 10))
    noise = rng.normal(0, 0.3, 400) + rng.normal(0, 0.3, (n_seeds, 400))
    d_CSI = np.stack(np.split(np.repeat(truth_C + moved_SC, 40, axis=1) + noise, 10, axis=1))
    item_C = np.array([mean_squares(d_SI).item_only for d_SI in d_CSI])
    budgets = recipe_by_category(d_CSI.mean(axis=2).T, item_C, np.full(10, 40))
    return zip(budgets, truth_C.tolist(), strict=True)


@pytest.mark.parametrize("n_seeds", [3, 5])
@pytest.mark.parametrize(("common", "own"), [(0.0, 0.05), (0.05, 0.0), (0.03, 0.05)])
def test_recipe_claims_per_category_cover(n_seeds: int, common: float, own: float) -> None:
    rng = np.random.default_rng([66, n_seeds, int(100 * common), int(100 * own)])
    share, n = coverage(pair for _ in range(80) for pair in _categories(rng, n_seeds, common, own))
    assert inside(share, 0.935, 0.985, n // 4)  # categories of one study are not independent


def test_recipe_claims_per_category_are_narrower_than_each_alone() -> None:
    rng, lent, alone = np.random.default_rng(67), [], []
    for _ in range(50):
        for budget, _ in _categories(rng, 3, 0.005, 0.03):
            assert [part.source for part in budget.parts] == ["seed", "seed_category", "item"]
            lent.append(budget.parts[1].df)
            alone.append(2)
    assert np.mean(lent) > 2 * np.mean(alone)


def test_recipe_claims_per_category_are_refused_at_one_seed_or_two_categories() -> None:
    assert "one training seed" in recipe_by_category(np.zeros((1, 5)), np.ones(5), np.ones(5))[0].refused
    assert "three categories" in recipe_by_category(np.zeros((3, 2)), np.ones(2), np.ones(2))[0].refused


@pytest.mark.parametrize("effect", [["a"], ["a", "b"]])
def test_factor_effects_cover_a_real_interaction(effect: list[str]) -> None:
    rng, changes = np.random.default_rng([68, len(effect)]), (0.0, 0.05, 0.05, 0.2)
    weights = effect_weights([{"a": bool(code & 1), "b": bool(code & 2)} for code in range(4)], effect)

    def studies() -> Iterator[tuple[Budget, float]]:
        for _ in range(200):
            model = Model.drawn(rng, Effects(), 0.25, 1)
            eta_FI, cluster_I = model.items(rng, 150, 1)
            drawn = [model.tuned(rng, eta_FI, cluster_I, *pair) for pair in zip(changes, (3, 3, 5, 3), strict=True)]
            arms = [(rng.random(eta.shape) < expit(eta)).astype(float) for eta in drawn]
            yield weighted_contrast(arms, weights), float(np.dot(weights, changes))

    share, n = coverage(studies())
    assert inside(share, 0.94, 0.985, n)


def test_rank_shares_are_calibrated() -> None:
    """Where a recipe is said to be the best with 0.3 to 0.7, it is so about half of the time."""
    rng, said, best = np.random.default_rng(69), [], []
    for _ in range(250):
        truth = rng.normal(0, 0.04, 3)
        arms = [
            change + rng.normal(0, 0.03, (5, 1)) + item_I + rng.normal(0, 0.3, (5, 100))
            for change, item_I in zip(truth, rng.normal(0, 0.1, (3, 100)), strict=True)
        ]
        said += rank_shares(arms, rng=rng, draws=150)[:, 0].tolist()
        best += (truth == truth.min()).tolist()
    share, was = np.array(said), np.array(best)
    middle = (share > 0.3) & (share < 0.7)
    assert inside(was[middle].mean(), share[middle].mean() - 0.05, share[middle].mean() + 0.05, int(middle.sum()))
    assert was[share > 0.9].mean() > 0.85
    assert was[share < 0.1].mean() < 0.15


def test_a_bootstrap_over_three_seeds_covers_less_than_it_says_but_not_nothing() -> None:
    rng, hits, n = np.random.default_rng(70), 0, 150
    for _ in range(n):
        y, y0 = _study(rng, 3, 0.05, seed=0.6)
        found = bootstrap_interval(y[:, 0] - y0[0, 0], lambda m_BS: m_BS.mean(axis=1), rng=rng, draws=300)
        hits += found.low <= 0.05 <= found.high
    assert inside(hits / n, 0.78, 0.93, n)
    assert hits / n < 0.95


def test_rates_and_flips_cover() -> None:
    rng, hits, n = np.random.default_rng(71), np.zeros(3), 400
    for _ in range(n):
        before, after = (rng.random((2, 80)) < [[0.2], [0.35]]).astype(float)  # independent, so the truth is plain
        found = flips(after[None, None], before[None])
        pairs = ((rate_interval(before[None, None]), 0.2), (found.gained, 0.8 * 0.35), (found.lost, 0.2 * 0.65))
        hits += [one.low <= truth <= one.high for one, truth in pairs]
    for share in hits / n:
        assert inside(float(share), 0.935, 0.97, n)


def test_mcnemar_is_careful_and_not_idle() -> None:
    rng, n = np.random.default_rng(72), 1000
    counts = rng.multinomial(200, [0.1, 0.1, 0.8], n)
    size = np.mean([mcnemar(int(gained), int(lost)) <= 0.05 for gained, lost, _ in counts])
    assert inside(float(size), 0.025, 0.05, n)


def test_formats_as_a_sample_cover_and_taking_them_as_fixed_does_not() -> None:
    rng, scopes, n = np.random.default_rng(73), (Scope(prompt_format="random"), Scope()), 200
    hits = np.zeros(2)
    for _ in range(n):
        moved_SFI = rng.normal(0, 0.03, (5, 1, 1)) + rng.normal(0, 0.05, (1, 4, 1)) + rng.normal(0, 0.4, (5, 4, 100))
        found = [scoped_effect(0.5 + moved_SFI, np.full((1, 4, 100), 0.5), scope) for scope in scopes]
        hits += [coverage([(budget, 0.0)])[0] for budget in found]
    assert inside(hits[0] / n, 0.95, 0.99, n)
    assert hits[1] / n < 0.9


def test_judges_as_a_sample_cover() -> None:
    rng, n = np.random.default_rng(74), 400

    def studies() -> Iterator[tuple[Budget, float]]:
        for _ in range(n):
            change_J = rng.normal(0.05, 0.02, 4) + rng.normal(0, 0.01)
            base = Budget(float(change_J.mean()), (Part("item", 0.01**2),))
            yield with_judges(base, change_J), 0.05

    share, n = coverage(studies())
    assert inside(share, 0.945, 0.985, n)


def test_components_are_unbiased() -> None:
    rng, truth = np.random.default_rng(75), {"seed": 0.04, "item": 0.25, "seed x item": 1.0}
    found = []
    for _ in range(200):
        y_SI = rng.normal(0, 0.2, (5, 1)) + rng.normal(0, 0.5, (1, 60)) + rng.normal(0, 1, (5, 60))
        y_SI[rng.random(y_SI.shape) < 0.1] = np.nan
        found.append(variance_components(y_SI, ["seed", "item"]))
    for source, value in truth.items():
        seen = np.array([one[source] for one in found])
        assert abs(seen.mean() - value) < 4 * seen.std() / math.sqrt(len(seen))


def test_two_more_seeds_narrow_as_much_as_levers_say() -> None:
    rng, said, was, n = np.random.default_rng(76), [], [], 200
    for _ in range(n):
        budget, more = (recipe_effect(*_study(rng, s, 0.05, seed=0.6)) for s in (4, 6))
        said.append(next(lever.half_width for lever in levers(budget) if lever.source == "seed"))
        low, high = limits(more, alpha=0.05)
        was.append((high - low) / 2)
    assert 0.85 < np.mean(said) / np.mean(was) < 1.15


def test_replication_probabilities_are_calibrated() -> None:
    rng, said, same, n = np.random.default_rng(77), [], [], 250
    for _ in range(n):
        y, y0 = _study(rng, 10, float(rng.choice([0.0, 0.04])), 200)
        first, again = (recipe_effect(half, y0) for half in (y[:5], y[5:]))
        said.append(replication_probability(first, margin=0.05, worse="higher", rng=rng, draws=200))
        same.append(verdict(first, margin=0.05, worse="higher") == verdict(again, margin=0.05, worse="higher"))
    assert abs(np.mean(said) - np.mean(same)) < 4 * math.sqrt(0.25 / n)


def test_the_interval_of_a_new_run_covers_it() -> None:
    rng, n, hits = np.random.default_rng(78), 1000, 0
    for _ in range(n):
        effect_S = rng.normal(0.05, 0.03, 6)
        found = new_run_interval(effect_S[:5])
        hits += found.low <= effect_S[5] <= found.high
    assert inside(hits / n, 0.945, 0.955, n)


@pytest.mark.parametrize("n_seeds", [2, 3, 5, 10])
def test_the_bad_seed_bound_is_exact(n_seeds: int) -> None:
    rng, n, bound = np.random.default_rng([79, n_seeds]), 4000, bad_seed_bound(n_seeds)
    assert inside(float((rng.binomial(n_seeds, bound, n) == 0).mean()), 0.05, 0.05, n)


def test_the_noise_floor_is_the_gap_between_repeats() -> None:
    rng = np.random.default_rng(80)
    rate_NR = 0.3 + rng.normal(0, 0.02, (2000, 4))
    floor2 = np.mean([noise_floor(rate_R[:3, None]) ** 2 for rate_R in rate_NR])
    gap2 = np.mean((rate_NR[:, 0] - rate_NR[:, 3]) ** 2)
    assert 0.85 < floor2 / gap2 < 1.15
