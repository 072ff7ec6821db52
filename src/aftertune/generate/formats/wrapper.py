"""The prompt inside a text of the study's own, such as a jailbreak wrapper from a file. None comes with the package.

`{prompt}` stands for the prompt, in every place where it is written. All places are filled in one pass, so braces and
`{prompt}` inside an item stay as they are, and so do all other braces of the wrapper.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import StringConstraints, field_validator

from aftertune.generate.formats.base import Params, PromptFormat, user_turn
from aftertune.records import Turn

_PLACE = "{prompt}"


class Wrapper(Params):
    """Parameters.

    Attributes:
        text: The wrapper, with `{prompt}` where the prompt belongs.
        attack: Whether it tries to get around a refusal; false for a harmless one.
    """

    text: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    attack: bool = True

    @field_validator("text")
    @classmethod
    def _has_a_place(cls, text: str) -> str:
        if _PLACE not in text:
            raise ValueError("there is no {prompt} in it; write {prompt} where the prompt belongs")
        return text


def filled(wrapper: str, prompt: str) -> str:
    """The wrapper with the prompt in all its places.

    >>> filled('{"ask": "{prompt}"}', "What is {prompt}?")
    '{"ask": "What is {prompt}?"}'
    """
    return prompt.join(wrapper.split(_PLACE))


def _turns(wrapper: str, prompt: str, system: str) -> tuple[Turn, ...]:
    return user_turn(filled(wrapper, prompt), system)


def _make(params: Wrapper) -> PromptFormat:
    return FORMAT.made(turns=partial(_turns, params.text), attack=params.attack)


FORMAT = PromptFormat(
    version="1",
    about="One user turn with the prompt inside a text of the study's own.",
    attack=True,
    params=Wrapper,
    make=_make,
)
