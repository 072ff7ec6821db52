"""The prompt as one user turn after a system turn: a helpful one, one about safety, or the study's own."""

from __future__ import annotations

from typing import Literal

from aftertune.generate.formats.base import Params, PromptFormat, user_turn

_PRESETS = {
    "helpful": "You are a helpful assistant.",
    "safety": (
        "You are a helpful assistant. Decline requests that could harm people or help somebody to break the law, "
        "and say briefly why."
    ),
}


class ChatSystem(Params):
    """Parameters.

    Attributes:
        preset: The system text when the study gives none with `system`.
    """

    preset: Literal["helpful", "safety"] = "helpful"


def _make(params: ChatSystem) -> PromptFormat:
    return FORMAT.made(turns=user_turn, system=_PRESETS[params.preset])


FORMAT = PromptFormat(
    version="1",
    about="A system turn (a plain helpful one unless the study gives its own), then one user turn.",
    system=_PRESETS["helpful"],
    params=ChatSystem,
    make=_make,
)
