"""Self-answers: what the model is asked, under which seeds, and what becomes of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from aftertune.data import Source, TrainingSet, build_training_set
from aftertune.data.build import Writer, needs_model
from aftertune.errors import DataError
from aftertune.records import Row, Turn
from aftertune.testing import scripted_answer

ROWS = tuple(Row(str(n), (Turn("user", f"Ask {n}."), Turn("assistant", f"Answer {n}."))) for n in range(6))
TOLD = Row("t", (Turn("system", "Be kind."), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"),
                 Turn("assistant", "d")))  # fmt: skip


def built(*rows: Row, answer: Any, seed: int = 0, **params: Any) -> TrainingSet:
    source = Source(rows, "test", "", len(rows), 0, 0, ())
    return build_training_set(source, [{"name": "self_answers", **params}], rows=None, seed=seed, answer=answer)


def test_every_answer_is_the_models() -> None:
    made = built(*ROWS, answer=scripted_answer(lambda turns, seed: f" {turns[-1].content} Sure.\n"))
    assert [row.answer for row in made.rows] == [f"Ask {n}. Sure." for n in range(6)]
    assert made.changes[0].applied == 6


def test_all_is_asked_at_once_with_earlier_turns_and_seeds_by_name() -> None:
    asked: list[tuple[list[list[Turn]], list[int]]] = []

    def answer(conversations: Any, seeds: Any) -> list[str]:
        asked.append(([list(turns) for turns in conversations], list(seeds)))
        return ["e"] * len(seeds)

    made = built(TOLD, *ROWS, answer=answer)
    built(*ROWS[::-1], answer=answer)
    (first, seeds), (_, other) = asked
    assert first[0] == list(TOLD.turns[:-1])
    assert made.rows[0].turns == (*TOLD.turns[:-1], Turn("assistant", "e"))
    assert len(set(seeds)) == 7
    assert other == seeds[:0:-1]


def test_a_system_text_is_told_and_not_kept() -> None:
    seen: list[Any] = []
    say = scripted_answer(lambda turns, seed: (seen.append(turns), "e")[1])
    made = built(TOLD, answer=say, system="Be brief.")
    assert seen == [(Turn("system", "Be brief."), *TOLD.turns[1:-1])]
    assert made.rows[0].turns[0] == TOLD.turns[0]


def test_rows_that_get_no_other_answer_are_left_alone() -> None:
    odd = Row("o", (Turn("user", "a"), Turn("assistant", "b"), Turn("assistant", "c")))
    replies = {"Ask 0.": " ", "Ask 1.": "Answer 1."}
    made = built(*ROWS[:3], odd, answer=scripted_answer(lambda turns, seed: replies.get(turns[-1].content, "x")))
    assert made.changes[0].left_alone == {
        "no request before the answer": 1,
        "the model gave no answer": 1,
        "the same answer": 1,
    }
    assert made.rows == (*ROWS[:2], made.rows[2], odd)


def test_each_transform_gets_the_model_it_names() -> None:
    specs = [
        {"name": "self_answers", "dose": 0.5},
        {"name": "rewrite", "to": "bullets", "model": "org/other@abc", "temperature": 0.5},
        {"name": "self_answers", "model": "initial"},
    ]
    writers = needs_model(specs)
    assert writers == [Writer("initial", 0.0, 512), Writer("org/other@abc", 0.5, 1024)]
    own = {writers[0]: scripted_answer(lambda turns, seed: "One. Two."),
           writers[1]: scripted_answer(lambda turns, seed: "- One.\n- Two.")}  # fmt: skip
    source = Source(ROWS, "test", "", 6, 0, 0, ())
    made = build_training_set(source, [specs[2], specs[1]], rows=None, seed=0, answer=own)
    assert {row.answer for row in made.rows} == {"- One.\n- Two."}
    with pytest.raises(DataError, match="rewrite has a model write, and there is none"):
        build_training_set(source, [specs[1]], rows=None, seed=0, answer={writers[0]: own[writers[0]]})
    with pytest.raises(DataError, match="self_answers has a model write"):
        build_training_set(source, [specs[0]], rows=None, seed=0)


@pytest.mark.parametrize("n", [5, 7])
def test_a_model_that_answers_another_number_of_times_is_a_mistake(n: int) -> None:
    with pytest.raises(ValueError, match="answers than it was asked for"):
        built(*ROWS, answer=lambda asked, seeds: ["x"] * n)


def test_no_model_is_asked_about_no_rows() -> None:
    odd = Row("o", (Turn("user", "a"), Turn("assistant", "b"), Turn("assistant", "c")))

    def answer(asked: Any, seeds: Any) -> list[str]:
        raise AssertionError

    assert built(odd, answer=answer).rows == (odd,)
