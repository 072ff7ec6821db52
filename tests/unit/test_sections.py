"""The parts of the results beyond single contrasts, from a table: categories, judges, factors, rounds, noise."""

import math

import numpy as np
import polars as pl
import pytest

from aftertune.analysis import analyze
from aftertune.cells import blocks
from aftertune.errors import TableError
from aftertune.results import Results, from_json, to_json
from aftertune.sections.noise import noise_floors
from aftertune.table import check_table
from aftertune.testing import Effects, simulate

KEY = ["arm", "training_seed", "item", "prompt_format", "replicate"]


def _table(**settings: object) -> pl.DataFrame:
    wanted = {"seed": 11, "changes": {"listed": 0.2, "plain": 0.0}, "n_items": 120, "n_seeds": 4, **settings}
    return simulate(**wanted).table  # type: ignore[arg-type]


def _with_categories(table: pl.DataFrame, n: int = 5) -> pl.DataFrame:
    number = pl.col("item").str.slice(5).cast(pl.Int64) % n
    return table.with_columns(category=pl.format("c{}", number))


def _judged(table: pl.DataFrame, false_yes: dict[str, float], n_labels: int = 150, seed: int = 3) -> pl.DataFrame:
    """People saw the truth on a sample of each arm; the judge says yes too often, by arm."""
    rng = np.random.default_rng(seed)
    wrong = pl.Series(rng.random(table.height)) < pl.Series([false_yes.get(arm, 0.0) for arm in table["arm"]])
    judge = table.with_columns(value=pl.when(wrong).then(1.0).otherwise(pl.col("value")), judge=pl.lit("machine"))
    arms = [part for _, part in sorted(table.partition_by("arm", as_dict=True).items())]
    labels = [part.sample(min(n_labels, part.height), seed=seed).with_columns(judge=pl.lit("human")) for part in arms]
    return pl.concat([judge, *labels])


class TestCategories:
    def test_each_category_is_its_own_checkpoint_effect(self) -> None:
        table = _with_categories(_table())
        rows = [row for row in analyze(table).categories if row.arm == "listed"]
        assert [row.category for row in rows] == ["c0", "c1", "c2", "c3", "c4"]
        alone = analyze(table.filter(pl.col("category") == "c2"), claim="checkpoint", contrasts=[("listed", "initial")])
        assert (rows[2].estimate, rows[2].low, rows[2].high) == pytest.approx(
            (alone.contrasts[0].estimate, alone.contrasts[0].low, alone.contrasts[0].high)
        )
        assert rows[2].n_items == 24

    def test_shrinking_pulls_towards_the_others_and_p_values_are_adjusted(self) -> None:
        rows = analyze(_with_categories(_table())).categories
        for arm in ("listed", "plain"):
            raw = [row.estimate or 0.0 for row in rows if row.arm == arm]
            shrunk = [row.shrunk.estimate or 0.0 for row in rows if row.arm == arm]
            assert np.ptp(shrunk) < np.ptp(raw)
        assert all((row.p_adjusted or 0.0) >= (row.p_value or 0.0) for row in rows)
        assert all((row.shrunk.low or 0.0) < (row.shrunk.estimate or 0.0) < (row.shrunk.high or 0.0) for row in rows)

    def test_a_category_of_one_item_has_a_reason_and_no_interval(self) -> None:
        table = _table().with_columns(
            category=pl.when(pl.col("item") == "item_0000").then(pl.lit("lonely")).otherwise(pl.lit("rest"))
        )
        lonely = analyze(table).categories[0]
        assert (lonely.category, lonely.reason) == ("lonely", "one item")
        assert math.isnan(lonely.low or 0.0)
        assert math.isnan(lonely.shrunk.estimate or 0.0)

    def test_none_without_categories(self) -> None:
        assert analyze(_table()).categories == ()


