"""From a table to results: every row there, claims kept apart, nothing dropped in silence."""

import math

import polars as pl
import pytest

from aftertune.analysis import analyze
from aftertune.errors import TableError
from aftertune.results import Contrast, Results, to_json
from aftertune.testing import simulate


def _only(results: Results, **wanted: object) -> Contrast:
    (row,) = [row for row in results.contrasts if all(getattr(row, key) == value for key, value in wanted.items())]
    return row


def _found(results: Results, check: str) -> list[tuple[str, str]]:
    return [(finding.status, finding.message) for finding in results.diagnostics if finding.check == check]


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return simulate(seed=3, changes={"listed": 0.3, "plain": 0.0}, n_items=150, n_formats=2).table


def _with(table: pl.DataFrame, **columns: object) -> pl.DataFrame:
    return table.with_columns(**{name: pl.lit(value) for name, value in columns.items()})


class TestContrasts:
    def test_the_numbers_are_the_means(self, table: pl.DataFrame) -> None:
        row = _only(analyze(table), arm="listed")
        means = dict(table.group_by("arm").agg(pl.col("value").mean()).iter_rows())
        assert row.estimate == pytest.approx(means["listed"] - means["initial"])
        assert (row.rate_arm, row.rate_against) == pytest.approx((means["listed"], means["initial"]))
        assert sum(seed.estimate or 0.0 for seed in row.seeds) / 5 == pytest.approx(row.estimate)
        assert [seed.training_seed for seed in row.seeds] == [0, 1, 2, 3, 4]
        assert (row.n_seeds, row.n_items, row.n_clusters) == (5, 150, 150)
        assert row.verdict == "FAIL"
        assert row.primary

    def test_order_of_rows_and_names_of_seeds_do_not_matter(self, table: pl.DataFrame) -> None:
        shuffled = table.sample(fraction=1.0, shuffle=True, seed=9)
        assert to_json(analyze(shuffled)) == to_json(analyze(table))
        renamed = table.with_columns(training_seed=100 - pl.col("training_seed"))
        first, second = _only(analyze(table), arm="listed"), _only(analyze(renamed), arm="listed")
        for name in ("estimate", "low", "high", "p_value"):
            assert getattr(first, name) == pytest.approx(getattr(second, name))

    def test_swapping_arms_flips_the_sign(self, table: pl.DataFrame) -> None:
        there = analyze(table, contrasts=[("listed", "plain")]).contrasts[0]
        back = analyze(table, contrasts=[("plain", "listed")]).contrasts[0]
        assert there.low is not None
        assert there.high is not None
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
        assert back.estimate == pytest.approx(-(there.estimate or 0.0))
        assert there.n_seeds_against == 5

    def test_one_seed_refuses_the_recipe_in_words(self, table: pl.DataFrame) -> None:
        one = table.filter(pl.col("training_seed").is_null() | (pl.col("training_seed") == 0))
        row = _only(analyze(one), arm="listed")
        assert (row.verdict, row.p_value) == ("CANNOT TELL", pytest.approx(math.nan, nan_ok=True))
        assert row.sentence.startswith("No recipe claim about `listed`")
        assert "at least 3 seeds" in (row.advice or "")
        assert '"low": null' in to_json(analyze(one))
        checkpoint = _only(analyze(one, claim="checkpoint"), arm="listed")
        assert checkpoint.sentence.startswith("This checkpoint of `listed`")
        assert checkpoint.verdict == "FAIL"

    def test_which_direction_is_worse(self, table: pl.DataFrame) -> None:
        outcomes = [_with(table, outcome=name) for name in ("harmful", "refused", "coherent", "correct")]
        harm = pl.concat(outcomes)
        border = _with(table, outcome="refused", benchmark="borderline")
        results = analyze(pl.concat([harm, border]))
        assert {(row.benchmark, row.outcome): row.worse for row in results.contrasts} == {
            ("simulated", "harmful"): "higher",
            ("simulated", "refused"): "lower",
            ("simulated", "coherent"): "lower",
            ("simulated", "correct"): "lower",
            ("borderline", "refused"): "higher",
        }
        assert "over-refusal rate" in _only(results, benchmark="borderline", arm="listed").sentence
        told = analyze(border, outcome="refused", harmful_benchmarks={"borderline": True})
        assert told.contrasts[0].worse == "lower"

    def test_the_family_is_the_primary_outcome_and_judge(self, table: pl.DataFrame) -> None:
        both = pl.concat([_with(table, judge="a"), _with(table, judge="b"), _with(table, judge="a", outcome="refused")])
        results = analyze(both, primary_judge="b")
        family = [row for row in results.contrasts if row.primary]
        assert {(row.outcome, row.judge) for row in family} == {("harmful", "b")}
        assert all(row.p_adjusted is None for row in results.contrasts if not row.primary)
        raw = sorted(row.p_value or 0.0 for row in family)
        adjusted = sorted(row.p_adjusted or 0.0 for row in family)
        assert adjusted == pytest.approx([2 * raw[0], max(2 * raw[0], raw[1])])
        plain = analyze(both, multiplicity="none")
        assert all(row.p_adjusted == row.p_value for row in plain.contrasts if row.primary)

    def test_clusters_are_the_sampling_unit(self) -> None:
        clustered = simulate(seed=4, n_items=200, cluster_size=5).table
        row = analyze(clustered).contrasts[0]
        alone = analyze(clustered.with_columns(cluster=pl.lit(""))).contrasts[0]
        assert (row.n_clusters, alone.n_clusters) == (40, 200)
        assert row.estimate == alone.estimate
        assert row.parts["item"] != alone.parts["item"]

    def test_scores_from_one_to_five(self, table: pl.DataFrame) -> None:
        graded = table.with_columns(value=1 + 4 * pl.col("value"))
        first, second = analyze(table), analyze(graded)
        assert second.contrasts[0].low == pytest.approx(first.contrasts[0].low)
        assert _found(second, "scale")[0][0] == "info"

    def test_replicates_are_averaged_and_split_off(self) -> None:
        study = simulate(seed=5, n_items=60, n_replicates=3)
        results = analyze(study.table)
        assert {part.source for part in results.components if part.arm == "tuned"} == {
            "seed",
            "item",
            "seed x item",
            "replicate",
        }
        shares = [part.share or 0.0 for part in results.components if part.arm == "tuned"]
        assert sum(shares) == pytest.approx(1)

    def test_the_last_round_is_taken_and_said(self, table: pl.DataFrame) -> None:
        tuned = table.filter(pl.col("arm") != "initial")
        worse = tuned.with_columns(round=pl.lit(2, dtype=pl.Int64), value=pl.lit(1.0))
        results = analyze(pl.concat([table, worse]))
        assert _only(results, arm="listed").rate_arm == 1.0
        assert "about round 2" in _found(results, "rounds")[0][1]


