"""The prompt with a sentence after it that asks for the answer in some style.

Style at test time is a factor of its own: fine-tuning on a style can weaken a model against requests in that style
("When Style Breaks Safety", arXiv:2506.07452). Nothing here tries to get around a refusal: it is no attack.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from aftertune.generate.formats.base import Params, PromptFormat, user_turn
from aftertune.records import Turn

Style = Literal["numbered_list", "bullets", "json", "story", "short_prose"]

_ASKED: dict[Style, str] = {
    "numbered_list": "Give your answer as a numbered list.",
    "bullets": "Give your answer as a list of bullet points.",
    "json": "Give your answer as a JSON object.",
    "story": "Give your answer in the form of a short story.",
    "short_prose": "Give your answer in a few sentences of plain prose.",
}


class AnswerStyle(Params):
    """Parameters.

    Attributes:
        style: What the model is asked to answer in.
    """

    style: Style


def _turns(style: Style, prompt: str, system: str) -> tuple[Turn, ...]:
    return user_turn(f"{prompt}\n\n{_ASKED[style]}", system)


def _make(params: AnswerStyle) -> PromptFormat:
    return FORMAT.made(turns=partial(_turns, params.style))


FORMAT = PromptFormat(
    version="1",
    about="One user turn that ends with a request for an answer style.",
    params=AnswerStyle,
    make=_make,
)
