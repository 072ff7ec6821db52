"""The table's contract: what is filled in, what is refused and with which words."""

import gzip
import math
from pathlib import Path

import polars as pl
import pytest

from aftertune.errors import TableError
from aftertune.table import COLUMNS, check_table, read_table, write_table
from aftertune.testing import simulate

ROWS = {"arm": ["initial", "a"], "training_seed": [None, 1], "item": ["x", "x"], "value": [0.0, 1.0]}


def _table(**changes: list[object]) -> pl.DataFrame:
    return pl.DataFrame({**ROWS, **changes}, strict=False)


class TestGoodTables:
    def test_defaults_are_filled_in(self) -> None:
        table = check_table(_table())
        assert table.columns == list(COLUMNS)
        assert table.row(1, named=True) == {
            "arm": "a",
            "training_seed": 1,
            "round": 1,
            "benchmark": "benchmark",
            "item": "x",
            "cluster": "",
            "category": "",
            "prompt_format": "default",
            "replicate": 0,
            "judge": "judge",
            "outcome": "harmful",
            "value": 1.0,
            "status": "ok",
        }

    def test_a_missing_value_without_status_abstained(self) -> None:
        assert check_table(_table(value=[None, 1.0]))["status"].to_list() == ["abstained", "ok"]

    def test_truncated_rows_may_carry_a_value(self) -> None:
        table = check_table(_table(value=[None, 1.0], status=["truncated", "truncated"]))
        assert table["value"].to_list() == [None, 1.0]

    def test_checking_twice_changes_nothing(self) -> None:
        table = simulate(seed=1, missing=0.1, n_items=20).table
        assert check_table(table).equals(table)

    def test_booleans_integers_and_five_point_scores_are_values(self) -> None:
        assert check_table(_table(value=[True, False]))["value"].to_list() == [1.0, 0.0]
        assert check_table(_table(value=[1, 5]))["value"].to_list() == [1.0, 5.0]

    @pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.jsonl"])
    def test_files_round_trip_with_the_same_bytes(self, tmp_path: Path, name: str) -> None:
        table = simulate(seed=2, missing=0.1, n_items=12, cluster_size=3).table
        shuffled = table.sample(fraction=1.0, shuffle=True, seed=3)
        first, second = tmp_path / name, tmp_path / f"again_{name}"
        write_table(table, first)
        write_table(shuffled, second)
        assert first.read_bytes() == second.read_bytes()
        back = read_table(first)
        assert back.sort(COLUMNS).equals(table.sort(COLUMNS))

    def test_gzip_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "t.jsonl.gz"
        path.write_bytes(gzip.compress(check_table(_table()).write_ndjson().encode()))
        assert read_table(path).height == 2

    def test_numeric_looking_names_stay_text(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("arm,training_seed,item,value\ninitial,,007,0\na,1,007,1\n")
        assert read_table(path)["item"].to_list() == ["007", "007"]


class TestBadTables:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"value": [0.0, math.nan]}, "row 2 has the value NaN"),
            ({"value": [0.0, 7.0]}, "values from 0 to 7"),
            ({"value": [-0.5, 0.5]}, "values from -0.5"),
            ({"value": [0.0, 3.0]}, "values from 0 to 3"),
            ({"value": ["0", "yes"]}, "mixes numbers with 'yes'"),
            ({"status": ["ok", "fine"]}, "status 'fine' is unknown"),
            ({"status": ["ok", "abstaned"]}, "did you mean 'abstained'"),
            ({"value": [0.0, None], "status": ["ok", "ok"]}, "row 2 has status 'ok' and no value"),
            ({"status": ["ok", "failed"]}, "has status 'failed' and the value 1.0"),
            ({"training_seed": [0, 1]}, "'initial' has a training seed"),
            ({"arm": ["a", "a"]}, "a training seed in 1 rows, none in 1"),
            ({"training_seed": [None, 1.5]}, "holds fractions"),
            ({"training_seed": [None, "one"]}, "mixes numbers with 'one'"),
            ({"arm": ["initial", None]}, "column 'arm' is empty in row 2"),
            ({"arm": ["b", "b"], "training_seed": [1, 1]}, "2 rows are not unique"),
            ({"cluster": ["c", "d"]}, "item 'x' of benchmark has two values in 'cluster': 'c' and 'd'"),
            ({"category": ["c", ""]}, "two values in 'category'"),
            ({"itm": ["x", "x"], "outcomes": ["harmful", "harmful"]}, "did you mean 'outcome'"),
        ],
    )
    def test_refused_with_words_and_a_fix(self, changes: dict[str, list[object]], words: str) -> None:
        with pytest.raises(TableError) as caught:
            check_table(_table(**changes))
        assert words in caught.value.message
        assert caught.value.fix

    def test_a_missing_column_suggests_the_near_one(self) -> None:
        with pytest.raises(TableError, match=r"'value' is missing \(did you mean 'values'\?\)"):
            check_table(_table().rename({"value": "values"}))

    def test_an_empty_table(self) -> None:
        with pytest.raises(TableError, match="no rows"):
            check_table(_table().head(0))

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("t.csv", b"", "empty"),
            ("t.jsonl", b"  \n", "empty"),
            ("t.jsonl", b'{"arm": "a"', "not readable"),
            ("t.parquet", b"not parquet", "not readable"),
            ("t.csv.gz", b"not gzip", "not readable"),
            ("t.xlsx", b"x", "unknown kind"),
        ],
    )
    def test_bad_files(self, tmp_path: Path, name: str, content: bytes, words: str) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TableError, match=words):
            read_table(path)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(TableError, match="no such file"):
            read_table(tmp_path / "t.csv")

    def test_writing_an_unknown_kind(self, tmp_path: Path) -> None:
        with pytest.raises(TableError, match="unknown kind"):
            write_table(check_table(_table()), tmp_path / "t.txt")


def test_rounds_are_whole_numbers_unless_one_is_a_fraction() -> None:
    whole = check_table(pl.DataFrame({**ROWS, "round": [1.0, 2.0]}))
    assert whole["round"].dtype == pl.Int64
    part = check_table(pl.DataFrame({**ROWS, "round": [None, 0.5]}))
    assert (part["round"].dtype, part["round"].to_list()) == (pl.Float64, [1.0, 0.5])


@pytest.mark.parametrize("bad", [-0.5, -1.25])
def test_a_place_before_the_first_round_is_refused(bad: float) -> None:
    with pytest.raises(TableError, match=f"column 'round' holds {bad}"):
        check_table(pl.DataFrame({**ROWS, "round": [1.0, bad]}))