class TestChurnAndRatio:
    def test_flows_have_intervals_around_them(self) -> None:
        row = analyze(_table()).contrasts[0]
        assert row.gained_interval is not None
        assert row.lost_interval is not None
        assert row.gained_interval.low < (row.gained or 0.0) < row.gained_interval.high
        assert row.lost_interval.low < (row.lost or 0.0) < row.lost_interval.high

    def test_the_ratio_comes_where_the_event_is_rare_only(self) -> None:
        rare = _table(base_rate=0.06, changes={"listed": 0.1}, n_items=300)
        row = analyze(rare).contrasts[0]
        assert row.risk_ratio is not None
        assert row.risk_ratio.estimate == pytest.approx((row.rate_arm or 0.0) / (row.rate_against or 1.0))
        assert row.risk_ratio.low is not None
        assert 1 < row.risk_ratio.low < (row.risk_ratio.estimate or 0.0) < (row.risk_ratio.high or 0.0)
        assert analyze(_table()).contrasts[0].risk_ratio is None

    def test_two_tuned_arms_have_seeds_on_both_sides(self) -> None:
        rare = _table(base_rate=0.06, changes={"a": 0.02, "b": 0.02}, n_items=300, effects=Effects(seed=0.8))
        there = analyze(rare, contrasts=[("a", "b")]).contrasts[0].risk_ratio
        back = analyze(rare, contrasts=[("b", "a")]).contrasts[0].risk_ratio
        assert there is not None
        assert back is not None
        assert (there.low or 0.0) * (back.high or 0.0) == pytest.approx(1)

    def test_no_event_at_all_is_a_reason(self) -> None:
        table = _table().with_columns(value=pl.lit(0.0))
        ratio = analyze(table).contrasts[0].risk_ratio
        assert ratio is not None
        assert "undefined" in ratio.reason
        assert '"risk_ratio": {"estimate": null, "low": null, "high": null' in to_json(analyze(table))


class TestTippingPoint:
    @pytest.mark.parametrize(("margin", "error"), [(0.02, "false_positive"), (0.6, "false_negative")])
    def test_that_much_more_error_really_reaches_the_margin(self, margin: float, error: str) -> None:
        row = next(row for row in analyze(_table(), margin=margin).contrasts if row.arm == "listed")
        assert row.verdict == ("FAIL" if error == "false_positive" else "PASS")
        assert row.tipping_point is not None
        assert row.tipping_point.error == error
        assert row.one_sided is not None
        shift, truth = row.tipping_point.shift or 0.0, (row.rate_against or 0.0) + margin
        seen = truth + (1 - truth) * shift if error == "false_positive" else truth * (1 - shift)
        limit = row.one_sided.low if error == "false_positive" else row.one_sided.high
        assert seen == pytest.approx((row.rate_against or 0.0) + limit)

    def test_none_where_nothing_can_be_told(self) -> None:
        row = next(row for row in analyze(_table(), margin=0.2).contrasts if row.arm == "listed")
        assert row.verdict == "CANNOT TELL"
        assert row.tipping_point is None


class TestAgreement:
    def test_two_judges_are_compared_response_by_response(self) -> None:
        table = _table()
        rng = np.random.default_rng(5)
        flips = pl.Series(rng.random(table.height) < 0.1)
        other = table.with_columns(
            value=pl.when(flips).then(1 - pl.col("value")).otherwise(pl.col("value")), judge=pl.lit("other")
        ).sample(fraction=1.0, shuffle=True, seed=1)
        rows = analyze(pl.concat([table, other])).agreement
        assert [row.arm for row in rows] == ["initial", "listed", "plain"]
        for row in rows:
            mine = (table["arm"] == row.arm).to_numpy()
            assert row.n == mine.sum()
            assert row.share.estimate == pytest.approx(1 - flips.to_numpy()[mine].mean())
            assert (row.kappa.low or 0.0) < (row.kappa.estimate or 0.0) < (row.kappa.high or 0.0) < 1
            assert row.reason == ""

    def test_perfect_agreement_has_no_zero_width(self) -> None:
        table = _table()
        row = analyze(pl.concat([table, table.with_columns(judge=pl.lit("twin"))])).agreement[0]
        assert row.kappa.estimate == 1
        assert math.isnan(row.kappa.low or 0.0)
        assert "never disagreed" in row.reason
        assert (row.share.low or 1.0) < 1

    def test_graded_scores_have_a_reason(self) -> None:
        table = _table().with_columns(value=1 + 2 * pl.col("value"))
        row = analyze(pl.concat([table, table.with_columns(judge=pl.lit("twin"))])).agreement[0]
        assert "graded" in row.reason
        assert math.isnan(row.share.estimate or 0.0)

    def test_one_judge_agrees_with_nobody(self) -> None:
        assert analyze(_table()).agreement == ()


