"""Training sets: transforms in order, counted, diffed, written and read back; bad specs are named."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aftertune import registry
from aftertune.data import (
    Source,
    build_training_set,
    read_training_set,
    transform_identity,
    validate_transforms,
    write_training_set,
)
from aftertune.data.build import Changes
from aftertune.data.transforms.base import Params, Transform
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
        "removed": 0,
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
        ({**LISTED, "dos": 0.5}, "unknown parameter 'dos' (did you mean 'dose'?); it takes: "),
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


def test_the_identity_of_a_file_is_its_bytes(tmp_path: Path) -> None:
    spec = {"name": "safety_mix", "rows": 1, "path": str(tmp_path / "mine.jsonl")}
    with pytest.raises(DataError, match="no such file"):
        transform_identity(spec)
    (tmp_path / "mine.jsonl").write_text("{}")
    first = transform_identity(spec)
    assert str(tmp_path) not in json.dumps(first)
    (tmp_path / "mine.jsonl").rename(tmp_path / "other.jsonl")
    moved = {**spec, "path": str(tmp_path / "other.jsonl")}
    assert transform_identity(moved) == first
    assert transform_identity(moved, file_digest=lambda path: path.name)["params"]["path"] == "other.jsonl"


MADE = """
from aftertune.data.transforms.base import Params, Transform, Whole, changed_to, with_answer
from aftertune.records import Row, Turn


def transform(**hooks):
    return Transform("1", "For a test.", Params, **hooks)


def other_request(row, params, rng):
    return changed_to(row, (Turn("user", "x"), row.turns[-1]))


def other_answer(row, params, rng):
    return with_answer(row, "x")


def drawn_answer(row, params, rng):
    return with_answer(row, str(rng.integers(10**9)))


def first_out(rows, params, seed):
    return Whole(tuple(rows[1:]), {"odd": 1}, (Row("new", rows[0].turns),))


touches_requests = transform(apply=other_request, keeps="requests")
touches_answers = transform(apply=other_answer, keeps="answers")
keeps = transform(apply=other_answer, keeps="requests")
draws = transform(apply=drawn_answer, draws=lambda params: params.dose == 1)
whole = transform(whole=first_out)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with the transforms above, installed beside this one."""
    (tmp_path / "made_for_a_test.py").write_text(MADE)
    about = tmp_path / "made_for_a_test-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: made_for_a_test\nVersion: 1\n")
    names = ("touches_requests", "touches_answers", "keeps", "draws", "whole")
    lines = [f"{name} = made_for_a_test:{name}" for name in names]
    (about / "entry_points.txt").write_text("\n".join(["[aftertune.transforms]", *lines]))
    monkeypatch.syspath_prepend(tmp_path)
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["touches_requests", "touches_answers"])
def test_a_row_that_loses_what_it_should_keep_is_left_alone(name: str) -> None:
    made = build_training_set(source(), [{"name": name}], rows=None, seed=1)
    assert made.rows == source().rows
    assert made.changes[0].left_alone == {"content not kept": 40}
    assert build_training_set(source(), [{"name": "keeps"}], rows=None, seed=1).changes[0].applied == 40


@pytest.mark.usefixtures("installed")
def test_a_transform_that_draws_gets_a_generator_per_row() -> None:
    made = build_training_set(source(), [{"name": "draws"}], rows=None, seed=1)
    assert len({row.answer for row in made.rows}) == 40
    again = build_training_set(source(), [{"name": "draws"}], rows=10, seed=1)
    assert {row.id: row for row in made.rows}[again.rows[3].id] == again.rows[3]


@pytest.mark.usefixtures("installed")
def test_rows_taken_out_and_added_are_counted_and_in_the_diff() -> None:
    made = build_training_set(source(), [{"name": "whole"}], rows=None, seed=1)
    assert made.changes == (Changes("whole", 0, {"odd": 1}, 0, 1, 1),)
    assert [(d.id, bool(d.before), bool(d.after)) for d in made.diff] == [("new", False, True), ("0", True, False)]


def test_a_transform_has_one_hook() -> None:
    for hooks in ({}, {"apply": lambda row, params, rng: row, "more": lambda rows, params, seed: ()}):
        with pytest.raises(ValueError, match="exactly one of"):
            Transform("1", "t.", Params, **hooks)  # type: ignore[arg-type]


def test_the_loop_costs_a_few_microseconds_per_row() -> None:
    rows = tuple(Row(str(i), (Turn("user", "a"), Turn("assistant", ""))) for i in range(20_000))
    many = Source(rows, "x", "", len(rows), 0, 0, ())
    spec = {"name": "answer_structure", "to": "prose"}
    ((transform, params),) = validate_transforms([spec])
    assert transform.apply is not None
    took = []
    for _ in range(3):
        start = time.perf_counter()
        build_training_set(many, [spec], rows=None, seed=0)
        whole = time.perf_counter() - start
        start = time.perf_counter()
        for row in rows:
            transform.apply(row, params, None)
        took.append((whole - (time.perf_counter() - start)) / len(rows))
    assert min(took) < 12e-6  # about 1.5 on an idle core


def test_an_unknown_transform_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'role_play'"):
        validate_transforms([{"name": "roleplay", "mode": "add"}])


def test_the_identity_of_a_transform_has_every_parameter() -> None:
    assert transform_identity(PIRATE) == {
        "name": "role_play",
        "version": "1",
        "params": {
            "dose": 0.5,
            "mode": "add",
            "persona": "pirate",
            "stance": "neutral",
            "strength": "adopt",
            "place": "user",
        },
    }
    assert transform_identity(LISTED) == transform_identity({**LISTED, "dose": 1})
