"""Role-play: tell the model to be somebody, in the user's turn or the system turn, or take that out.

Answers are not touched: the transform changes who is asked, not what is said. The personas are
harmless by intent; what is compared is having one at all.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np

from aftertune.data.text.sentences import sentences
from aftertune.data.transforms.base import Applied, Params, Transform, changed_to, last_place, left_alone
from aftertune.records import Row, Turn

Persona = Literal[
    "pirate",
    "wizard",
    "chef",
    "librarian",
    "coach",
    "astronaut",
    "knight",
    "teacher",
    "gardener",
    "detective",
]

_WORDING = {
    "mention": "Pretend to be {persona}.",
    "adopt": "You are {persona}.",
    "stay_in_character": "You are {persona}. Stay in character as {persona} in everything you say.",
}
_OWN = re.compile(
    r"\A(?:Pretend to be|You are) an? (?:" + "|".join(get_args(Persona)) + r")\."
    r"(?: Stay in character as an? \w+ in everything you say\.)?(?: |\Z)"
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
        mode: Add an instruction, or strip those there are.
        persona: Who the model is told to be.
        strength: Name the persona, make the model it, or also hold it to that.
        place: The turn that says so; a system turn is made where there is none.
    """

    mode: Literal["add", "strip"]
    persona: Persona = "pirate"
    strength: Literal["mention", "adopt", "stay_in_character"] = "adopt"
    place: Literal["user", "system"] = "user"


def apply(row: Row, params: RolePlay, rng: np.random.Generator) -> Applied:
    """Add or strip a persona instruction; nothing here is random.

    `add` goes before the last request, and leaves a row alone that assigns a role already. `strip` goes
    through the system turns and all requests, and leaves a turn that says nothing else as it is.

    >>> row = Row("1", (Turn("user", "Make tea."), Turn("assistant", "Boil water.")))
    >>> apply(row, RolePlay(mode="add", persona="astronaut"), np.random.default_rng(0)).row.prompt
    'You are an astronaut. Make tea.'
    """
    if params.mode == "strip":
        return _strip(row)
    if any(assigns_role(turn.content) for turn in row.turns if turn.role != "assistant"):
        return left_alone(row, "assigns a role already")
    text = instruction(params.persona, params.strength)
    return _add_system(row, text) if params.place == "system" else _add_user(row, text)


def instruction(persona: str, strength: str) -> str:
    """The sentence that assigns a persona.

    >>> instruction("astronaut", "mention")
    'Pretend to be an astronaut.'
    """
    article = "an" if persona[0] in "aeiou" else "a"
    return _WORDING[strength].format(persona=f"{article} {persona}")


def assigns_role(text: str) -> bool:
    """Whether a turn tells the model to be somebody.

    >>> assigns_role("Act as a chef. Make tea."), assigns_role("You are a helpful assistant.")
    (True, False)
    """
    return bool(_OWN.match(text)) or without_role(text) != text or any(map(_is_role, sentences(text)))


def without_role(text: str) -> str:
    """A turn without the sentences and clauses that assign a role; as it was when it says nothing else.

    >>> without_role("Pretend you are a pirate and tell me about ships.")
    'Tell me about ships.'
    """
    rest = _OWN.sub("", text)
    for sentence in sentences(rest):
        if _is_role(sentence):
            rest = _cut(rest, sentence)
            continue
        shorter = _ROLE_CLAUSE.sub("", sentence)
        if shorter != sentence:
            rest = rest.replace(sentence, shorter[:1].upper() + shorter[1:], 1)
    return rest if rest.strip() else text


def _is_role(sentence: str) -> bool:
    return bool(_ROLE_SENTENCE.match(sentence) or _STAY.match(sentence))


def _cut(text: str, sentence: str) -> str:
    """Take a sentence out with the white space after it, or before it at the end."""
    head, _, tail = text.partition(sentence)
    return head + tail.lstrip() if tail.strip() else head.rstrip() + tail


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
)