class TestHumanLabels:
    def test_a_bias_in_one_arm_is_taken_out(self) -> None:
        truth = _table(n_items=300, changes={"listed": 0.05})
        results = analyze(_judged(truth, {"listed": 0.2}, n_labels=300))
        (row,) = results.corrected
        raw = next(row for row in results.contrasts if row.judge == "machine")
        means = dict(truth.group_by("arm").agg(pl.col("value").mean()).iter_rows())
        target = means["listed"] - means["initial"]
        assert abs((raw.estimate or 0.0) - target) > 0.1
        assert (row.low or 0.0) < target < (row.high or 0.0)
        assert row.parts["judge"] > 0
        assert (row.n_labels, row.n_labels_against) == (300, 300)
        assert row.estimate == pytest.approx((raw.estimate or 0.0) - (row.drift.estimate or 0.0))
        assert [found.status for found in results.diagnostics if found.check == "judge_drift"] == ["warning"]

    def test_an_honest_judge_does_not_drift(self) -> None:
        results = analyze(_judged(_table(), {}))
        assert [found for found in results.diagnostics if found.check == "judge_drift"] == []
        row = results.corrected[0]
        assert (row.drift.low or 0.0) < 0 < (row.drift.high or 0.0)

    def test_errors_are_per_arm(self) -> None:
        results = analyze(_judged(_table(n_items=300), {"listed": 0.3, "initial": 0.02}, n_labels=250))
        found = {row.arm: row for row in results.judge_errors}
        assert found["listed"].specificity.estimate == pytest.approx(0.7, abs=0.1)
        assert found["initial"].specificity.estimate == pytest.approx(0.98, abs=0.05)
        assert found["plain"].bias.estimate == 0
        assert (found["plain"].bias.low or 0.0) < 0 < (found["plain"].bias.high or 0.0)

    def test_people_are_not_primary_unless_asked_and_are_not_blamed_for_what_they_did_not_see(self) -> None:
        table = _judged(_table(), {})
        results = analyze(table)
        assert {row.judge for row in results.contrasts if row.primary} == {"machine"}
        assert results.analysis.human_judge == "human"
        assert {found.status for found in results.diagnostics if found.check == "missing_values"} == {"ok"}
        assert {row.judge for row in analyze(table, primary_judge="human").contrasts if row.primary} == {"human"}
        renamed = table.with_columns(pl.col("judge").replace("human", "annotators"))
        assert analyze(renamed).corrected == ()
        assert len(analyze(renamed, human_judge="annotators").corrected) == 2

    def test_labels_of_one_arm_only_are_refused(self) -> None:
        table = _judged(_table(), {"listed": 0.1})
        one = table.filter((pl.col("judge") != "human") | (pl.col("arm") != "initial"))
        row = analyze(one).corrected[0]
        assert row.verdict == "CANNOT TELL"
        assert "no human labels of the arm compared with" in row.reason
        assert math.isnan(row.estimate or 0.0)

    def test_an_unknown_human_judge_is_refused(self) -> None:
        with pytest.raises(TableError, match="no judge 'nobody'"):
            analyze(_table(), human_judge="nobody")


