"""Row by row: what a reading says, layouts that mix, and bad rows that are skipped with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.data import load_source
from aftertune.data.reading import stream_rows, whole
from aftertune.errors import DataError
from aftertune.files import Reject
from aftertune.records import Row, Turn


def write(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def alpaca(n: int) -> list[Any]:
    return [{"instruction": f"Ask {i}", "input": "", "output": f"Say {i}"} for i in range(n)]


def talk(*said: tuple[str, str]) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": what} for who, what in said]}


def test_a_reading_has_the_turns_kept_and_those_cut_off(tmp_path: Path) -> None:
    row = talk(("system", "s"), ("gpt", "tail"), ("human", "a"), ("gpt", "b"), ("human", "thanks"))
    stream = stream_rows(write(tmp_path, [row]))
    (reading,) = stream
    assert stream.layout == "sharegpt"
    assert reading.row == Row("1", (Turn("system", "s"), Turn("user", "a"), Turn("assistant", "b")))
    assert reading.before == (Turn("assistant", "tail"),)
    assert reading.after == (Turn("user", "thanks"),)
    assert reading.answered
    assert whole(reading, reading.row).turns == stream.form.read(row)
    led = Row("1", (Turn("system", "t"), *reading.row.turns[1:]))
    assert [turn.content for turn in whole(reading, led).turns] == ["t", "tail", "a", "b", "thanks"]


@pytest.mark.parametrize(
    "row",
    [
        talk(("human", "a")),
        talk(("human", "a"), ("gpt", " \n")),
        talk(("gpt", "b"), ("human", "a")),
        talk(("system", "s"), ("human", "a")),
        {"conversations": None},
        {"conversations": []},
    ],
)
def test_a_row_without_an_answer_says_so_and_loses_nothing(tmp_path: Path, row: dict[str, Any]) -> None:
    good = talk(("human", "a"), ("gpt", "b"))
    stream = stream_rows(write(tmp_path, [good, row]))
    first, second = stream
    assert first.answered
    assert not second.answered
    said = sorted(turn.content for turn in whole(second, second.row).turns)
    assert said == sorted(turn.content for turn in stream.form.read(row))


@pytest.mark.parametrize("at", [1, 150, 700])
def test_a_row_of_another_layout_has_its_line(tmp_path: Path, at: int) -> None:
    rows = alpaca(800)
    rows[at] = {"instruction": "a", "context": "", "response": "b"}
    path = write(tmp_path, rows)
    said = f":{at + 1}: mixed layouts: this row is in dolly, and those before it are in alpaca"
    with pytest.raises(DataError, match=said):
        list(stream_rows(path))
    bad: list[Reject] = []
    assert len(list(stream_rows(path, rejects=bad.append))) == 799
    assert [reject.where for reject in bad] == [f"line {at + 1}"]


def test_turns_of_two_kinds_in_one_column_are_mixed_layouts(tmp_path: Path) -> None:
    rows = [talk(("human", "a"), ("gpt", "b")), {"conversations": [{"role": "user", "content": "a"}]}]
    with pytest.raises(DataError, match=":2: mixed layouts: this row is in messages, and those before"):
        list(stream_rows(write(tmp_path, rows)))


def test_null_columns_are_gaps_and_no_other_layout(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": "b", "messages": None}, {"prompt": "a", "completion": None}]
    assert [reading.answered for reading in stream_rows(write(tmp_path, rows))] == [True, False]


def test_rows_keep_their_numbers_when_others_are_skipped(tmp_path: Path) -> None:
    rows = alpaca(6)
    rows[1], rows[3] = '{"instruction": ', {"instruction": "a", "output": {"text": "b"}}
    bad: list[Reject] = []
    found = list(stream_rows(write(tmp_path, rows), rejects=bad.append))
    assert [reading.row.id for reading in found] == ["1", "3", "5", "6"]
    assert [(reject.where, reject.reason[:31]) for reject in bad] == [
        ("line 2", "bad JSON at column 17 (Expectin"),
        ("line 4", "column 'output': found an objec"),
    ]
    with pytest.raises(DataError, match=r"rows\.jsonl:2: bad JSON"):
        list(stream_rows(tmp_path / "rows.jsonl"))


def test_nested_surprises_are_refused_with_their_place(tmp_path: Path) -> None:
    surprises: list[Any] = [["a"], {"text": "a"}, [[]], [{"type": "image"}]]
    rows = alpaca(len(surprises) + 1)
    for place, value in enumerate(surprises, start=1):
        rows[place]["instruction"] = value
    bad: list[Reject] = []
    assert len(list(stream_rows(write(tmp_path, rows), rejects=bad.append))) == 1
    assert [reject.where for reject in bad] == [f"line {n}" for n in range(2, 6)]
    assert {reject.reason.partition(":")[0] for reject in bad} == {"column 'instruction'"}


def test_nesting_as_deep_as_json_allows_is_no_crash(tmp_path: Path) -> None:
    deep = '{"instruction": "a", "output": "b", "more": ' + "[" * 900 + '"\\ud800"' + "]" * 900 + "}"
    bad: list[Reject] = []
    assert len(list(stream_rows(write(tmp_path, [*alpaca(1), deep]), rejects=bad.append))) == 1
    assert "half of a character pair" in bad[0].reason


def test_instances_are_rows_of_their_record(tmp_path: Path) -> None:
    two = [{"input": "", "output": "x"}, {"input": "c", "output": "y"}]
    rows = [{"id": "t", "instruction": "i", "instances": two}, {"id": "u", "instruction": "j", "instances": two[:1]}]
    source = load_source(write(tmp_path, rows))
    assert [(row.id, row.prompt, row.answer) for row in source.rows] == [
        ("t/1", "i", "x"),
        ("t/2", "i\n\nc", "y"),
        ("u", "j", "x"),
    ]
    del rows[1]["id"]
    assert [row.id for row in load_source(write(tmp_path, rows)).rows] == ["1/1", "1/2", "2"]
    rows[1]["instances"] = []
    assert load_source(write(tmp_path, rows), allow_empty=0.5).n_empty == 1


def test_html_and_escapes_stay_as_they_are(tmp_path: Path) -> None:
    text = "<script>alert(1)</script>\x1b[31m\x00\u202e&amp;"
    rows = [{"instruction": text, "output": text}]
    (row,) = load_source(write(tmp_path, rows)).rows
    assert row.prompt == row.answer == text
