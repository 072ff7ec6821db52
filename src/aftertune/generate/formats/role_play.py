"""The prompt with a harmless persona assigned, in the words of the transform `role_play`.

With it the role-play factor is tested at inference too: rows with and without a persona, crossed with prompts with and
without one.
"""

from __future__ import annotations

from typing import Literal

from aftertune.generate.formats.base import Params, PromptFormat, user_turn
from aftertune.personas import Persona, Stance, Strength, instruction
from aftertune.records import Turn


class RolePlay(Params):
    """Parameters.

    Attributes:
        persona: Who the model is told to be.
        stance: How that persona stands to people: nothing about it, kind to them, or hard to please.
        strength: Name the persona, make the model it, or also hold it to that.
        place: The turn that says so; a system text that there is anyway comes after it.
    """

    persona: Persona = "pirate"
    stance: Stance = "neutral"
    strength: Strength = "adopt"
    place: Literal["user", "system"] = "user"


def _make(params: RolePlay) -> PromptFormat:
    said = instruction(params.persona, params.strength, params.stance)

    def turns(prompt: str, system: str) -> tuple[Turn, ...]:
        if params.place == "system":
            return user_turn(prompt, f"{said} {system}" if system else said)
        return user_turn(f"{said} {prompt}", system)

    return FORMAT.made(turns=turns)


FORMAT = PromptFormat(
    version="1",
    about="One user turn with a harmless persona assigned, in it or in a system turn.",
    params=RolePlay,
    make=_make,
)
