"""Answer structure: the same words as prose, one sentence per line, a list, Markdown, JSON or a code fence.

Only the last answer of a row changes, and only its layout: a row whose words, numbers or code spans would not come
out the same in the same order is left alone and counted. A control holds one thing about the change fixed, such as
the length, or makes that thing alone (`data.text.controls`).
"""

from __future__ import annotations

import numpy as np

from aftertune.data.text.content import same_content
from aftertune.data.text.controls import Change, Control, controlled
from aftertune.data.text.rendering import render
from aftertune.data.text.structure import Structure, kind_of, parse
from aftertune.data.transforms.base import Applied, Params, Transform, left_alone, with_answer
from aftertune.records import Row

LONGEST = 200_000  # characters; longer answers are no answers but dumps
_WITHOUT_UNITS = {
    "code": "holds code",
    "table": "holds a table",
    "inline_list": "list in one line",
    "json": "other JSON",
}
_LISTS = ("sentences", "numbered_list", "bullets", "markdown")
_DRAWING = ("neutral_shuffle", "length_matched", "length_padded")


class AnswerStructure(Params):
    """Parameters.

    Attributes:
        to: The structure the answers get.
        control: What is done in place of the plain change. `neutral_shuffle`: as many line breaks, at random places,
            no markers. `length_matched`: restructured, as long as before within 2 %. `length_padded`: not
            restructured, as long as the restructured answer within 2 %. `hedge_frozen`: restructured where hedging
            and refusing phrases stay as many.
    """

    to: Structure
    control: Control = "none"


def apply(row: Row, params: AnswerStructure, rng: np.random.Generator) -> Applied:
    """Restructure the last answer, or apply the control of that.

    Left alone: an answer that has the structure already, that holds code or a table, that has nothing
    to list ("one sentence": a list of one item says nothing about lists), whose words would change,
    whose result nobody would recognise, such as lines that begin in mid-sentence, or that is longer than
    200,000 characters. A control leaves these alone too, and those where it cannot hold what it holds.

    >>> from aftertune.records import Turn
    >>> row = Row("1", (Turn("user", "Tea?"), Turn("assistant", "Boil water. Add tea.")))
    >>> apply(row, AnswerStructure(to="numbered_list"), np.random.default_rng(0)).row.answer
    '1. Boil water.\\n2. Add tea.'
    """
    before = row.answer
    change = _change(before, params.to)
    if isinstance(change, str):
        return left_alone(row, change)
    if params.control == "none":
        return with_answer(row, change.after)
    held = controlled(change, params.control, rng)
    if held.text == before:
        return left_alone(row, "nothing would change")
    return with_answer(row, held.text) if held.text else left_alone(row, held.reason)


def _change(before: str, to: Structure) -> Change | str:
    """The change of structure, or why there is none."""
    if len(before) > LONGEST:
        return "too long to restructure"
    parsed = parse(before)
    if parsed.kind == to:
        return f"already {to}"
    if not parsed.units:
        return _WITHOUT_UNITS.get(parsed.kind, "no text")
    if len(parsed.units) == 1 and to in _LISTS:
        return "one sentence"
    after = render(parsed, to)
    if not same_content(before, after, enumerated=parsed.kind == "inline_list"):
        return "content not kept"
    if kind_of(after) != to:
        return f"would not read as {to}"
    return Change(before, parsed, to, after)


def _draws(params: AnswerStructure) -> bool:
    return params.control in _DRAWING


TRANSFORM = Transform(
    version="2",
    about="Lays the last answer out as prose, lines, a list, Markdown, JSON or a code fence; same words.",
    params=AnswerStructure,
    apply=apply,
    draws=_draws,
    factor="to",
)
