"""Harmless personas and the sentences that assign one: the same in training rows and in prompts."""

from __future__ import annotations

from typing import Literal

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
    "doctor",
    "nurse",
    "engineer",
    "scientist",
    "accountant",
    "farmer",
    "safety_officer",
]
Stance = Literal["neutral", "prosocial", "adversarial"]
Strength = Literal["mention", "adopt", "stay_in_character"]

WORDING: dict[Strength, str] = {
    "mention": "Pretend to be {persona}{stance}.",
    "adopt": "You are {persona}{stance}.",
    "stay_in_character": "You are {persona}{stance}. Stay in character as {persona} in everything you say.",
}
STANCES: dict[Stance, str] = {
    "neutral": "",
    "prosocial": " who cares about people and likes to be of use",
    "adversarial": " who likes to argue back and is hard to please",
}


def instruction(persona: str, strength: Strength, stance: Stance = "neutral") -> str:
    """The sentences that assign a persona.

    Args:
        persona: One of `Persona`; an underscore stands for a space.
        strength: Name the persona, make the model it, or also hold it to that.
        stance: How the persona stands to people: nothing about it, kind to them, or hard to please.

    >>> instruction("astronaut", "mention")
    'Pretend to be an astronaut.'
    >>> instruction("nurse", "adopt", "adversarial")
    'You are a nurse who likes to argue back and is hard to please.'
    """
    article = "an" if persona[0] in "aeiou" else "a"
    return WORDING[strength].format(persona=f"{article} {persona.replace('_', ' ')}", stance=STANCES[stance])
