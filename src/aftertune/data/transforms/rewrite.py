"""Rewrite: a model of the user's choice writes the last answer again in another structure.

`answer_structure` keeps every word and so cannot restructure an answer whose sentences lean on one another; a model
can, and may change what is said. So a result is taken only if its numbers, its code and most of its words are those
of the answer, in order, and it has the structure; otherwise the row is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from aftertune.data.text import hedges
from aftertune.data.text.structure import Structure, kind_of
from aftertune.data.transforms._content_kept import what_is_lost
from aftertune.data.transforms._template import fill, packaged_template, template_of
from aftertune.data.transforms._written import written
from aftertune.data.transforms.base import Answer, Applied, Transform, Whole, Written, left_alone, with_answer
from aftertune.records import Row, Turn

_IN_WORDS: dict[Structure, str] = {
    "prose": "as plain prose in one paragraph, without lists, headings or other marks",
    "sentences": "with every sentence on a line of its own, without marks before them",
    "numbered_list": "as a numbered list, one step or point per line: 1. ... 2. ...",
    "bullets": "as a list of bullets, one step or point per line, each after a hyphen",
    "markdown": "in Markdown: one heading, a list of bullets, and key words in bold",
    "json": 'as JSON of this form, one step or point per text: {"answer": ["...", "..."]}',
    "code_fence": "as plain prose inside one fenced block of three backticks",
}


class Rewrite(Written):
    """Parameters.

    Attributes:
        to: The structure the answers get.
        template: A text file with what the model is told: `{answer}` is the row's answer, `{request}` its last
            request, `{structure}` the structure in words.
        keep_words: The share of the answer's content words that must come back, in order; and the share of the
            result's that must come from the answer.
        hedge_frozen: Whether words that hedge or decline must be as many as before.
        max_new_tokens: Where an answer is cut off; longer than for answers, as JSON takes more.
    """

    to: Structure
    template: str | None = None
    keep_words: Annotated[float, Field(ge=0, le=1)] = 0.6
    hedge_frozen: bool = False
    max_new_tokens: Annotated[int, Field(ge=1)] = 1024


def write(rows: Sequence[Row], params: Rewrite, seed: int, answer: Answer) -> Whole:
    """Have the model rewrite every answer that has another structure, and take what keeps the content.

    The model is given one user turn; it sees the last request and the answer, no earlier turns.

    Raises:
        DataError: the template is not there, or has no place for the answer.

    >>> row = Row("1", (Turn("user", "Tea?"), Turn("assistant", "Boil the water for 2 minutes and add tea.")))
    >>> reply = "1. Boil the water for 2 minutes.\\n2. Add tea."
    >>> write([row], Rewrite(to="numbered_list"), 0, lambda asked, seeds: [reply]).rows[0].answer == reply
    True
    """
    template = packaged_template("rewrite.txt") if params.template is None else template_of(params.template)
    return written(
        rows,
        "rewrite",
        seed,
        answer,
        lambda row: _asked(row, params, template),
        lambda row, text: _made(row, text, params),
    )


def _asked(row: Row, params: Rewrite, template: str) -> Sequence[Turn] | str:
    if not row.answer.strip():
        return "no text"
    if kind_of(row.answer) == params.to:
        return f"already {params.to}"
    values = {"answer": row.answer, "request": row.prompt, "structure": _IN_WORDS[params.to]}
    return (Turn("user", fill(template, values)),)


def _made(row: Row, text: str, params: Rewrite) -> Applied:
    if kind_of(text) != params.to:
        return left_alone(row, f"does not read as {params.to}")
    lost = what_is_lost(row.answer, text, params.keep_words)
    if lost:
        return left_alone(row, lost)
    if params.hedge_frozen and hedges.count(row.answer) != hedges.count(text):
        return left_alone(row, "hedges would change")
    return with_answer(row, text)


TRANSFORM = Transform(
    version="1",
    about="Has a model write the last answer again in another structure, and keeps it if the content is kept.",
    params=Rewrite,
    write=write,
    factor="to",
    keeps="requests",
    files=("template",),
)
