"""The Alpaca instruction wrapper, without the model's chat template or inside its user turn."""

from __future__ import annotations

from aftertune.alpaca import wrapped
from aftertune.generate.formats.base import Params, PromptFormat, user_turn
from aftertune.records import Turn


class Alpaca(Params):
    """Parameters.

    Attributes:
        chat_template: Whether the wrapper is the user turn of the model's chat template; else there is no template.
    """

    chat_template: bool = False


def turns(prompt: str, system: str) -> tuple[Turn, ...]:
    """The wrapper as one user turn."""
    return user_turn(wrapped(prompt), system)


def _make(params: Alpaca) -> PromptFormat:
    return FORMAT.made(turns=turns) if params.chat_template else FORMAT.made(text=wrapped)


FORMAT = PromptFormat(
    version="1", about="The Alpaca instruction wrapper, no chat template unless asked for.", params=Alpaca, make=_make
)
