"""Shuffled answers: no row keeps its own, all texts stay, whatever the order of the rows."""

from __future__ import annotations

import pytest

from aftertune.data.transforms.base import Whole
from aftertune.data.transforms.shuffle_answers import ShuffleAnswers, whole
from aftertune.records import Row, Turn


def rows(n: int) -> list[Row]:
    system = Turn("system", "Be kind.")
    return [
        Row(str(i), (system, Turn("user", f"Ask {i}."), Turn("assistant", "Hm?"), Turn("user", "Do!"),
                     Turn("assistant", f"Answer {i}.")))
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 10, 501])
def test_no_row_keeps_its_own_answer(n: int) -> None:
    made = whole(rows(n), ShuffleAnswers(), 0)
    assert all(after.answer != before.answer for after, before in zip(made.rows, rows(n), strict=True))
    assert sorted(row.answer for row in made.rows) == sorted(row.answer for row in rows(n))
    assert [row.turns[:-1] for row in made.rows] == [row.turns[:-1] for row in rows(n)]
    assert made.left_alone == {}


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does() -> None:
    made = whole(rows(30), ShuffleAnswers(), 0).rows
    assert whole(rows(30)[::-1], ShuffleAnswers(), 0).rows == made[::-1]
    assert whole(rows(30), ShuffleAnswers(), 1).rows != made


def test_one_row_and_none_stay_as_they_are() -> None:
    assert whole(rows(1), ShuffleAnswers(), 0) == Whole(tuple(rows(1)), {"no other row": 1})
    assert whole([], ShuffleAnswers(), 0) == Whole(())


def test_rows_that_get_the_same_text_are_left_alone() -> None:
    same = [Row(str(i), (Turn("user", "a"), Turn("assistant", "b"))) for i in range(3)]
    made = whole(same, ShuffleAnswers(), 0)
    assert made.left_alone == {"same text as its own": 3}
    assert all(after is before for after, before in zip(made.rows, same, strict=True))
