"""Awkward tables through the front door: a clear error, or a row with a reason; never a silent number."""

import json
import math
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from aftertune.analysis import analyze
from aftertune.errors import TableError
from aftertune.results import Results, to_json
from aftertune.table import check_table, from_five_point
from aftertune.testing import simulate


def _table(**settings: object) -> pl.DataFrame:
    wanted = {"seed": 21, "changes": {"tuned": 0.2}, "n_items": 60, "n_seeds": 3, **settings}
    return simulate(**wanted).table  # type: ignore[arg-type]


def _small(**columns: list[object]) -> pl.DataFrame:
    frame = {"arm": ["initial", "a"], "training_seed": [None, 1], "item": ["x", "x"], "value": [0.0, 1.0]}
    return pl.DataFrame({**frame, **columns}, strict=False)


def _rows_with_numbers(results: Results) -> Iterator[dict[str, object]]:
    data = json.loads(to_json(results))
    for name in ("contrasts", "categories", "corrected", "factors", "trends"):
        yield from data[name]


def _honest(results: Results) -> None:
    """No zero width anywhere, and whatever has no limits says why."""
    for row in _rows_with_numbers(results):
        if row["low"] is None or row["high"] is None:
            assert row["reason"], row
        else:
            assert row["low"] < row["high"], row  # type: ignore[operator]


class TestRefused:
    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"value": [0.0, math.nan]}, "NaN"),
            ({"value": [0.0, 1.2]}, "values from 0 to 1.2"),
            ({"value": [-1.0, 1.0]}, "values from -1"),
            ({"value": [0.5, 6.0]}, "values from 0.5 to 6"),
            ({"value": ["no", "yes"]}, "mixes numbers"),
            ({"arm": ["a", "a"], "training_seed": [1, 1]}, "not unique"),
            ({"item": ["x", None]}, "'item' is empty"),
            ({"training_seed": [None, math.inf]}, "training_seed"),
        ],
    )
    def test_with_words(self, columns: dict[str, list[object]], words: str) -> None:
        with pytest.raises(TableError, match=words):
            analyze(_small(**columns))

    def test_a_column_of_lists(self) -> None:
        with pytest.raises(TableError, match="value"):
            analyze(_small(value=[[1.0], [0.0]]))

    def test_a_required_column_is_missing(self) -> None:
        with pytest.raises(TableError, match="'item' is missing"):
            analyze(_small().drop("item"))

    def test_an_arm_without_rows(self) -> None:
        with pytest.raises(TableError, match="no arm 'other'"):
            analyze(_table(), contrasts=[("other", "initial")])


