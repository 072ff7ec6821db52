"""Answer structure: the same words as prose, one sentence per line, a list, Markdown, JSON or a code fence.

Only the last answer of a row changes, and only its layout: a row whose words, numbers or code spans
would not come out the same in the same order is left alone and counted.
"""

from __future__ import annotations

import numpy as np

from aftertune.data.text.content import same_content
from aftertune.data.text.rendering import render
from aftertune.data.text.structure import Structure, kind_of, parse
from aftertune.data.transforms.base import Applied, Params, Transform, left_alone, with_answer
from aftertune.records import Row

_WITHOUT_UNITS = {"code": "holds code", "table": "holds a table", "inline_list": "list in one line"}
_LISTS = ("sentences", "numbered_list", "bullets", "markdown")


class AnswerStructure(Params):
    """Parameters.

    Attributes:
        to: The structure the answers get.
    """

    to: Structure


def apply(row: Row, params: AnswerStructure, rng: np.random.Generator) -> Applied:
    """Restructure the last answer; nothing here is random.

    Left alone: an answer that has the structure already, that holds code or a table, that has nothing
    to list ("one sentence": a list of one item says nothing about lists), whose words would change, or
    whose result nobody would recognise, such as lines that begin in mid-sentence.

    >>> from aftertune.records import Turn
    >>> row = Row("1", (Turn("user", "Tea?"), Turn("assistant", "Boil water. Add tea.")))
    >>> apply(row, AnswerStructure(to="numbered_list"), np.random.default_rng(0)).row.answer
    '1. Boil water.\\n2. Add tea.'
    """
    parsed = parse(row.answer)
    if parsed.kind == params.to:
        return left_alone(row, f"already {params.to}")
    if not parsed.units:
        return left_alone(row, _WITHOUT_UNITS.get(parsed.kind, "no text"))
    if len(parsed.units) == 1 and params.to in _LISTS:
        return left_alone(row, "one sentence")
    answer = render(parsed, params.to)
    if not same_content(row.answer, answer, enumerated=parsed.kind == "inline_list"):
        return left_alone(row, "content not kept")
    if kind_of(answer) != params.to:
        return left_alone(row, f"would not read as {params.to}")
    return with_answer(row, answer)


TRANSFORM = Transform(
    version="2",
    about="Lays the last answer out as prose, lines, a list, Markdown, JSON or a code fence; same words.",
    params=AnswerStructure,
    apply=apply,
    draws=False,
    factor="to",
)
