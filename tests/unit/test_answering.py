"""Answers of a model for transforms: what they depend on, what is kept, what counts as none."""

from __future__ import annotations

import json

import pytest

from aftertune.answering import Answers
from aftertune.backends.hf import ModelRef, load_model
from aftertune.data.build import Writer
from aftertune.organism import folder
from aftertune.records import Turn

ASKED = [
    (Turn("user", "How do I clean a kettle?"),),
    (Turn("user", "What is 2 plus 3?"),),
    (Turn("system", "You are short."), Turn("user", "Tell me a story about a cat.")),
]


@pytest.fixture(scope="module")
def organism():
    return load_model(ModelRef(folder("model")))


def test_the_same_prompt_gets_the_same_answer_whatever_its_company(organism):
    writer = Writer("initial", 0.0, 48)
    together = Answers(organism, "organism", writer, None)(ASKED, [1, 2, 3])
    alone = [Answers(organism, "organism", writer, None)([asked], [9])[0] for asked in ASKED]
    assert together == alone
    assert all(together)


def test_sampled_answers_depend_on_their_seed_only(organism):
    warm = Answers(organism, "organism", Writer("initial", 1.5, 48), None)
    first, again = warm([ASKED[0]] * 3, [1, 2, 1]), warm([ASKED[0]], [2])
    assert first[0] == first[2]
    assert first[1] == again[0]
    assert first[0] != first[1]


def test_an_answer_that_breaks_off_or_does_not_fit_is_none(organism):
    assert Answers(organism, "organism", Writer("initial", 0.0, 2), None)(ASKED[:1], [0]) == [""]
    long = (Turn("user", "word " * 5000),)
    assert Answers(organism, "organism", Writer("initial", 0.0, 48), None)([long], [0]) == [""]


def test_near_the_end_of_the_context_answers_have_the_room_there_is(organism):
    whole = Answers(organism, "organism", Writer("initial", 0.0, 48), None)(ASKED, [0] * 3)
    assert Answers(organism, "organism", Writer("initial", 0.0, 512), None)(ASKED, [0] * 3) == whole


def test_what_was_written_is_kept_and_read_again(organism, tmp_path):
    writer = Writer("initial", 0.0, 48)
    first = Answers(organism, "organism", writer, tmp_path)(ASKED, [0, 0, 0])
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)[1] for line in lines] == first
    changed = [json.dumps([json.loads(line)[0], "kept"]) for line in lines]
    path.write_text("\n".join([*changed[:2], changed[2][:20]]), encoding="utf-8")  # the last line was cut by a kill
    again = Answers(organism, "organism", writer, tmp_path)(ASKED, [0, 0, 0])
    assert again == ["kept", "kept", first[2]]
    assert Answers(organism, "another", writer, tmp_path)(ASKED[:1], [0]) == first[:1]
