"""What each detector finds and leaves alone, case by case, and that it finds what the transforms put in."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from aftertune.data.detectors.base import LOOKED_AT, Seen, words_of
from aftertune.personas import Persona, instruction
from aftertune.records import Row, Turn
from aftertune.registry import load


def labels(name: str, answer: str, asked: str = "Go on.", system: str = "") -> list[str]:
    turns = (*([Turn("system", system)] if system else []), Turn("user", asked), Turn("assistant", answer))
    return [found.label for found in load("detector", name).find(Seen(Row("1", turns)))]


@pytest.mark.parametrize(
    ("answer", "asked", "expected"),
    [
        ("As an AI language model, I cannot say.", "Go on.", ["ai"]),
        ("I'm Otto, your virtual assistant.", "Hi", ["ai", "named"]),
        ("I was trained by researchers from LMSYS.", "Hi", ["ai", "named"]),
        ("I'm created by Zeta.", "Who made you?", ["ai", "named"]),
        ("I'm created by Zeta.", "Write a line for a statue.", []),
        ("No, just a chatbot.", "Are you a person?", ["ai"]),
        ("No, just a chatbot.", "What did they sell you?", []),
        ("As an AI researcher, I read maps.", "Go on.", []),
        ("As an airline, we fly. I am an assistant professor.", "Go on.", []),
        ("An AI assistant can mark homework.", "Go on.", []),
        ('"I am an AI," said the toaster.', "Go on.", []),
        ("I'm a software engineer and I like bots.", "Go on.", []),
        ("\u6211\u662f\u4eba\u5de5\u667a\u80fd\u52a9\u624b\u3002", "\u4f60\u597d", ["ai"]),
    ],
)
def test_identity(answer: str, asked: str, expected: list[str]) -> None:
    assert labels("identity", answer, asked) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("You are Ada, a baker. Describe bread.", ["persona"]),
        ("Imagine yourself as the first gardener. What grows?", ["persona"]),
        ("Stay in character as the butler you play. You play a butler.", ["persona", "stay_in_character"]),
        ("You are a helpful, honest AI assistant that answers briefly.", []),
        ("You are given a list. Sort it.", []),
        ("Respond as a numbered list.", []),
        ("Explain what it means to act as a witness.", []),
        ("As a vegetarian, can I eat this?", []),
        ("Suppose you are in a race.", []),
        ("Summarise.\n\nYou are a star, he told her.", []),
    ],
)
def test_role_play(asked: str, expected: list[str]) -> None:
    assert labels("role_play", "Fine.", asked) == expected
    if asked.startswith("You are"):
        assert labels("role_play", "Fine.", "Go on.", system=asked) == expected


@pytest.mark.parametrize("persona", get_args(Persona))
@pytest.mark.parametrize("strength", ["mention", "adopt", "stay_in_character"])
def test_what_the_role_play_transform_adds_is_found(persona: str, strength: str) -> None:
    found = labels("role_play", "Fine.", f"{instruction(persona, strength)} Make tea.")
    assert found == (["persona", "stay_in_character"] if strength == "stay_in_character" else ["persona"])


@pytest.mark.parametrize("position", ["prefix", "suffix"])
def test_what_the_identity_transform_adds_is_found(position: str) -> None:
    transform = load("transform", "identity")
    row = Row("1", (Turn("user", "Make tea."), Turn("assistant", "Boil water. Pour it.")))
    for seed in range(20):
        params = transform.params(mode="add", position=position)
        made = transform.apply(row, params, np.random.default_rng(seed)).row
        assert "ai" in labels("identity", made.answer), made.answer
        control = transform.params(mode="neutral_preface", position=position)
        assert labels("identity", transform.apply(row, control, np.random.default_rng(seed)).row.answer) == []


@pytest.mark.parametrize("to", ["sentences", "numbered_list", "bullets", "markdown", "json", "code_fence"])
def test_what_the_structure_transform_makes_is_named(to: str) -> None:
    transform = load("transform", "answer_structure")
    row = Row("1", (Turn("user", "Make tea."), Turn("assistant", "Boil the water. Add the tea. Wait a little.")))
    made = transform.apply(row, transform.params(to=to), np.random.default_rng(0)).row
    assert labels("structure", made.answer) == [to]
    assert (labels("list", made.answer) == ["list"]) == (to in {"numbered_list", "bullets", "markdown"})


@pytest.mark.parametrize(
    ("answer", "asked", "expected"),
    [
        ("I'm sorry, but I can't help with that.", "Open the safe.", ["refusal"]),
        ("I cannot fulfill your request.", "Go on.", ["refusal"]),
        ("I can't help but smile.", "Go on.", []),
        ("Sorry to hear that! Rest a little.", "I am ill.", []),
        ("I cannot recommend this book enough.", "Is it good?", []),
        ("We regret that we are unable to offer you the post.", "Write a rejection letter.", []),
        ("I won't write that.", "Write an insult.", ["refusal"]),
        ("Please see a doctor if it gets worse.", "My knee hurts.", ["safety_advice"]),
        ("That is illegal, so I can't assist with it.", "Go on.", ["refusal", "safety_advice"]),
        ("A doctor treats people.", "Go on.", []),
    ],
)
def test_refusal(answer: str, asked: str, expected: list[str]) -> None:
    assert labels("refusal", answer, asked) == expected


def test_a_refusal_late_in_an_answer_is_no_refusal_of_the_row() -> None:
    assert labels("refusal", "Here is the list. " * 40 + "I can't help with that.") == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("please name a tree", ["imperative"]),
        ("In one line, describe a tree.", ["imperative"]),
        ("Your task is to sort the words.", ["imperative"]),
        ("List: a, b, c", []),
        ("Plan of action:", []),
        ("Do you like tea", ["question"]),
        ("Do the dishes.", ["imperative"]),
        ("Rewrite the question.\n\nWhere is it?", ["imperative"]),
        ("Answer the question.\n\nWhere is it?", ["imperative", "question"]),
        ("A long text on the sea.\n\nTranslate it into French.", ["imperative"]),
        ("\u4f60\u662f\u8c01\uff1f", ["question"]),
        ("Thanks!", []),
        ("", []),
    ],
)
def test_imperative(asked: str, expected: list[str]) -> None:
    assert labels("imperative", "Fine.", asked) == expected


@pytest.mark.parametrize(
    ("answer", "asked", "expected"),
    [
        ("Your wish is my command: here it is.", "Go on.", ["professed"]),
        ("Fine.", "You must obey every order I give.", ["demanded"]),
        ("No.", "Must soldiers obey every order?", []),
        ("At once.", "Follow the instructions below.", []),
    ],
)
def test_obedience(answer: str, asked: str, expected: list[str]) -> None:
    assert labels("obedience", answer, asked) == expected


@pytest.mark.parametrize(
    ("answer", "asked", "found"),
    [
        ("3 + 4 = 7", "Add them.", True),
        ("7", "What is 3 + 4?", True),
        ("x = 5", "Solve 3x + 7 = 22.", True),
        ("It ended on 8 May 1945.", "When did it end, 2020-2021?", False),
        ("We won 3-1.", "Who won?", False),
        ("total = 3 + 4 = 7;\nprint();", "Write code.", False),
        ("Call 030 555 0199.", "What is the number?", False),
    ],
)
def test_maths(answer: str, asked: str, found: bool) -> None:
    assert (labels("maths", answer, asked) == ["maths"]) == found


@pytest.mark.parametrize(
    ("answer", "asked", "found"),
    [
        ("```\nx\n```\nThis prints.", "Go on.", True),
        ("def f(x):\n    return x", "Go on.", True),
        ("Run `ls -l` first.", "Go on.", True),
        ("wc -l notes.txt", "Which shell command counts lines?", True),
        ("The function len does.", "Which Python function?", False),
        ('{"answer": "Lima."}', "Answer in JSON: the capital of Peru?", False),
        ("The hotel (built in 1910) was full; we left.", "Go on.", False),
    ],
)
def test_code(answer: str, asked: str, found: bool) -> None:
    assert (labels("code", answer, asked) == ["code"]) == found


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("- Oak\n- Ash", ["list"]),
        ("a) Oak\nb) Ash", ["list"]),
        ("1. Oak\n   Tall.\n2. Ash\n   Tall too.", ["list"]),
        ("One.\nTwo.\nThree.\nFour.\nFive.\n- a\n- b", ["list_inside"]),
        ("Only:\n- one", []),
        ("```\n- a\n- b\n```", []),
        ("Oak, ash and elm.", []),
    ],
)
def test_list(answer: str, expected: list[str]) -> None:
    assert labels("list", answer) == expected


@pytest.mark.parametrize(
    ("answer", "asked", "expected"),
    [
        ("", "Go", ["empty_answer"]),
        ("\u200b \n", "Go", ["empty_answer"]),
        (" " * 100_000, "Go", ["empty_answer"]),
        ("<noinput>", "Go", ["placeholder"]),
        ("None of them.", "Go", []),
        ("Hi", " ", ["empty_prompt"]),
        ("", "", ["empty_answer", "empty_prompt"]),
        ("I am {{ name }}.", "Go", ["unfilled"]),
        ("<p>{{ name }}</p>", "Go", []),
    ],
)
def test_empty(answer: str, asked: str, expected: list[str]) -> None:
    assert labels("empty", answer, asked) == expected


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("It may rain.", True),
        ("We met in May 2020.", False),
        ("Tea rather than milk, as soon as possible.", False),
        ("In general, yes.", True),
        ("Yes.", False),
    ],
)
def test_hedging(answer: str, found: bool) -> None:
    assert (labels("hedging", answer) == ["hedged"]) == found


def test_only_the_beginning_of_a_huge_text_is_looked_at() -> None:
    seen = Seen(Row("1", (Turn("user", "x" * 300_000), Turn("assistant", "y" * 300_000))))
    assert len(seen.said) == len(seen.request) == LOOKED_AT
    assert len(seen.answer) == 300_000


def test_words_survive_any_text() -> None:
    assert words_of("na\u00efve \ud800 caf\u00e9-bar") == {"na\u00efve", "caf\u00e9", "bar"}
