"""Training sets: transforms in order, counted, diffed, written and read back; bad specs are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aftertune.data import (
    Source,
    build_training_set,
    read_training_set,
    transform_identity,
    validate_transforms,
    write_training_set,
)
from aftertune.errors import DataError, SpecError, UnknownName
from aftertune.records import Row, Turn

LISTED = {"name": "answer_structure", "to": "numbered_list"}
PIRATE = {"name": "role_play", "mode": "add", "dose": 0.5}


def source(n: int = 40) -> Source:
    rows = tuple(
        Row(str(i), (Turn("user", f"Ask {i}."), Turn("assistant", "One. Two." if i % 4 else "One."))) for i in range(n)
    )
    return Source(rows, "alpaca", "0" * 64, n, 0, 0, ())


def test_no_transforms_give_the_rows_as_they_are() -> None:
    made = build_training_set(source(), [], rows=None, seed=1)
    assert (made.rows, made.changes, made.diff) == (source().rows, (), ())


def test_every_row_is_counted_once_per_transform() -> None:
    made = build_training_set(source(), [LISTED, PIRATE], rows=None, seed=1)
    listed, pirate = made.changes
    assert (listed.applied, listed.left_alone, listed.not_chosen) == (30, {"one sentence": 10}, 0)
    assert pirate.applied + pirate.not_chosen == 40
    assert 5 < pirate.applied < 35
    changed = {difference.id for difference in made.diff}
    assert changed == {new.id for old, new in zip(source().rows, made.rows, strict=True) if old != new}


def test_arms_with_one_seed_start_from_the_same_rows() -> None:
    plain = build_training_set(source(), [], rows=10, seed=1)
    listed = build_training_set(source(), [LISTED], rows=10, seed=1)
    assert [row.id for row in plain.rows] == [row.id for row in listed.rows]
    assert len(plain.rows) == 10
    assert plain.rows != build_training_set(source(), [], rows=10, seed=2).rows


def test_what_happens_to_a_row_does_not_depend_on_the_others() -> None:
    whole = {row.id: row for row in build_training_set(source(), [LISTED, PIRATE], rows=None, seed=1).rows}
    part = build_training_set(source(), [LISTED, PIRATE], rows=15, seed=1).rows
    assert [whole[row.id] for row in part] == list(part)


def test_written_and_read_back(tmp_path: Path) -> None:
    made = build_training_set(source(), [LISTED, PIRATE], rows=None, seed=1)
    write_training_set(made, tmp_path / "new")
    assert read_training_set(tmp_path / "new") == list(made.rows)
    table = pl.read_parquet(tmp_path / "new" / "training_set.parquet")
    assert table.columns == ["id", "turns", "changed"]
    assert table["changed"].sum() == len(made.diff)
    lines = (tmp_path / "new" / "diff.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(made.diff)
    first = json.loads(lines[0])
    assert first["before"] != first["after"]
    assert first["before"] == [{"role": turn.role, "content": turn.content} for turn in made.diff[0].before]
    counts = json.loads((tmp_path / "new" / "changes.json").read_text("utf-8"))
    assert counts[0] == {
        "transform": "answer_structure",
        "applied": 30,
        "left_alone": {"one sentence": 10},
        "not_chosen": 0,
        "added": 0,
    }


def test_an_empty_diff_and_any_characters_survive_writing(tmp_path: Path) -> None:
    row = Row("\u00e9", (Turn("user", "\x00\u2028\U0001f600 <b>"), Turn("assistant", "\x1b[31m")))
    made = build_training_set(Source((row,), "x", "", 1, 0, 0, ()), [], rows=None, seed=0)
    write_training_set(made, tmp_path)
    assert read_training_set(tmp_path) == [row]
    assert (tmp_path / "diff.jsonl").read_text("utf-8") == ""


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_training_set(tmp_path)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"to": "prose"}, "a transform has no name"),
        (
            {"name": "answer_structure"},
            "transform answer_structure: `to` is missing; legal: prose, sentences,",
        ),
        (
            {"name": "answer_structure", "to": "numbered"},
            "`to` cannot be 'numbered' (did you mean 'numbered_list'?); legal: prose",
        ),
        ({**LISTED, "dos": 0.5}, "unknown parameter 'dos' (did you mean 'dose'?); it takes: dose, to"),
        ({**LISTED, "dose": 0}, "`dose`: input should be greater than 0 (found 0)"),
        ({**LISTED, "dose": 1.5}, "`dose`: input should be less than or equal to 1 (found 1.5)"),
        ({**LISTED, "dose": "x"}, "`dose`: input should be a valid number"),
        ({"name": "role_play", "mode": "add", "persona": "hacker"}, "`persona` cannot be 'hacker'"),
        ({"name": "identity", "mode": "add", "statement": " "}, "`statement`: string should have at least 1"),
    ],
)
def test_bad_parameters_are_named(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        validate_transforms([LISTED, spec])
    assert said in caught.value.message
    assert caught.value.fix


def test_an_unknown_transform_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'role_play'"):
        validate_transforms([{"name": "roleplay", "mode": "add"}])


def test_the_identity_of_a_transform_has_every_parameter() -> None:
    assert transform_identity(PIRATE) == {
        "name": "role_play",
        "version": "1",
        "params": {"dose": 0.5, "mode": "add", "persona": "pirate", "strength": "adopt", "place": "user"},
    }
    assert transform_identity(LISTED) == transform_identity({**LISTED, "dose": 1})