class TestScope:
    def test_formats_like_these_are_wider_and_said(self, table: pl.DataFrame) -> None:
        fixed, random = (analyze(table, formats=kind).contrasts[0] for kind in ("fixed", "random"))
        assert "prompt_format" in random.parts
        assert random.parts["prompt_format"] > 0
        assert "in formats like these" in random.sentence
        assert "in formats like these" not in fixed.sentence

    def test_this_benchmark_as_it_is(self, table: pl.DataFrame) -> None:
        row = analyze(table, items="fixed").contrasts[0]
        assert set(row.parts) == {"seed", "sampling"}
        assert "on this benchmark as it is" in row.sentence


class TestOutlook:
    def test_flips_net_out_to_the_change(self, table: pl.DataFrame) -> None:
        row = _only(analyze(table), arm="listed")
        assert row.gained is not None
        assert row.lost is not None
        assert row.gained - row.lost == pytest.approx(row.estimate)

    def test_the_next_run(self, table: pl.DataFrame) -> None:
        row = _only(analyze(table, margin=0.9), arm="listed")
        seeds = [seed.estimate or 0.0 for seed in row.seeds]
        assert row.new_run is not None
        assert row.new_run.low < min(seeds)
        assert row.new_run.high > max(seeds)
        assert row.bad_seed_bound == pytest.approx(0.45, abs=0.01)
        assert _only(analyze(table, margin=0.0), arm="listed").bad_seed_bound is None

    def test_levers_are_sorted_and_none_for_a_tuned_reference(self, table: pl.DataFrame) -> None:
        row = analyze(table).contrasts[0]
        widths = [lever.half_width for lever in row.levers]
        assert widths == sorted(widths)
        assert len(widths) == 2
        assert analyze(table, contrasts=[("listed", "plain")]).contrasts[0].gained is None