class TestReasons:
    def test_only_the_required_columns(self) -> None:
        rows = _table().select("arm", "training_seed", "item", "value")
        first, second = analyze(_table()).contrasts[0], analyze(rows).contrasts[0]
        assert (second.low, second.high) == pytest.approx((first.low, first.high))

    def test_one_seed_and_no_seed_column(self) -> None:
        one = _table(n_seeds=1).select("arm", "item", "value")
        results = analyze(one)
        assert "one training seed" in results.contrasts[0].reason
        _honest(results)
        assert analyze(one, claim="checkpoint").contrasts[0].low is not None

    @pytest.mark.parametrize("claim", ["recipe", "checkpoint"])
    @pytest.mark.parametrize("n_items", [1, 2, 3])
    def test_hardly_any_items(self, claim: str, n_items: int) -> None:
        few = _table().filter(pl.col("item") < f"item_{n_items:04d}")
        results = analyze(few, claim=claim)  # type: ignore[arg-type]
        _honest(results)
        if n_items == 1:
            assert results.contrasts[0].reason == "one item"
            assert results.contrasts[0].verdict == "CANNOT TELL"

    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_all_values_equal(self, value: float) -> None:
        results = analyze(_table().with_columns(value=pl.lit(value)))
        _honest(results)
        row = results.contrasts[0]
        assert row.estimate == 0
        assert row.reason

    def test_all_abstained(self) -> None:
        nothing = _table().with_columns(value=pl.lit(None, dtype=pl.Float64), status=pl.lit("abstained"))
        results = analyze(nothing)
        _honest(results)
        assert "no item with a value" in results.contrasts[0].reason
        assert results.components == ()

    def test_a_column_of_nulls_only(self) -> None:
        _honest(analyze(_small(value=[None, None])))

    def test_no_items_in_common(self) -> None:
        apart = _table().with_columns(item=pl.col("arm") + pl.col("item"))
        results = analyze(apart)
        _honest(results)
        assert "share no item" in results.contrasts[0].reason

    def test_an_arm_absent_from_one_benchmark_is_told(self) -> None:
        second = _table().filter(pl.col("arm") == "initial").with_columns(benchmark=pl.lit("second"))
        results = analyze(pl.concat([_table(), second]))
        assert [row.benchmark for row in results.contrasts] == ["simulated"]
        assert any(d.check == "unmatched" and "no rows for arm `tuned`" in d.message for d in results.diagnostics)

    def test_fifteen_percent_holes_move_the_interval_little(self) -> None:
        whole = analyze(_table(n_items=300)).contrasts[0]
        holed = analyze(_table(n_items=300, missing=0.15))
        _honest(holed)
        row = holed.contrasts[0]
        assert row.estimate == pytest.approx(whole.estimate, abs=0.05)
        assert row.bounds is not None

    def test_a_seed_that_lost_everything_is_no_replication(self) -> None:
        table = _table(n_seeds=4)
        lost = pl.col("training_seed").eq_missing(3)
        holed = table.with_columns(
            value=pl.when(lost).then(None).otherwise(pl.col("value")),
            status=pl.when(lost).then(pl.lit("failed")).otherwise(pl.col("status")),
        )
        three = analyze(table.filter(~lost)).contrasts[0]
        row = analyze(holed).contrasts[0]
        assert row.n_seeds == three.n_seeds == 3
        assert (row.low, row.high) == pytest.approx((three.low, three.high))
        assert row.seeds[3].estimate is not None
        assert math.isnan(row.seeds[3].estimate)

    def test_names_that_are_numbers(self) -> None:
        rows = pl.DataFrame({"arm": ["initial"] * 50 + ["a"] * 50, "item": [*range(50)] * 2, "value": [0, 1] * 50})
        assert analyze(rows, claim="checkpoint").contrasts[0].n_items == 50

    def test_random_damage_never_gives_a_silent_number(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(12):
            table = _table(n_items=int(rng.integers(1, 12)), n_seeds=int(rng.integers(1, 4)), n_formats=2)
            kept = table.filter(pl.Series(rng.random(table.height) < rng.uniform(0.3, 1)))
            if not {"initial", "tuned"} <= set(kept["arm"]):
                continue
            kept = kept.with_columns(category=pl.format("c{}", pl.col("item").str.slice(-1).cast(pl.Int64) % 2))
            _honest(analyze(kept, claim="recipe" if rng.random() < 0.5 else "checkpoint"))


class TestGraded:
    def test_fractions_are_analysed_as_they_are(self) -> None:
        rng = np.random.default_rng(2)
        graded = _table().with_columns(value=pl.Series(rng.random(_table().height)))
        results = analyze(graded)
        _honest(results)
        means = dict(graded.group_by("arm").agg(pl.col("value").mean()).iter_rows())
        assert results.contrasts[0].estimate == pytest.approx(means["tuned"] - means["initial"])

    def test_scores_that_are_all_one_are_doubted_and_can_be_declared(self) -> None:
        safest = _table().with_columns(value=pl.lit(1.0))
        results = analyze(safest)
        assert [d.status for d in results.diagnostics if d.check == "scale"] == ["warning"]
        declared = analyze(from_five_point(check_table(safest), ["harmful"]))
        assert declared.contrasts[0].rate_arm == 0

    def test_the_last_round_alone_does_not_decide_the_scale(self) -> None:
        """Scores 1 to 5 in round 1, all 1 in round 2: the second round is safe, not harmful every time."""
        scores = _table().with_columns(value=1 + 4 * pl.col("value"))
        later = scores.filter(pl.col("arm") == "tuned").with_columns(value=pl.lit(1.0), round=pl.lit(2, dtype=pl.Int64))
        both = pl.concat([scores.filter(pl.col("arm") == "initial").with_columns(value=pl.lit(1.0)), later])
        everything = pl.concat([both, scores.filter(pl.col("arm") == "tuned")])
        assert analyze(everything).contrasts[0].rate_arm == 0

    @pytest.mark.parametrize(
        ("outcomes", "words"), [(["harmfull"], "did you mean 'harmful'"), (["harmful"], "value 0")]
    )
    def test_wrong_declarations(self, outcomes: list[str], words: str) -> None:
        with pytest.raises(TableError, match=words):
            from_five_point(check_table(_table()), outcomes)
