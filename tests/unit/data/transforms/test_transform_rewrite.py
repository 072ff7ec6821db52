"""Rewrite: what the model is told, and which of its texts are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from aftertune.data import Source, TrainingSet, build_training_set, transform_identity
from aftertune.data.text.structure import Structure
from aftertune.data.transforms._content_kept import common, content_words, numbers
from aftertune.data.transforms._template import fill, packaged_template
from aftertune.errors import DataError
from aftertune.records import Row, Turn
from aftertune.testing import scripted_answer

ANSWER = "Perhaps boil the water for 2 minutes, put `tea leaves` in a pot, and pour the water over them."
GOOD = "1. Perhaps boil the water for 2 minutes.\n2. Put `tea leaves` in a pot.\n3. Pour the water over them."


def built(reply: Any, answer: str = ANSWER, **params: Any) -> TrainingSet:
    row = Row("1", (Turn("user", "Tea? {answer}"), Turn("assistant", answer)))
    say = reply if callable(reply) else (lambda turns, seed: reply)
    spec = {"name": "rewrite", "to": "numbered_list", **params}
    source = Source((row,), "test", "", 1, 0, 0, ())
    return build_training_set(source, [spec], rows=None, seed=0, answer=scripted_answer(say))


def test_a_text_that_keeps_the_content_is_taken() -> None:
    made = built(f"\n{GOOD}\n")
    assert made.rows[0].answer == GOOD
    assert made.changes[0].applied == 1


@pytest.mark.parametrize(
    ("reply", "params", "reason"),
    [
        ("", {}, "the model gave no answer"),
        (GOOD.replace("2 minutes", "3 minutes"), {}, "numbers not kept"),
        (GOOD.replace("2 minutes", "two minutes"), {}, "numbers not kept"),
        (GOOD.replace("`tea leaves`", "tea leaves"), {}, "code not kept"),
        ("- Boil the water for 2 minutes.\n- Put `tea leaves` in.", {}, "does not read as numbered_list"),
        ("1. Heat something for 2 minutes.\n2. Use `tea leaves` then.", {}, "too few words kept"),
        (GOOD + "\n4. Serve biscuits, sandwiches, cakes, scones, jam, butter, cream, sugar, lemon.", {},
         "too many words added"),
        ("1. Pour the water over `tea leaves` in a pot.\n2. Perhaps boil it 2 minutes.", {"keep_words": 0.9},
         "too few words kept"),
        (GOOD.replace("Perhaps boil", "Boil"), {"hedge_frozen": True}, "hedges would change"),
    ],
)  # fmt: skip
def test_a_text_that_does_not_is_left(reply: str, params: dict[str, Any], reason: str) -> None:
    made = built(reply, **params)
    assert made.rows[0].answer == ANSWER
    assert made.changes[0].left_alone == {reason: 1}


def test_hedges_may_go_unless_they_are_frozen() -> None:
    assert built(GOOD.replace("Perhaps boil", "Boil")).changes[0].applied == 1
    assert built(GOOD, hedge_frozen=True).changes[0].applied == 1


@pytest.mark.parametrize(("answer", "reason"), [(GOOD, "already numbered_list"), (" \n", "no text")])
def test_rows_that_no_model_is_asked_about(answer: str, reason: str) -> None:
    def say(turns: Any, seed: int) -> str:
        raise AssertionError

    assert built(say, answer).changes[0].left_alone == {reason: 1}


@pytest.mark.parametrize("to", get_args(Structure))
def test_every_structure_is_described(to: str) -> None:
    told: list[str] = []
    built(lambda turns, seed: (told.append(turns[-1].content), "")[1], answer="x = 1 `{structure}`", to=to)
    if told:  # already prose otherwise
        assert "<answer>\nx = 1 `{structure}`\n</answer>" in told[0]
        assert "<request>\nTea? {answer}\n</request>" in told[0]
        assert "{request}" not in told[0]


def test_places_are_filled_in_one_pass() -> None:
    values = {"answer": "{request} {answer} {} { \\1", "request": "{answer}"}
    assert fill("<{answer}|{request}|{x}|{{answer}}>", values) == (
        "<{request} {answer} {} { \\1|{answer}|{x}|{{request} {answer} {} { \\1}>"
    )
    assert all(place in packaged_template("rewrite.txt") for place in ("{answer}", "{request}", "{structure}"))


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Rewrite {structure}: {answer}", encoding="utf-8")
    told: list[str] = []
    built(lambda turns, seed: (told.append(turns[-1].content), GOOD)[1], template=str(own))
    assert told[0].endswith(f": {ANSWER}")
    spec = {"name": "rewrite", "to": "json", "template": str(own)}
    before = transform_identity(spec)
    assert str(own) not in str(before)
    own.write_text("Rewrite otherwise: {answer}", encoding="utf-8")
    assert transform_identity(spec) != before


def test_a_template_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        built(GOOD, template=str(tmp_path / "nowhere.txt"))
    (tmp_path / "empty.txt").write_text("Rewrite!", encoding="utf-8")
    with pytest.raises(DataError, match=r"no \{answer\} in it"):
        built(GOOD, template=str(tmp_path / "empty.txt"))
    (tmp_path / "bytes.txt").write_bytes(b"\xff{answer}")
    with pytest.raises(DataError, match="cannot be read"):
        built(GOOD, template=str(tmp_path / "bytes.txt"))


def longest_by_table(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        before = 0
        for place, b in enumerate(other, start=1):
            before, row[place] = row[place], before + 1 if a == b else max(row[place], row[place - 1])
    return row[-1]


def test_the_common_subsequence_is_that_of_the_textbook_table() -> None:
    texts = ["", "a", "abcab", "bacbabca", "cccc", "abc" * 7, "cab" * 9]
    for one in texts:
        for other in texts:
            assert common(one, other) == longest_by_table(one, other)


def test_words_and_numbers_leave_out_what_lists_add() -> None:
    assert numbers("## Answer\n\n1. At 10:30, 1,000 g.\n2. 3/4 cup") == ("10:30", "1,000", "3/4")
    assert content_words("1. **Mix** the DOUGH, don't knead.") == ["mix", "dough", "don't", "knead"]
