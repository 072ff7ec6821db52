"""What every source layout promises: rows survive writing and reading, and each is told from the others."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data import detect, load_source
from aftertune.data.sources.base import Layout
from aftertune.errors import DataError
from aftertune.files import Record
from aftertune.records import Row, Turn
from aftertune.registry import load, names

NAMES = names("layout")
MANY_TURNS = {"alpaca", "messages", "sharegpt"}
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
EXCHANGES = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3)


def row_of(exchanges: list[tuple[str, str]], system: str = "") -> Row:
    head = [Turn("system", system)] if system else []
    said = [turn for asked, answer in exchanges for turn in (Turn("user", asked), Turn("assistant", answer))]
    return Row("1", (*head, *said))


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_says_what_it_is(name: str) -> None:
    layout: Layout = load("layout", name)
    assert layout.version
    assert layout.about.endswith(".")
    fields = layout.write(row_of([("a", "b")]))
    assert set(layout.columns) <= set(fields)
    assert layout.matches(fields)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layout_writes_is_recognised_as_that_layout_only(name: str) -> None:
    layout: Layout = load("layout", name)
    assert detect([Record(layout.write(row_of([("a", "b")])), "row 1")]) == name


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(exchanges=EXCHANGES, system=TEXT)
def test_rows_survive_writing_and_reading(name: str, exchanges: list[tuple[str, str]], system: str) -> None:
    many = name in MANY_TURNS
    row = row_of(exchanges if many else exchanges[:1], system if many else "")
    layout: Layout = load("layout", name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text(json.dumps(layout.write(row)), encoding="utf-8")
        source = load_source(path)
    assert source.layout == name
    assert [row.turns for row in source.rows] == [row.turns]


@pytest.mark.parametrize("name", sorted(set(NAMES) - MANY_TURNS))
def test_what_a_layout_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"row 1: the {name} layout holds one question") as caught:
        load("layout", name).write(row_of([("a", "b"), ("c", "d")]))
    assert caught.value.fix == "write it in the `messages` layout"


@pytest.mark.parametrize("name", NAMES)
def test_other_columns_do_not_match(name: str) -> None:
    assert not load("layout", name).matches({"foo": "a", "chosen": "b", "rejected": "c"})