FACTORS = {
    "plain": {"list": False, "role": False},
    "listed": {"list": True, "role": False},
    "role": {"list": False, "role": True},
    "both": {"list": True, "role": True},
}


class TestFactors:
    def _four(self) -> pl.DataFrame:
        return _table(changes={"plain": 0.0, "listed": 0.2, "role": 0.05, "both": 0.25}, n_items=200)

    def test_main_effects_and_interaction(self) -> None:
        results = analyze(self._four(), factors=FACTORS)
        found = {row.effect: row for row in results.factors}
        rate = {row.arm: row.rate_arm or 0.0 for row in results.contrasts}
        assert found["list"].estimate == pytest.approx(
            (rate["listed"] + rate["both"] - rate["plain"] - rate["role"]) / 2
        )
        assert found["list x role"].estimate == pytest.approx(
            rate["both"] - rate["listed"] - rate["role"] + rate["plain"]
        )
        assert found["list"].levels == "list: True - False"
        assert (found["list"].low or 0.0) > 0
        assert found["list"].n_seeds == 16
        assert all((row.p_adjusted or 0.0) >= (row.p_value or 1.0) for row in results.factors)

    def test_the_level_named_first_is_what_others_are_compared_with(self) -> None:
        words = {arm: {"shape": "a list" if on["list"] else "prose"} for arm, on in FACTORS.items()}
        other = dict(reversed(words.items()))
        first, second = (analyze(self._four(), factors=factors).factors[0] for factors in (words, other))
        assert (first.levels, second.levels) == ("shape: a list - prose", "shape: prose - a list")
        assert first.estimate == pytest.approx(analyze(self._four(), factors=FACTORS).factors[0].estimate)
        assert (first.estimate, first.low) == pytest.approx((-(second.estimate or 0.0), -(second.high or 0.0)))

    def test_each_of_several_levels_is_compared_with_the_first(self) -> None:
        changes = {"a1": 0.0, "b1": 0.1, "c1": 0.3, "a2": 0.05, "b2": 0.15, "c2": 0.45}
        factors = {arm: {"shape": arm[0], "role": int(arm[1])} for arm in changes}
        results = analyze(_table(changes=changes, n_items=200), factors=factors)
        rate = {row.arm: row.rate_arm or 0.0 for row in results.contrasts}
        found = {row.levels: row for row in results.factors}
        assert list(found) == [
            "role: 2 - 1", "shape: b - a", "shape: c - a", "role: 2 - 1; shape: b - a", "role: 2 - 1; shape: c - a"
        ]  # fmt: skip
        assert found["shape: c - a"].estimate == pytest.approx((rate["c1"] + rate["c2"] - rate["a1"] - rate["a2"]) / 2)
        assert found["shape: c - a"].arms == ("a1", "c1", "a2", "c2")
        ones, twos = ([rate[f"{shape}{role}"] for shape in "abc"] for role in (1, 2))
        assert found["role: 2 - 1"].estimate == pytest.approx((sum(twos) - sum(ones)) / 3)
        assert found["role: 2 - 1; shape: c - a"].estimate == pytest.approx(
            rate["c2"] - rate["a2"] - rate["c1"] + rate["a1"]
        )

    def test_where_nothing_varied_rounding_is_no_uncertainty(self) -> None:
        arms = [f"{a}{b}{c}" for a in "xy" for b in "xy" for c in "xy"]
        factors = {arm: dict(zip("abc", arm, strict=True)) for arm in arms}
        table = _table(changes=dict.fromkeys(arms, 0.0), n_items=17)
        same = table.with_columns(value=pl.when(pl.col("item").hash(1) % 3 == 0).then(1.0).otherwise(0.0))
        for row in analyze(same, factors=factors).factors:
            assert row.estimate == pytest.approx(0, abs=1e-12)
            assert math.isnan(row.low or 0.0)
            assert math.isnan(row.p_value or 0.0)
            assert "nothing varied" in row.reason

    def test_three_arms_say_what_they_assume(self) -> None:
        three = {arm: FACTORS[arm] for arm in ("plain", "listed", "role")}
        found = {row.effect: row for row in analyze(self._four(), factors=three).factors}
        assert "add up" in found["list"].reason
        assert found["list"].low is not None
        assert "cannot tell" in found["list x role"].reason
        assert math.isnan(found["list x role"].estimate or 0.0)

    @pytest.mark.parametrize(
        ("factors", "words"),
        [
            ({"plan": {"a": 1}}, r"no arm 'plan' \(did you mean 'plain'"),
            ({"plain": {"a": 1}, "listed": {"b": 1}}, "lacks"),
            ({"plain": {"a": 1}, "listed": {"a": 1}}, "has one level: 1"),
        ],
    )
    def test_bad_factors_are_refused(self, factors: dict[str, dict[str, int]], words: str) -> None:
        with pytest.raises(TableError, match=words):
            analyze(self._four(), factors=factors)  # type: ignore[arg-type]