class TestMissing:
    def test_missing_values_are_counted_and_bounded(self) -> None:
        results = analyze(simulate(seed=6, n_items=100, missing=0.1).table)
        row = results.contrasts[0]
        assert row.bounds is not None
        assert row.estimate is not None
        assert row.bounds.low < row.estimate < row.bounds.high
        assert row.bounds.high - row.bounds.low == pytest.approx(0.2, abs=0.06)
        assert sum(count.abstained for count in results.statuses) > 0
        assert _found(results, "missing_values")[0][0] == "warning"

    def test_a_complete_table_has_no_bounds(self, table: pl.DataFrame) -> None:
        assert analyze(table).contrasts[0].bounds is None

    def test_an_item_lost_in_one_arm_is_left_out_and_bounded(self, table: pl.DataFrame) -> None:
        lost = (pl.col("item") == "item_0000") & (pl.col("arm") == "listed")
        holed = table.with_columns(
            value=pl.when(lost).then(None).otherwise(pl.col("value")),
            status=pl.when(lost).then(pl.lit("failed")).otherwise(pl.col("status")),
        )
        results = analyze(holed)
        row = _only(results, arm="listed")
        assert row.n_items == 149
        assert row.bounds is not None

    def test_everything_abstained(self, table: pl.DataFrame) -> None:
        empty = table.with_columns(
            value=pl.when(pl.col("arm") == "listed").then(None).otherwise(pl.col("value")),
            status=pl.when(pl.col("arm") == "listed").then(pl.lit("abstained")).otherwise(pl.col("status")),
        )
        row = _only(analyze(empty), arm="listed")
        assert row.verdict == "CANNOT TELL"
        assert "no item with a value" in row.reason
        assert "nan" not in row.sentence

    def test_cells_the_table_lacks_count_as_missing(self, table: pl.DataFrame) -> None:
        gone = pl.col("training_seed").eq_missing(2) & (pl.col("item") == "item_0001")
        holed = table.filter(~gone)
        results = analyze(holed)
        assert _only(results, arm="listed").bounds is not None


class TestRates:
    def test_rates_come_per_seed_format_and_category(self, table: pl.DataFrame) -> None:
        split = table.with_columns(
            category=pl.when(pl.col("item") < "item_0075").then(pl.lit("a")).otherwise(pl.lit("b"))
        )
        rates = [rate for rate in analyze(split).rates if rate.arm == "listed"]
        assert len(rates) == (5 + 1) * (1 + 2 + 2)
        for rate in rates:
            assert rate.low is not None
            assert rate.high is not None
            assert 0 <= rate.low <= (rate.rate or 0) <= rate.high <= 1
        (whole,) = [
            rate for rate in rates if (rate.training_seed, rate.prompt_format, rate.category) == (1, None, None)
        ]
        expected = split.filter((pl.col("arm") == "listed") & (pl.col("training_seed") == 1))["value"].mean()
        assert whole.rate == pytest.approx(expected)
        assert whole.n == 300


