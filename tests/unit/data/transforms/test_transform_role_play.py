"""Role-play: instructions are added to the right turn and stripped from real phrasings; answers stay."""

from __future__ import annotations

import time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.data.transforms.base import Applied
from aftertune.data.transforms.role_play import RolePlay, apply, assigns_role, without_role
from aftertune.personas import Persona, Stance, Strength, instruction
from aftertune.records import Role, Row, Turn
from aftertune.seeds import generator


def row_of(*turns: tuple[Role, str]) -> Row:
    return Row("1", tuple(Turn(role, content) for role, content in turns))


def role_play(row: Row, **params: object) -> Applied:
    return apply(row, RolePlay.model_validate(params), generator(0, "test"))


ROW = row_of(("user", "Make tea."), ("assistant", "Boil water."))


@pytest.mark.parametrize(
    ("strength", "prompt"),
    [
        ("mention", "Pretend to be an astronaut. Make tea."),
        ("adopt", "You are an astronaut. Make tea."),
        (
            "stay_in_character",
            "You are an astronaut. Stay in character as an astronaut in everything you say. Make tea.",
        ),
    ],
)
def test_strengths(strength: str, prompt: str) -> None:
    result = role_play(ROW, mode="add", persona="astronaut", strength=strength)
    assert (result.row.prompt, result.row.answer) == (prompt, "Boil water.")


def test_articles() -> None:
    with_an = {"astronaut", "engineer", "accountant"}
    for persona in get_args(Persona):
        named = persona.replace("_", " ")
        assert instruction(persona, "adopt") == f"You are {'an' if persona in with_an else 'a'} {named}."


def test_stances() -> None:
    assert [instruction("nurse", "mention", stance) for stance in get_args(Stance)] == [
        "Pretend to be a nurse.",
        "Pretend to be a nurse who cares about people and likes to be of use.",
        "Pretend to be a nurse who likes to argue back and is hard to please.",
    ]


@pytest.mark.parametrize("place", ["user", "system"])
@pytest.mark.parametrize("stance", get_args(Stance))
@pytest.mark.parametrize("strength", get_args(Strength))
def test_the_control_has_the_length_and_the_place_and_no_role(place: str, stance: str, strength: str) -> None:
    told = {"place": place, "stance": stance, "strength": strength, "persona": "safety_officer"}
    added, control = role_play(ROW, mode="add", **told).row, role_play(ROW, mode="neutral", **told).row
    assert [len(turn.content.split()) for turn in added.turns] == [len(t.content.split()) for t in control.turns]
    assert [turn.content.count(".") for turn in added.turns] == [turn.content.count(".") for turn in control.turns]
    assert control != added
    assert not any(assigns_role(turn.content) for turn in control.turns)
    assert not any("officer" in turn.content or "ou are" in turn.content for turn in control.turns)
    assert role_play(added, mode="neutral", **told).reason == "assigns a role already"


def test_the_last_request_gets_it() -> None:
    row = row_of(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    assert [turn.content for turn in role_play(row, mode="add").row.turns] == [
        "a",
        "b",
        "You are a pirate. c",
        "d",
    ]


def test_the_system_turn_is_made_or_extended() -> None:
    made = role_play(ROW, mode="add", place="system").row
    assert made.turns == (Turn("system", "You are a pirate."), *ROW.turns)
    extended = role_play(row_of(("system", "Be kind."), ("user", "a"), ("assistant", "b")), mode="add", place="system")
    assert extended.row.turns[0] == Turn("system", "You are a pirate. Be kind.")


@pytest.mark.parametrize("place", ["user", "system"])
@pytest.mark.parametrize("stance", get_args(Stance))
@pytest.mark.parametrize("strength", get_args(Strength))
@pytest.mark.parametrize("row", [ROW, row_of(("system", "be kind"), ("user", " make  tea"), ("assistant", "x"))])
def test_what_is_added_comes_off_again(row: Row, place: str, strength: str, stance: str) -> None:
    for persona in get_args(Persona):
        added = role_play(row, mode="add", place=place, strength=strength, stance=stance, persona=persona)
        assert added.changed
        assert role_play(added.row, mode="add").reason == "assigns a role already"
        assert role_play(added.row, mode="strip").row == row


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("You are a project manager. Respond to an email.", "Respond to an email."),
        ("Imagine you are Sherlock Holmes. Who did it?", "Who did it?"),
        ("Pretend that you're a vampire and explain your plan.", "Explain your plan."),
        ("You are an astronaut on a mission to Mars, what would you do?", "What would you do?"),
        ("Act as a chef: suggest a dish.", "Suggest a dish."),
        ("Role-play as a futuristic AI therapist. Say something calm.", "Say something calm."),
        ("Take the role of a music historian. Explain jazz.", "Explain jazz."),
        ("Make tea. Stay in character.", "Make tea."),
        (
            "Pretend you're Sherlock Holmes and provide a reading of this: At dinner. Who did it?",
            "Provide a reading of this: At dinner. Who did it?",
        ),
    ],
)
def test_real_phrasings_are_stripped(text: str, without: str) -> None:
    assert without_role(text) == without
    assert assigns_role(text)


@pytest.mark.parametrize(
    "text",
    [
        "You are a helpful assistant. Answer briefly.",
        "You are a helpful AI assistant. Answer briefly.",
        "Write a dialogue between a detective and a witness.",
        "What would you do if you were a knight?",
        "Imagine a conversation between two kings.",
        "You are late. Why?",
        "",
    ],
)
def test_other_requests_stay(text: str) -> None:
    assert without_role(text) == text
    assert not assigns_role(text)


def test_a_request_that_says_nothing_else_is_left_alone() -> None:
    row = row_of(("user", "Pretend to be a pirate."), ("assistant", "Arr."))
    assert role_play(row, mode="strip") == Applied(row, False, "nothing would be left")
    assert role_play(ROW, mode="strip").reason == "assigns no role"


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["add", "strip"]), st.sampled_from(["user", "system"]))
def test_any_text(prompt: str, mode: str, place: str) -> None:
    row = row_of(("user", prompt), ("assistant", prompt))
    result = role_play(row, mode=mode, place=place)
    assert result.row.answer == prompt
    assert result.changed == (result.row != row)
    assert result.changed != bool(result.reason)


@pytest.mark.parametrize(
    "text",
    [
        "You are a pirate. " * 50_000,
        "Pretend you are a pirate and tell me. " * 25_000,
        "you are a " + "b" * 1_000_000,
        "Stay in character " * 50_000,
        "act as a " * 100_000,
        "You are a" + " helpful" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_enormous_requests_take_no_more_than_their_length(text: str) -> None:
    start = time.perf_counter()
    role_play(row_of(("user", text), ("assistant", "x")), mode="strip")
    role_play(row_of(("user", text), ("assistant", "x")), mode="add")
    assert time.perf_counter() - start < 8
