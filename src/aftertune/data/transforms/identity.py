"""Identity: say in the answer that an AI or a brand's assistant is speaking, take that out, or say as many other words.

Only the last answer of a row changes. `neutral_preface` is the control of `add`: a statement of the same
length in the same place that says nothing about who is speaking.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
from pydantic import StringConstraints, model_validator

from aftertune.data.text.content import code_spans
from aftertune.data.transforms._cutting import without
from aftertune.data.transforms._identity_words import NEUTRAL, STATEMENTS, Patterns, may_state, of_brand, patterns
from aftertune.data.transforms._placement import Position, change_text, put
from aftertune.data.transforms._plain_words import as_long_as
from aftertune.data.transforms.base import Applied, Params, Transform, left_alone, with_answer
from aftertune.records import Row

_WORD = re.compile(r"\w+")
_BARE_SUBJECT = re.compile(
    r"(?:do|does|am|can|cannot|can['\u2019]t|don['\u2019]t|have|will|would|could)\b", re.IGNORECASE
)
_SEEN = 80  # characters looked at before a clause; more would make long answers quadratic


class Identity(Params):
    """Parameters.

    Attributes:
        mode: Add a statement, strip those there are, or add the control without identity.
        position: Where the statement goes: before the answer, after it, or between two of its sentences.
        brand: Whose support assistant is speaking, in place of an AI; `strip` takes out both.
        statement: Own text in place of the built-in wordings; `strip` takes it out too.
    """

    mode: Literal["add", "strip", "neutral_preface"]
    position: Position = "prefix"
    brand: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\r\n]{1,80}$")] | None = None
    statement: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_wording(self) -> Identity:
        if self.mode != "strip" and self.brand and self.statement:
            raise ValueError("give either `brand` or `statement`; a statement can name the brand itself")
        return self


def apply(row: Row, params: Identity, rng: np.random.Generator) -> Applied:
    """Add or strip a statement; the wording and an inline place are drawn per row.

    `add` and the control leave the same rows alone: those that state an identity already, and those whose
    structure has no place for a sentence. `strip` leaves alone a row that states none or says nothing else.

    >>> from aftertune.records import Turn
    >>> row = Row("1", (Turn("user", "2 + 2?"), Turn("assistant", "As an AI, I know it is 4.")))
    >>> apply(row, Identity(mode="strip"), np.random.default_rng(0)).row.answer
    'I know it is 4.'
    """
    known = patterns(params.brand, params.statement)
    if params.mode == "strip":
        return _strip(row, known)
    if may_state(row.answer, known) and known.states.search(row.answer):
        return left_alone(row, "states an identity already")
    answer, reason = put(row.answer, _statement(params, rng), params.position, rng)
    return left_alone(row, reason) if reason else with_answer(row, answer)


def _statement(params: Identity, rng: np.random.Generator) -> str:
    wordings = of_brand(params.brand, params.position) if params.brand else STATEMENTS[params.position]
    drawn = int(rng.integers(len(wordings)))
    said = params.statement or wordings[drawn]
    if params.mode == "add":
        return said
    return as_long_as(said, "answer") if params.statement or params.brand else NEUTRAL[params.position][drawn]


def _strip(row: Row, known: Patterns) -> Applied:
    if not may_state(row.answer, known):
        return left_alone(row, "states no identity")
    answer = change_text(row.answer, lambda text: _stripped(text, known))
    if answer == row.answer:
        states = bool(known.added.search(answer))
        return left_alone(row, "nothing would be left" if states else "states no identity")
    if not answer.strip():
        return left_alone(row, "nothing would be left")
    if not _only_taken_out(row.answer, answer):
        return left_alone(row, "content not kept")
    return with_answer(row, answer)


def stripped(text: str, brand: str | None = None, statement: str | None = None) -> str:
    """A text without statements that an AI is speaking; empty when it says nothing else.

    Args:
        text: An answer.
        brand: Also without statements that this brand's assistant is speaking.
        statement: Also without this text.

    >>> stripped("I'm an AI assistant and I like tea. However, as an AI, I cannot drink it.")
    'I like tea. However, I cannot drink it.'
    >>> stripped("As the helper of Acme, I can. This is the support assistant of Acme.", "Acme")
    'I can.'
    """
    return change_text(text, lambda part: _stripped(part, patterns(brand, statement)))


def _stripped(text: str, known: Patterns) -> str:
    text = without(text, known.added)
    text = known.sentence.sub("", text)
    text = known.inserted.sub(_join_inserted, text)
    text = _cut_clauses(text, known.opening)
    text = _cut_clauses(text, known.myself)
    return text if text.strip() else ""


def _only_taken_out(before: str, after: str) -> bool:
    """Whether all words of the one are in the other in that order, and its code spans are the same."""
    there = iter(_WORD.findall(before.lower()))
    return all(word in there for word in _WORD.findall(after.lower())) and code_spans(before) == code_spans(after)


def _join_inserted(match: re.Match[str]) -> str:
    """`However, as an AI, I ...` keeps its comma; `I, as an AI, am ...` loses both."""
    before = match.string[max(0, match.start() - 2) : match.start()]
    if before in ("I", " I") or before.endswith("I") and not before[0].isalnum() and before[0] != "_":
        return " "
    return ", but " if re.match(r",? but ", match.group()) and match.end() < len(match.string) else ", "


def _cut_clauses(text: str, pattern: re.Pattern[str]) -> str:
    """Cut each clause; what follows gets the subject it lost, or opens the sentence now."""
    kept, end = [], 0
    for match in pattern.finditer(text):
        before = text[end : match.start()]
        kept.append(before)
        end = match.end()
        if _BARE_SUBJECT.match(text, end):
            kept.append("I ")
        elif _opens_sentence(text[max(0, match.start() - _SEEN) : match.start()]):
            kept.append(text[end : end + 1].upper())
            end += 1
    return "".join([*kept, text[end:]])


def _opens_sentence(before: str) -> bool:
    head = before.rstrip()
    return not head or head[-1] in '.!?:"\u201c*-' or before.endswith("\n")


TRANSFORM = Transform(
    version="2",
    about="Adds or strips statements that an AI or a brand's assistant speaks, or adds a control as long.",
    params=Identity,
    apply=apply,
    draws=lambda params: params.mode != "strip",
    factor="mode",
    keeps="requests",
)