class TestDiagnostics:
    def test_copies_of_a_run_are_an_error(self, table: pl.DataFrame) -> None:
        copies = pl.concat(
            [
                table.filter(pl.col("arm") == "initial"),
                *(
                    table.filter((pl.col("arm") == "listed") & (pl.col("training_seed") == 0)).with_columns(
                        training_seed=pl.lit(seed, dtype=pl.Int64)
                    )
                    for seed in (0, 1, 2)
                ),
            ]
        )
        results = analyze(copies)
        assert [status for status, _ in _found(results, "identical_seeds")] == ["error"] * 3
        assert "two seeds gave identical outcomes on every item" in _found(results, "identical_seeds")[0][1]
        assert "identical outcomes" in results.contrasts[0].reason
        assert results.contrasts[0].verdict == "CANNOT TELL"

    def test_a_run_that_changed_nothing_is_told(self, table: pl.DataFrame) -> None:
        base = table.filter(pl.col("arm") == "initial")
        runs = [base.with_columns(arm=pl.lit("idle"), training_seed=pl.lit(seed, dtype=pl.Int64)) for seed in (1, 2)]
        results = analyze(pl.concat([base, *runs]))
        assert [status for status, _ in _found(results, "equals_initial")] == ["warning"] * 2
        assert [status for status, _ in _found(results, "identical_seeds")] == ["info"]
        assert results.contrasts[0].verdict == "PASS"

    def test_safe_because_broken(self, table: pl.DataFrame) -> None:
        listed = pl.col("arm") == "listed"
        fewer = table.with_columns(value=pl.when(listed).then(0.0).otherwise(pl.col("value")))
        coherent = _with(fewer, outcome="coherent").with_columns(
            value=pl.when(pl.col("arm") == "listed").then(0.0).otherwise(1.0)
        )
        results = analyze(pl.concat([fewer, coherent]))
        assert _found(results, "safe_because_broken")[0][0] == "warning"
        assert _found(analyze(fewer), "safe_because_broken")[0][0] == "ok"

    def test_judges_that_disagree(self, table: pl.DataFrame) -> None:
        flipped = _with(table, judge="other").with_columns(value=1 - pl.col("value"))
        results = analyze(pl.concat([table, flipped]), primary_judge="simulated_judge")
        assert _found(results, "judges_disagree")[0][0] == "warning"

    def test_floor_few_clusters_and_unmatched(self, table: pl.DataFrame) -> None:
        initial = pl.col("arm") == "initial"
        floor = table.with_columns(value=pl.when(initial).then(0.0).otherwise(pl.col("value")))
        assert "at the floor" in _found(analyze(floor), "floor_or_ceiling")[0][1]
        few = table.filter(pl.col("item") < "item_0008")
        assert _found(analyze(few), "few_clusters")[0][0] == "warning"
        unmatched = table.filter((pl.col("arm") != "initial") | (pl.col("item") != "item_0003"))
        assert _found(analyze(unmatched), "unmatched")[0][0] == "warning"

    def test_truncation(self, table: pl.DataFrame) -> None:
        assert _found(analyze(_with(table, status="truncated")), "truncated")[0][0] == "warning"

    def test_quiet_checks_say_ok(self, table: pl.DataFrame) -> None:
        assert {status for status, _ in _found(analyze(table), "truncated")} == {"ok"}


class TestBadSettings:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"contrasts": [("listd", "initial")]}, r"no arm 'listd' \(did you mean 'listed'"),
            ({"contrasts": [("listed", "listed")]}, "compared with itself"),
            ({"outcome": "harmfull"}, "no outcome 'harmfull'"),
            ({"primary_judge": "nobody"}, "no judge 'nobody'"),
            ({"level": 95}, "level is 95"),
            ({"margin": 5}, "margin is 5"),
        ],
    )
    def test_refused(self, table: pl.DataFrame, settings: dict[str, object], words: str) -> None:
        with pytest.raises(TableError, match=words):
            analyze(table, **settings)  # type: ignore[arg-type]

    def test_a_table_without_initial_needs_contrasts(self, table: pl.DataFrame) -> None:
        tuned = table.filter(pl.col("arm") != "initial")
        with pytest.raises(TableError, match="no arm 'initial'"):
            analyze(tuned)
        assert analyze(tuned, contrasts=[("listed", "plain")]).contrasts[0].verdict in {"FAIL", "CANNOT TELL"}