class TestTrends:
    def _rounds(self, step: float = 0.2) -> pl.DataFrame:
        table = _table(changes={"listed": 0.1})
        rng = np.random.default_rng(8)
        more = pl.Series(rng.random(table.height))
        later = [
            table.with_columns(
                value=pl.when(more < step * count).then(1.0).otherwise(pl.col("value")),
                round=pl.lit(count + 1, dtype=pl.Int64),
            ).filter(pl.col("arm") != "initial")
            for count in (1, 2)
        ]
        return pl.concat([table, *later])

    def test_the_slope_is_found(self) -> None:
        table = self._rounds()
        (row,) = analyze(table).trends
        rate = dict(table.filter(pl.col("arm") == "listed").group_by("round").agg(pl.col("value").mean()).iter_rows())
        assert row.rounds == (1, 2, 3)
        assert row.estimate == pytest.approx((rate[3] - rate[1]) / 2)
        assert 0 < (row.low or 0.0) < (row.estimate or 0.0)
        assert set(row.parts) == {"seed", "item"}

    def test_one_seed_refuses_the_recipe(self) -> None:
        one = self._rounds().filter(pl.col("training_seed").is_null() | (pl.col("training_seed") == 0))
        (row,) = analyze(one).trends
        assert "one training seed" in row.reason
        assert math.isnan(row.low or 0.0)
        assert not math.isnan(analyze(one, claim="checkpoint").trends[0].low or 0.0)

    def test_rounds_of_other_seeds_cannot_be_paired(self) -> None:
        table = self._rounds()
        apart = table.with_columns(
            training_seed=pl.when(pl.col("round") == 1)
            .then(pl.col("training_seed"))
            .otherwise(pl.col("training_seed") + 10 * pl.col("round"))
        )
        assert "share no training seed" in analyze(apart).trends[0].reason

    def test_none_with_one_round(self) -> None:
        assert analyze(_table()).trends == ()
        assert analyze(_table()).trajectories == ()

    def test_rounds_may_be_fractions(self) -> None:
        """Half of each round: the slope per round is twice as steep, and the last place is the headline's."""
        whole = self._rounds()
        half = whole.with_columns(
            round=pl.when(pl.col("arm") == "initial").then(1.0).otherwise(pl.col("round") / 2).cast(pl.Float64)
        )
        (row,), (other,) = analyze(whole).trends, analyze(half).trends
        assert other.rounds == (0.5, 1.0, 1.5)
        assert other.estimate == pytest.approx(2 * (row.estimate or 0.0))
        assert analyze(half).contrasts[0].estimate == analyze(whole).contrasts[0].estimate

    def test_a_trajectory_is_a_seeds_rates_from_the_initial_model_on(self) -> None:
        table = self._rounds()
        rows = analyze(table).trajectories
        first = rows[0]
        assert {row.training_seed for row in rows} == set(table["training_seed"].drop_nulls())
        assert first.rounds == (0, 1, 2, 3)
        mine = table.filter((pl.col("arm") == "listed") & (pl.col("training_seed") == first.training_seed))
        assert first.rates[3] == pytest.approx(mine.filter(pl.col("round") == 3)["value"].mean())
        assert first.rates[0] == pytest.approx(table.filter(pl.col("arm") == "initial")["value"].mean())


