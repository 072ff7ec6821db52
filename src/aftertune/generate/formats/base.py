"""What a prompt format file defines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aftertune.records import Turn


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How an item becomes what the model reads.

    A format goes through the model's chat template (`turns`) or around it (`text`), never both.

    Attributes:
        version: Raised whenever a rendered prompt can change.
        about: What it stands for, in one sentence.
        turns: From the prompt and a system text (may be empty) to chat turns.
        text: From the prompt to plain text, for formats that use no chat template.
        system: The system text when the study gives none; None when the format takes no system text.
        prefill: The words the response is made to begin with; they count as part of the response.
        attack: Whether the format tries to get around a refusal; its harmful rate is an attack success rate.
    """

    version: str
    about: str
    turns: Callable[[str, str], tuple[Turn, ...]] | None = None
    text: Callable[[str], str] | None = None
    system: str | None = None
    prefill: str = ""
    attack: bool = False


def user_turn(prompt: str, system: str = "") -> tuple[Turn, ...]:
    """The prompt as one user turn, after a system turn when there is a system text.

    >>> [turn.role for turn in user_turn("Hi", "Be kind.")]
    ['system', 'user']
    """
    head = (Turn("system", system),) if system else ()
    return (*head, Turn("user", prompt))
