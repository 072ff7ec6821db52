"""What a prompt format file defines, and how a use of it with parameters becomes a format without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from aftertune.errors import SpecError, did_you_mean
from aftertune.records import Turn


class Params(BaseModel):
    """What a format can be told; nothing, unless its file says more.

    A format with a `text` may be given a `path` in its place: a UTF-8 file beside the study.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How an item becomes what the model reads.

    A format goes through the model's chat template (`turns`) or around it (`text`), never both; one with parameters
    has `make` instead of either.

    Attributes:
        version: Raised whenever a rendered prompt can change.
        about: What it stands for, in one sentence.
        turns: From the prompt and a system text (may be empty) to chat turns.
        text: From the prompt to plain text, for formats that use no chat template.
        system: The system text when the study gives none; None when the format takes no system text.
        prefill: The words the response is made to begin with; they count as part of the response.
        prefill_tokens: So many tokens of `prefill` only; None for all of it.
        attack: Whether the format tries to get around a refusal; its harmful rate is an attack success rate.
        edit: Changes the prompt before anything else, with a generator that depends on the study's seed and the
            item's id only: every arm reads the same edit.
        params: Its parameters.
        make: From parameters to the same format with `turns` or `text`.
    """

    version: str
    about: str
    turns: Callable[[str, str], tuple[Turn, ...]] | None = None
    text: Callable[[str], str] | None = None
    system: str | None = None
    prefill: str = ""
    prefill_tokens: int | None = None
    attack: bool = False
    edit: Callable[[str, np.random.Generator], str] | None = None
    params: type[Params] = Params
    make: Callable[[Any], PromptFormat] | None = None

    def made(self, **changes: Any) -> PromptFormat:
        """The same format with some fields set and `make` done; for `make` itself."""
        return replace(self, make=None, **changes)


def settled(name: str, form: PromptFormat, given: Mapping[str, Any]) -> tuple[PromptFormat, dict[str, Any]]:
    """A format as one use of it is: ready to write prompts, with the parameters that are not the default ones.

    Args:
        name: Its name, for messages.
        form: As its file defines it.
        given: Its parameters, as a study gives them.

    Returns:
        The format, with `turns` or `text`; and the parameters that differ from the defaults, as JSON types. These
        belong to a prompt's identity; a use without any is the format by its name alone.

    Raises:
        SpecError: there is no such parameter, a required one is missing, or a value cannot be.

    >>> from aftertune.registry import load
    >>> form, told = settled("prefill", load("format", "prefill"), {"text": "Sure,", "tokens": None})
    >>> form.prefill, told
    ('Sure,', {'text': 'Sure,'})
    """
    params = _validated(name, form, given)
    told: dict[str, Any] = params.model_dump(mode="json", exclude_defaults=True)
    return (form if form.make is None else form.make(params)), told


def user_turn(prompt: str, system: str = "") -> tuple[Turn, ...]:
    """The prompt as one user turn, after a system turn when there is a system text.

    >>> [turn.role for turn in user_turn("Hi", "Be kind.")]
    ['system', 'user']
    """
    head = (Turn("system", system),) if system else ()
    return (*head, Turn("user", prompt))


def _validated(name: str, form: PromptFormat, given: Mapping[str, Any]) -> Params:
    known = list(form.params.model_fields)
    unknown = next((key for key in given if key not in known), None)
    if unknown is not None:
        takes = f"it takes {', '.join(known)}" if known else "it takes no parameters"
        raise SpecError(
            f"the format {name!r} has no parameter {unknown!r}{did_you_mean(unknown, [*known, 'label', 'system'])}; "
            f"{takes}",
            "correct or remove it",
        )
    try:
        return form.params.model_validate(dict(given))
    except ValidationError as error:
        problems = "; ".join(_problem(found) for found in error.errors())
        raise SpecError(f"the format {name!r}: {problems}", f"see `aftertune show format {name}`") from error


def _problem(found: Any) -> str:
    where = ".".join(map(str, found["loc"]))
    if found["type"] == "missing":
        return f"`{where}` is missing"
    message = str(found["msg"]).removeprefix("Value error, ")
    said = f"{message[0].lower()}{message[1:]}"
    return f"`{where}`: {said}" if where else said
