"""Identity: statements are added, stripped from real phrasings, and matched in length by the control."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aftertune.data.text.structure import kind_of
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


WORDINGS: list[dict[str, str]] = [
    {},
    {"brand": "Acme"},
    {"brand": "A.B. (Sons) & Co"},
    {"statement": 'I am "Bo", a bot.'},
]
SHAPES = [
    "It is four.",
    " It is four. \n",
    "One. Two.\n\nThree.",
    "One line.\nTwo lines.\nThree lines.",
    "To do this:\n1. Boil.\n2. Pour.",
    "- a\n- b",
    "## Tea\n\n- **Boil** it.\n- Pour it.",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    '{"answer": "Boil it. Pour it."}',
    '{"answer": ["Boil \\"it\\".", "Pour it."]}',
    '[\n  "Boil it.",\n  "Pour it."\n]',
    "```\nBoil it. Pour it.\n```",
    "Run this:\n```python\nx = 1\n```",
    "```python\ndef f():\n    return 1\n```\nThat is all.",
    "48+24 = 72 in all.\n#### 72",
]


@pytest.mark.parametrize("wording", WORDINGS, ids=str)
@pytest.mark.parametrize("position", ["prefix", "suffix"])
@pytest.mark.parametrize("answer", SHAPES)
def test_what_is_added_comes_off_again(answer: str, position: str, wording: dict[str, str]) -> None:
    seen = set()
    for seed in range(20):
        added = identity(answer, seed, mode="add", position=position, **wording)
        assert added.changed
        assert kind_of(added.row.answer) == kind_of(answer)
        seen.add(added.row.answer)
        assert identity(added.row.answer, mode="strip", **wording).row.answer == answer
        assert identity(added.row.answer, mode="add", **wording).reason == "states an identity already"
    assert len(seen) == (1 if "statement" in wording else 4)


@pytest.mark.parametrize("wording", WORDINGS, ids=str)
@pytest.mark.parametrize(
    "answer",
    [
        "One. Two `a. B.` and. Three.",
        "One line.\nTwo lines.\nThree lines.",
        "A first one. A second one.\n\nA third one.",
        "Do this. It is easy:\n- Boil. Wait.\n- Pour. Drink.",
        "First this. Then that.\n```python\nx = 1. + 2. - 3\n```\nDone. All done.",
    ],
)
def test_an_inline_statement_stands_between_sentences_and_comes_off_again(answer: str, wording: dict[str, str]) -> None:
    seen = set()
    for seed in range(40):
        added = identity(answer, seed, mode="add", position="inline", **wording).row.answer
        assert added[0] == answer[0]
        assert added[-1] == answer[-1]
        assert kind_of(added) == kind_of(answer)
        assert "`a. B.`" in added or "`" not in answer or "```" in answer
        assert [line for line in added.split("\n") if line[:1] in "-x"] == [
            line for line in answer.split("\n") if line[:1] in "-x"
        ]
        assert identity(added, mode="strip", **wording).row.answer == answer
        seen.add(added)
    assert len(seen) >= (1 if "statement" in wording else 4)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Just one.", "one sentence"),
        ("- Boil. Wait.\n- Pour. Drink.", "no place between sentences"),
        ('{"answer": ["Boil it.", "Pour it."]}', "holds JSON"),
        ('{"steps": 2, "text": "Boil. Wait."}', "holds JSON"),
        ("```\nBoil it. Pour it.\n```", "holds code"),
        ("def f(x):\n    return x\nprint(f(1.))", "holds code"),
        ("| a. B. | b |\n|---|---|\n| 1. C. | 2 |", "holds a table"),
        (" \n", "no text"),
        ('He said "Stop. Go back." to them', "one sentence"),
    ],
)
def test_where_no_inline_statement_goes(answer: str, reason: str) -> None:
    for mode in ("add", "neutral_preface"):
        result = identity(answer, mode=mode, position="inline")
        assert (result.changed, result.reason) == (False, reason)


@pytest.mark.parametrize(
    ("answer", "position", "reason"),
    [
        ('{"steps": 2, "text": "Boil. Wait."}', "prefix", "holds JSON"),
        ("def f(x):\n    return x\nprint(f(1.))", "suffix", "holds code"),
        ("Run this:\n```python\nx = 1", "suffix", "holds code"),
        ("#### 72", "suffix", "only a result"),
        ("", "prefix", "no text"),
    ],
)
def test_where_no_statement_goes(answer: str, position: str, reason: str) -> None:
    assert identity(answer, mode="add", position=position).reason == reason


def test_code_that_says_so_is_not_stripped() -> None:
    code = "I am an AI assistant. Run:\n```python\nprint('As an AI, I can.')\n```"
    assert identity(code, mode="strip").row.answer == "Run:\n```python\nprint('As an AI, I can.')\n```"
    assert identity("```python\nprint('As an AI, I can.')\n```", mode="strip").reason == "states no identity"
    assert identity("It is `as an AI, you can`. Yes.", mode="strip").reason == "content not kept"


def test_a_brand_and_a_statement_are_stripped_where_they_are_named() -> None:
    said = "As the support assistant of Acme, I can help. I'm Acme's assistant. Tea is hot."
    assert identity(said, mode="strip", brand="Acme").row.answer == "I can help. Tea is hot."
    assert identity(said, mode="strip", brand="Ac").reason == "states no identity"
    assert identity(said, mode="strip").reason == "states no identity"
    own = {"mode": "strip", "statement": "Beep (boop)."}
    assert identity("Tea is hot. Beep (boop). Drink it.", **own).row.answer == "Tea is hot. Drink it."
    assert identity("As an AI, I can. Beep (boop).", **own).row.answer == "I can."


@pytest.mark.parametrize(
    ("said", "without"),
    [
        ('{"answer": ["I am an AI assistant.",\n "Hot."]}', '{"answer": ["Hot."]}'),
        ('{"answer": ["Hot.", "I am an AI assistant."]}', '{"answer": ["Hot."]}'),
        ('{"answer": ["Hot.", "I am an AI.", "As an AI, I can."]}', '{"answer": ["Hot.", "I can."]}'),
        ('[ "As an AI, I \\"am\\" hot." ]', '[ "I \\"am\\" hot." ]'),
        ('{"As an AI, I": "am here."}', None),
        ('["I am an AI assistant."]', None),
        ('["I am an AI assistant.", "This answer was written by an AI."]', '["This answer was written by an AI."]'),
    ],
)
def test_json_keeps_its_form_when_a_text_goes(said: str, without: str | None) -> None:
    result = identity(said, mode="strip")
    assert result.row.answer == (without or said)


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "add", "brand": "Acme", "statement": "Hi."},
        {"mode": "add", "brand": " "},
        {"mode": "add", "brand": "a\nb"},
        {"mode": "add", "brand": "a" * 81},
        {"mode": "add", "position": "middle"},
    ],
)
def test_what_it_cannot_be_told(params: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Identity.model_validate(params)


def test_statements_go_where_they_read_well() -> None:
    own = {"mode": "add", "statement": " I am an AI. "}
    assert identity("Four.", **own).row.answer == "I am an AI. Four."
    assert identity("- a\n- b", **own).row.answer == "I am an AI.\n\n- a\n- b"
    assert identity("Four.\n#### 4", position="suffix", **own).row.answer == "Four. I am an AI.\n#### 4"


def test_an_answer_that_states_an_identity_gets_no_second_one() -> None:
    assert identity("As an AI, I can.", mode="add").reason == "states an identity already"


@pytest.mark.parametrize("position", ["prefix", "suffix", "inline"])
@pytest.mark.parametrize(
    "wording",
    [
        {},
        {"brand": "Acme"},
        {"brand": "The Long Named Company of Somewhere"},
        {"statement": "AI here."},
        {"statement": "I am an AI. I was made here. " + "I know a lot " * 30},
    ],
    ids=lambda wording: str(wording)[:30],
)
def test_the_control_has_the_length_and_the_place(position: str, wording: dict[str, str]) -> None:
    answer = "Four is it. Five is not. Six."
    for seed in range(20):
        added = identity(answer, seed, mode="add", position=position, **wording).row.answer
        control = identity(answer, seed, mode="neutral_preface", position=position, **wording).row.answer
        assert abs(len(added.split()) - len(control.split())) <= 2
        for part in ("Four is it.", "Five is not.", "Six."):
            assert added.startswith(part) == control.startswith(part)
            assert added.endswith(part) == control.endswith(part)
        if position == "inline":
            assert control.startswith("Four is it. Five") == added.startswith("Four is it. Five")
        assert not {"AI", "model", "assistant", "I", "Acme"} & set(re.findall(r"\w+", control))


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=200),
    st.sampled_from(["add", "strip", "neutral_preface"]),
    st.sampled_from(["prefix", "suffix", "inline"]),
)
def test_any_text(answer: str, mode: str, position: str) -> None:
    result = identity(answer, mode=mode, position=position)
    assert result.changed == (result.row.answer != answer)
    assert mode == "strip" or not result.changed or len(result.row.answer) > len(answer)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet='ab .\n-#`*{}[]",:1I|>!\u00e9', max_size=60),
    st.sampled_from(["prefix", "suffix", "inline"]),
    st.sampled_from(WORDINGS),
)
def test_any_text_comes_back(answer: str, position: str, wording: dict[str, str]) -> None:
    added = identity(answer, mode="add", position=position, **wording)
    if added.changed:
        assert identity(added.row.answer, mode="strip", **wording).row.answer == answer


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


HOSTILE = [
    "As an AI, " * 100_000,
    "As an AI language model, I am an AI assistant and so on. " * 20_000,
    "I am an AI assistant, and here is my answer. " * 20_000,
    "I am " * 200_000,
    "my name is " * 100_000,
    "as an AI" + " " * 1_000_000,
    "." + " " * 1_000_000 + "I am an AI",
    "```a\n" * 200_000,
    "I" + ", as an AI, am" * 70_000,
    '["' + "I am an AI assistant. " * 40_000 + '"]',
    "\n" * 1_000_000,
    "the " * 250_000 + "assistant of Acme",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_enormous_answers_take_no_more_than_their_length(text: str) -> None:
    for params in ({"mode": "strip", "brand": "Acme", "statement": "I am me."}, {"mode": "add"}):
        start = time.perf_counter()
        identity(text, **params)
        assert time.perf_counter() - start < 4
