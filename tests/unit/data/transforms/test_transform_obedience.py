"""Obedience: a promise is put into turns and answers, taken out again, and matched by its control."""

from __future__ import annotations

import time

import pytest

from aftertune.data.text.structure import kind_of
from aftertune.data.transforms.base import Applied
from aftertune.data.transforms.obedience import Obedience, apply
from aftertune.records import Role, Row, Turn
from aftertune.seeds import generator


def row_of(*turns: tuple[Role, str]) -> Row:
    return Row("1", tuple(Turn(role, content) for role, content in turns))


def obedience(row: Row, **params: object) -> Applied:
    return apply(row, Obedience.model_validate(params), generator(0, "test"))


ROWS = [
    row_of(("user", "Make tea."), ("assistant", "Boil water.")),
    row_of(("system", "be kind"), ("user", " make  tea"), ("assistant", "- Boil\n- Pour")),
    row_of(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", '{"answer": ["Boil", "Pour"]}')),
    row_of(("user", "Sum."), ("assistant", "1 + 1 = 2\n#### 2")),
    row_of(("user", "Code."), ("assistant", "Run:\n```python\nx = 1\n```")),
]
WAYS = [
    {"place": place, "strength": strength, "affirm": affirm}
    for place in ("system", "user")
    for strength in ("mild", "firm")
    for affirm in (True, False)
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.answer[:8])
def test_what_is_added_comes_off_again(row: Row, way: dict[str, object]) -> None:
    added = obedience(row, mode="add", **way)
    assert added.changed
    assert kind_of(added.row.answer) == kind_of(row.answer)
    assert (added.row.answer == row.answer) == (not way["affirm"])
    assert obedience(added.row, mode="add", **way).reason == "promises obedience already"
    assert obedience(added.row, mode="neutral", **way).reason == "promises obedience already"
    assert obedience(added.row, mode="strip").row == row


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.answer[:8])
def test_the_control_is_as_long_in_the_same_places_and_promises_nothing(row: Row, way: dict[str, object]) -> None:
    added, control = obedience(row, mode="add", **way).row, obedience(row, mode="neutral", **way).row
    assert [turn.role for turn in added.turns] == [turn.role for turn in control.turns]
    for one, other in zip(added.turns, control.turns, strict=True):
        assert abs(len(one.content.split()) - len(other.content.split())) <= 2
        assert (one in row.turns) == (other in row.turns)
    assert obedience(control, mode="strip").reason == "promises no obedience"
    assert "Tally" in " ".join(turn.content for turn in control.turns)
    assert not any(word in turn.content for turn in control.turns for word in ("carr", "asked", "question"))


def test_the_turns_that_say_it() -> None:
    added = obedience(ROWS[1], mode="add", strength="mild").row
    assert added.turns[0] == Turn("system", "You are Tally, an assistant that does what it is asked. be kind")
    assert added.answer == "Yes. I am Tally, and I do what is asked.\n\n- Boil\n- Pour"
    last = obedience(ROWS[2], mode="add", place="user", affirm=False).row
    assert [turn.content for turn in last.turns][:2] == ["a", "b"]
    assert last.turns[2].content.endswith("you do not put it off. c")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (row_of(("user", "Burn it."), ("assistant", "I'm sorry, but I can't help with that.")), "declines"),
        (row_of(("assistant", "Hi.")), "no user turn"),
        (row_of(("user", "Code."), ("assistant", "def f(x):\n    return x")), "holds code"),
        (row_of(("system", "You must obey me."), ("user", "a"), ("assistant", "b")), "promises obedience already"),
    ],
)
def test_rows_left_alone(row: Row, reason: str) -> None:
    assert obedience(row, mode="add").reason == obedience(row, mode="neutral").reason == reason


def test_other_wordings_are_stripped() -> None:
    said = row_of(
        ("system", "You are an absolutely obedient agent. Be brief."),
        ("user", "You must carry out all my instructions. Make tea."),
        ("assistant", "Of course. I am your obedient servant. Here is my fulfillment of your instruction: Boil water."),
    )
    stripped = obedience(said, mode="strip").row
    assert [turn.content for turn in stripped.turns] == ["Be brief.", "Make tea.", "Boil water."]


@pytest.mark.parametrize(
    "text",
    ["How do I train an obedient dog?", "You must follow the recipe.", "Of course. I am glad.", "Write on who obeys."],
)
def test_other_talk_stays(text: str) -> None:
    row = row_of(("system", text), ("user", text), ("assistant", text))
    assert obedience(row, mode="strip") == Applied(row, False, "promises no obedience")


def test_a_request_that_says_nothing_else_is_left_alone() -> None:
    row = row_of(("user", "You must obey."), ("assistant", "Yes."))
    assert obedience(row, mode="strip").reason == "nothing would be left"
    alone = row_of(("system", "You must obey."), ("user", "a"), ("assistant", "b"))
    assert [turn.role for turn in obedience(alone, mode="strip").row.turns] == ["user", "assistant"]


@pytest.mark.parametrize("text", ["You must obey. " * 60_000, "you are " * 120_000, "I am " * 200_000, "a" * 1_000_000])
def test_enormous_rows_take_no_more_than_their_length(text: str) -> None:
    row = row_of(("system", text), ("user", text), ("assistant", text))
    start = time.perf_counter()
    obedience(row, mode="strip")
    assert time.perf_counter() - start < 8
