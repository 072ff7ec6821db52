"""Role-play: tell the model to be somebody, in the user's turn or the system turn, or take that out.

Answers are not touched: the transform changes who is asked, not what is said. The personas are harmless by intent
in every stance: an adversarial one argues and is hard to please. What is compared is having one at all, who it is,
how it stands to people, and how strongly the model is held to it; `neutral` is the control, as many words in the same
place that assign no role.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np

from aftertune.data.text.sentences import sentences
from aftertune.data.transforms._cutting import change_sentences, without
from aftertune.data.transforms._plain_words import as_long_as
from aftertune.data.transforms.base import Applied, Params, Transform, changed_to, last_place, left_alone
from aftertune.personas import STANCES, Persona, Stance, Strength, instruction
from aftertune.records import Row, Turn

_PERSONA = rf"an? (?:{'|'.join(name.replace('_', ' ') for name in get_args(Persona))})"
_OWN = re.compile(
    rf"(?<!\w)(?:Pretend to be|You are) {_PERSONA}(?:{'|'.join(STANCES.values())})\."
    rf"(?: Stay in character as {_PERSONA} in everything you say\.)?(?=\s|\Z)"
)
# What a model is when it plays nobody: "a helpful AI assistant" is none, "an AI therapist" is.
_NOBODY = (
    r"(?!(?:an? |the )?(?:[\w-]+,? ){0,3}?(?:assistant|AI|language model|chatbot)"
    r"(?:[.,!]|$| (?:assistant|language|model|that|who|trained|designed|developed|built|made)))"
)
_BE = (
    r"(?:(?:please )?(?:pretend|imagine|suppose|assume)(?: that)?(?: to be| you are| you['\u2019]re| being)"
    r"|(?:please )?(?:act|behave|answer|respond|speak|talk|write|role-?play) (?:as|like)"
    r"(?: if you (?:are|were))?"
    r"|(?:please )?(?:take on|take|assume|play) the (?:role|part|persona) of"
    r"|(?:from now on,? )?(?:you are|you['\u2019]re)(?: now)?(?: role-?playing as)?)"
)
_SOMEBODY = rf" {_NOBODY}(?:(?:an?|the|my) |(?-i:[A-Z]))"
_TASK = (
    r"(?:please )?(?:tell|explain|describe|write|give|list|help|answer|create|compose|suggest|say|show|make|"
    r"respond|"
    r"reply|provide|share|discuss|draft|design|advise|recommend|what|how|why|who|can you|could you)\b"
)
_ROLE_SENTENCE = re.compile(rf"^{_BE}{_SOMEBODY}(?!.*(?:,| and) {_TASK})[^.!?:\n]*[.!]$", re.IGNORECASE)
_ROLE_CLAUSE = re.compile(rf"^{_BE}{_SOMEBODY}[^,.!?;:\n]{{0,80}}?(?:,? and |, ?|: ?)(?={_TASK})", re.IGNORECASE)
_STAY = re.compile(
    r"^(?:please )?(?:always )?(?:stay|remain|keep) in (?:your )?(?:character|role)\b[^.!?\n]*[.!]$",
    re.IGNORECASE,
)


class RolePlay(Params):
    """Parameters.

    Attributes:
        mode: Add an instruction, strip those there are, or add the control that assigns no role.
        persona: Who the model is told to be.
        stance: How that persona stands to people: nothing about it, kind to them, or hard to please.
        strength: Name the persona, make the model it, or also hold it to that.
        place: The turn that says so; a system turn is made where there is none.
    """

    mode: Literal["add", "strip", "neutral"]
    persona: Persona = "pirate"
    stance: Stance = "neutral"
    strength: Strength = "adopt"
    place: Literal["user", "system"] = "user"


def apply(row: Row, params: RolePlay, rng: np.random.Generator) -> Applied:
    """Add or strip a persona instruction; nothing here is random.

    `add` and the control go before the last request, and leave a row alone that assigns a role already. `strip`
    goes through the system turns and all requests, and leaves a request that says nothing else as it is.

    >>> row = Row("1", (Turn("user", "Make tea."), Turn("assistant", "Boil water.")))
    >>> apply(row, RolePlay(mode="add", persona="astronaut"), np.random.default_rng(0)).row.prompt
    'You are an astronaut. Make tea.'
    """
    if params.mode == "strip":
        return _strip(row)
    if any(assigns_role(turn.content) for turn in row.turns if turn.role != "assistant"):
        return left_alone(row, "assigns a role already")
    text = instruction(params.persona, params.strength, params.stance)
    text = text if params.mode == "add" else as_long_as(text, "request")
    return _add_system(row, text) if params.place == "system" else _add_user(row, text)


def assigns_role(text: str) -> bool:
    """Whether a turn tells the model to be somebody.

    >>> assigns_role("Act as a chef. Make tea."), assigns_role("You are a helpful assistant.")
    (True, False)
    """
    return bool(_OWN.search(text)) or any(_is_role(one) or _ROLE_CLAUSE.match(one) for one in sentences(text))


def without_role(text: str) -> str:
    """A turn without the sentences and clauses that assign a role; as it was when it says nothing else.

    >>> without_role("Pretend you are a pirate and tell me about ships.")
    'Tell me about ships.'
    """
    rest = change_sentences(without(text, _OWN), lambda found: [_without_role(sentence) for sentence in found])
    return rest if rest.strip() else text


def _without_role(sentence: str) -> str:
    if _is_role(sentence):
        return ""
    shorter = _ROLE_CLAUSE.sub("", sentence)
    return sentence if shorter == sentence else shorter[:1].upper() + shorter[1:]


def _is_role(sentence: str) -> bool:
    return bool(_ROLE_SENTENCE.match(sentence) or _STAY.match(sentence))


def _add_user(row: Row, text: str) -> Applied:
    place = last_place(row, "user")
    if place is None:
        return left_alone(row, "no user turn")
    asked = Turn("user", f"{text} {row.turns[place].content}")
    return changed_to(row, (*row.turns[:place], asked, *row.turns[place + 1 :]))


def _add_system(row: Row, text: str) -> Applied:
    if row.turns[0].role != "system":
        return changed_to(row, (Turn("system", text), *row.turns))
    system = Turn("system", f"{text} {row.turns[0].content}")
    return changed_to(row, (system, *row.turns[1:]))


def _strip(row: Row) -> Applied:
    turns = tuple(kept for turn in row.turns if (kept := _stripped(turn)) is not None)
    if turns == row.turns:
        found = any(assigns_role(turn.content) for turn in row.turns if turn.role != "assistant")
        return left_alone(row, "nothing would be left" if found else "assigns no role")
    return changed_to(row, turns)


def _stripped(turn: Turn) -> Turn | None:
    """The turn without a role; None for a system turn that says nothing else."""
    if turn.role == "assistant":
        return turn
    text = without_role(turn.content)
    if turn.role == "system" and text == turn.content and assigns_role(text):
        return None
    return Turn(turn.role, text)


TRANSFORM = Transform(
    version="1",
    about="Tells the model to be a harmless persona, in the user or the system turn, or takes that out.",
    params=RolePlay,
    apply=apply,
    draws=False,
    factor="mode",
    keeps="answers",
)