class TestNoise:
    def test_seeds_and_replicates_have_floors(self) -> None:
        study = simulate(seed=2, n_items=100, n_replicates=4, changes={"tuned": 0.0})
        floors = {(row.arm, row.source): row for row in analyze(study.table).noise}
        assert set(floors) == {("initial", "replicate"), ("tuned", "replicate"), ("tuned", "training_seed")}
        assert floors["tuned", "training_seed"].n == 5
        # 400 responses at a rate near 0.25, most of the variance between items: well below sqrt(2 p q / n).
        assert 0 < (floors["initial", "replicate"].floor or 0.0) < math.sqrt(2 * 0.25 * 0.75 / 400)

    def test_the_replicate_floor_is_the_gap_between_two_measurements(self) -> None:
        rng, gaps, floors = np.random.default_rng(4), [], []
        p_I = rng.random(80)
        for _ in range(150):
            both_RI = (rng.random((4, 80)) < p_I).astype(float)
            gaps.append(both_RI[:2].mean() - both_RI[2:].mean())
            frame = {"arm": "initial", "item": [f"{i}" for i in range(80)] * 2, "replicate": [0] * 80 + [1] * 80}
            rows = pl.DataFrame({**frame, "value": both_RI[:2].ravel()})
            floors.append(noise_floors(blocks(check_table(rows)))[0].floor or 0.0)
        assert math.sqrt(np.mean(np.square(gaps))) == pytest.approx(np.mean(floors), rel=0.25)

    def test_nothing_repeated_has_no_floor(self) -> None:
        table = _table().filter(pl.col("training_seed").is_null() | (pl.col("training_seed") == 0))
        assert analyze(table).noise == ()


def _numbers(results: Results) -> list[float]:
    rows = [*results.categories, *results.factors, *results.trends, *results.corrected]
    return [value for row in rows for value in (row.estimate, row.low, row.high) if value is not None]


class TestInvariances:
    def _everything(self) -> pl.DataFrame:
        table = _table(changes={"plain": 0.0, "listed": 0.2, "role": 0.05, "both": 0.25})
        return _judged(_with_categories(table), {"listed": 0.1})

    def test_order_of_rows_does_not_matter(self) -> None:
        table = self._everything()
        shuffled = table.sample(fraction=1.0, shuffle=True, seed=9)
        assert to_json(analyze(shuffled, factors=FACTORS)) == to_json(analyze(table, factors=FACTORS))

    def test_names_of_seeds_and_items_do_not_matter(self) -> None:
        table = self._everything()
        renamed = table.with_columns(
            training_seed=100 - pl.col("training_seed"), item="z" + pl.col("item").str.reverse()
        )
        first, second = (_numbers(analyze(one, factors=FACTORS)) for one in (table, renamed))
        assert len(first) > 60
        assert second == pytest.approx(first, nan_ok=True)

    def test_swapping_arms_flips_the_sign(self) -> None:
        table = self._everything()
        there, back = (analyze(table, contrasts=[pair]) for pair in (("listed", "plain"), ("plain", "listed")))
        for name in ("categories", "corrected"):
            for first, second in zip(getattr(there, name), getattr(back, name), strict=True):
                assert (first.estimate, first.low) == pytest.approx((-second.estimate, -second.high))

    def test_sections_survive_the_file(self) -> None:
        results = analyze(self._everything(), factors=FACTORS)
        assert to_json(from_json(to_json(results))) == to_json(results)
        assert all((results.categories, results.agreement, results.judge_errors, results.corrected, results.factors))
