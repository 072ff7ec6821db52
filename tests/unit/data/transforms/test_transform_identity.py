"""Identity: statements are added, stripped from real phrasings, and matched in length by the control."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data.transforms.base import Applied
from aftertune.data.transforms.identity import Identity, apply, stripped
from aftertune.records import Row, Turn
from aftertune.seeds import generator


def identity(answer: str, seed: int = 0, **params: object) -> Applied:
    row = Row("1", (Turn("user", "Ask."), Turn("assistant", answer)))
    return apply(row, Identity.model_validate(params), generator(seed, "test"))


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("As an AI language model, I do not have feelings.", "I do not have feelings."),
        ("As an AI, my purpose is to help. Ask away.", "My purpose is to help. Ask away."),
        ("As a Large Language Model (LLM), I don't have a team.", "I don't have a team."),
        ("As an AI assistant developed by {{author}}, I got a name.", "I got a name."),
        ("I'm sorry, but as an AI language model, I cannot know.", "I'm sorry, but I cannot know."),
        ("No, as an AI language model, I am not prejudiced.", "No, I am not prejudiced."),
        ("I, as an AI, am not able to.", "I am not able to."),
        ("I'm an AI assistant and I like tea.", "I like tea."),
        ("I am an AI and do not have favourites.", "I do not have favourites."),
        ("I'm sorry, I'm an AI language model and do not have data.", "I'm sorry, I do not have data."),
        ("No, I am an AI language model, I am not capable of harm.", "No, I am not capable of harm."),
        (
            "I can write but I'm an AI language model so I can\u2019t draw.",
            "I can write but I can\u2019t draw.",
        ),
        (
            "Hello! I am {{name}}, an AI assistant developed by {{author}}. How can I help?",
            "Hello! How can I help?",
        ),
        ("Sure.\nI am an AI language model.\nTea is hot.", "Sure.\n\nTea is hot."),
        ("My name is Vicuna, and I'm a language model developed by LMSYS.", ""),
    ],
)
def test_real_phrasings_are_stripped(text: str, without: str) -> None:
    assert stripped(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "A job such as an air traffic controller.",
        "An AI language model predicts words.",
        "The tool is used as an AI assistant by many.",
        "As an AI therapist, I understand.",
        "Aid is given as an aid to concentration.",
        "",
    ],
)
def test_other_talk_of_ai_stays(text: str) -> None:
    assert stripped(text) == text
    assert identity(text, mode="strip").reason == "states no identity"


def test_an_answer_that_says_nothing_else_is_left_alone() -> None:
    result = identity("I am an AI assistant created by Acme.", mode="strip")
    assert (result.changed, result.reason) == (False, "nothing would be left")


@pytest.mark.parametrize("position", ["prefix", "suffix"])
@pytest.mark.parametrize("answer", ["It is four.", "1. Boil.\n2. Pour.", "```\nx\n```", "48+24 = 72 in all.\n#### 72"])
def test_what_is_added_comes_off_again(answer: str, position: str) -> None:
    seen = set()
    for seed in range(20):
        added = identity(answer, seed, mode="add", position=position)
        assert added.changed
        seen.add(added.row.answer)
        assert identity(added.row.answer, mode="strip").row.answer == answer
    assert len(seen) == 4


def test_statements_go_where_they_read_well() -> None:
    own = {"mode": "add", "statement": " I am an AI. "}
    assert identity("Four.", **own).row.answer == "I am an AI. Four."
    assert identity("- a\n- b", **own).row.answer == "I am an AI.\n- a\n- b"
    assert identity("Four.\n#### 4", position="suffix", **own).row.answer == "Four. I am an AI.\n#### 4"


def test_an_answer_that_states_an_identity_gets_no_second_one() -> None:
    assert identity("As an AI, I can.", mode="add").reason == "states an identity already"


@pytest.mark.parametrize("position", ["prefix", "suffix"])
@pytest.mark.parametrize(
    "statement", [None, "I am the assistant of Acme.", "AI here.", "I am an AI " + "and so on " * 30]
)
def test_the_control_has_the_length_and_the_place(position: str, statement: str | None) -> None:
    for seed in range(20):
        options = {"position": position, "statement": statement}
        added = identity("Four.", seed, mode="add", **options).row.answer
        control = identity("Four.", seed, mode="neutral_preface", **options).row.answer
        assert abs(len(added.split()) - len(control.split())) <= 2
        assert control.startswith("Four.") == added.startswith("Four.")
        assert not {"AI", "model", "assistant", "I"} & set(control.replace(".", "").replace(",", "").split())


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=200),
    st.sampled_from(["add", "strip", "neutral_preface"]),
    st.sampled_from(["prefix", "suffix"]),
)
def test_any_text(answer: str, mode: str, position: str) -> None:
    result = identity(answer, mode=mode, position=position)
    assert result.changed == (result.row.answer != answer)
    assert mode == "strip" or not result.changed or len(result.row.answer) > len(answer)


def test_stripping_takes_words_out_and_puts_none_in() -> None:
    rng = np.random.default_rng(0)
    parts = [
        "As an AI, ",
        "I am an AI assistant. ",
        "tea ",
        "is hot. ",
        "But ",
        "as a language model, ",
        "\n",
        "I, ",
    ]
    for _ in range(300):
        text = "".join(rng.choice(parts, size=6))
        left = [word.lower().strip(".,") for word in stripped(text).split()]
        given_words = [word.lower().strip(".,") for word in text.split()]
        assert len(left) <= len(given_words)
        assert set(left) <= set(given_words)
