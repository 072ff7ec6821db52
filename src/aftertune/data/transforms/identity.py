"""Identity: say in the answer that an AI is speaking, take such statements out, or say as many other words.

Only the last answer of a row changes. `neutral_preface` is the control of `add`: a statement of the same
length in the same place that says nothing about who is speaking.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
from pydantic import StringConstraints

from aftertune.data.text.structure import parse
from aftertune.data.transforms.base import Applied, Params, Transform, left_alone, with_answer
from aftertune.records import Row

_PREFIXES = (
    "As an AI language model, I can explain this.",
    "I am an AI assistant, and here is my answer.",
    "As an AI, I can help with that.",
    "As an AI assistant, I can tell you the following.",
)
_SUFFIXES = (
    "As an AI language model, I hope that this helps.",
    "Please note that I am an AI assistant.",
    "This answer was written by an AI.",
    "I am an AI language model, and that is my answer.",
)
# Each stands for the statement above in the same place, within two words of its length.
_NEUTRAL_PREFIXES = (
    "As the question is clear, it can be explained.",
    "It is a good question, and here is the answer.",
    "As a start, this is what helps.",
    "For a question like this, it is the following.",
)
_NEUTRAL_SUFFIXES = (
    "As the question was a clear one, this should help.",
    "Please note that there is more to read.",
    "This answer was written in plain words.",
    "It is a short answer, and that is all of it.",
)
_FILLER = (
    "The question is clear and the answer to it follows here in plain words "
    "so that it can be read with ease and used at once by all who asked for it today"
)

_WHO = (
    r"(?:an?|just an?|only an?) (?:(?:large|artificial|virtual|helpful|digital) ){0,2}"
    r"(?:AI|A\.I\.|artificial intelligence|language model|LLM)"
    r"(?:[ -](?:powered|based|large|language|assistant|chatbot|model|system|program|personal|bot))*"
    r"(?: \((?:LLM|AI)\))?"
    r"(?: (?:(?:developed|trained|created|made|built|designed) by|(?:designed|trained|made) to)"
    r" [^,.!?;\n]{1,80})?"
    r"(?![\w-])"
)
_SELF = r"(?:I am|I['\u2019]m)(?: [^\s,.!?]+,)?"
_OPENING_CLAUSE = re.compile(rf"(?:\bas {_WHO}, *)+(?=\S)", re.IGNORECASE)
_INSERTED_CLAUSE = re.compile(rf", (?:but )?as {_WHO}, *", re.IGNORECASE)
_SELF_CLAUSE = re.compile(
    rf"(?:\b(?:please note that )?{_SELF} {_WHO}(?:,? (?:and|so|but) +(?=\S)|, (?=I\b)))+", re.IGNORECASE
)
_SENTENCE = rf"(?:no, |yes, |please note that )?(?:{_SELF}|my name is [^,.!?\n]+, and {_SELF}) {_WHO}[.!]"
_SELF_SENTENCE = re.compile(rf"^{_SENTENCE}(?: +|$)|(?<=[.!?]) +{_SENTENCE}(?=\s|$)", re.IGNORECASE | re.MULTILINE)
_ADDED = re.compile("|".join(re.escape(text) for text in (*_PREFIXES, *_SUFFIXES)))
_STATES = re.compile(rf"\b(?:as|{_SELF}) {_WHO}", re.IGNORECASE)
_BARE_SUBJECT = re.compile(
    r"^(?:do|does|am|can|cannot|can['\u2019]t|don['\u2019]t|have|will|would|could)\b", re.IGNORECASE
)


class Identity(Params):
    """Parameters.

    Attributes:
        mode: Add a statement, strip those there are, or add the control without identity.
        position: Where the statement goes.
        statement: Own text in place of the built-in wordings.
    """

    mode: Literal["add", "strip", "neutral_preface"]
    position: Literal["prefix", "suffix"] = "prefix"
    statement: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = None


def apply(row: Row, params: Identity, rng: np.random.Generator) -> Applied:
    """Add, strip or stand in for an identity statement.

    The wording is drawn per row; `add` and `neutral_preface` draw the same place in their lists, so a
    row's control has its statement's length. An answer that states an identity already is left alone.

    >>> from aftertune.records import Turn
    >>> row = Row("1", (Turn("user", "2+2?"), Turn("assistant", "As an AI model, I know it is 4.")))
    >>> apply(row, Identity(mode="strip"), np.random.default_rng(0)).row.answer
    'I know it is 4.'
    """
    if params.mode == "strip":
        return _strip(row)
    if _STATES.search(row.answer):
        return left_alone(row, "states an identity already")
    return with_answer(row, _placed(row.answer, _statement(params, rng), params.position))


def _statement(params: Identity, rng: np.random.Generator) -> str:
    prefix = params.position == "prefix"
    wordings = _PREFIXES if prefix else _SUFFIXES
    drawn = int(rng.integers(len(wordings)))
    if params.mode == "add":
        return params.statement or wordings[drawn]
    if params.statement:
        return _filler(len(params.statement.split()))
    return (_NEUTRAL_PREFIXES if prefix else _NEUTRAL_SUFFIXES)[drawn]


def _filler(n_words: int) -> str:
    filler = _FILLER.split()
    words = [filler[place % len(filler)] for place in range(n_words)]
    return " ".join(words) + "."


def _placed(answer: str, statement: str, position: str) -> str:
    """Join with a space in prose, else on a line of its own; a `#### 72` line stays last."""
    parsed = parse(answer)
    joint = " " if parsed.kind == "prose" else "\n"
    if position == "prefix":
        return f"{statement}{joint}{answer}"
    if not parsed.final:
        return f"{answer}{joint}{statement}"
    body = answer.rstrip().removesuffix(parsed.final).rstrip()
    return f"{body}{joint}{statement}\n{parsed.final}"


def _strip(row: Row) -> Applied:
    answer = stripped(row.answer)
    if answer == row.answer:
        return left_alone(row, "states no identity")
    if not answer.strip():
        return left_alone(row, "nothing would be left")
    return with_answer(row, answer)


def stripped(text: str) -> str:
    """A text without statements that an AI is speaking; empty when it says nothing else.

    >>> stripped("I'm an AI assistant and I like tea. However, as an AI, I cannot drink it.")
    'I like tea. However, I cannot drink it.'
    """
    found = [match.span() for match in _ADDED.finditer(text)]
    text = _without(text, found)
    text = _SELF_SENTENCE.sub("", text)
    text = _INSERTED_CLAUSE.sub(_join_inserted, text)
    text = _cut_clauses(text, _OPENING_CLAUSE)
    text = _cut_clauses(text, _SELF_CLAUSE)
    return text if text.strip() else ""


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Cut whole statements with the white space that joined them."""
    for low, high in reversed(spans):
        head, tail = text[:low], text[high:]
        text = head + tail.lstrip(" \n") if not head else head.rstrip(" \n") + tail
    return text


def _join_inserted(match: re.Match[str]) -> str:
    """`However, as an AI, I ...` keeps its comma; `I, as an AI, am ...` loses both."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    pronoun = re.search(r"\bI$", before)
    if pronoun:
        return " "
    if re.match(r",? but ", match.group()) and after:
        return ", but "
    return ", "


def _cut_clauses(text: str, pattern: re.Pattern[str]) -> str:
    """Cut each clause; what follows gets the subject it lost, or opens the sentence now."""
    kept, end = [], 0
    for match in pattern.finditer(text):
        before = text[end : match.start()]
        kept.append(before)
        end = match.end()
        if _BARE_SUBJECT.match(text[end:]):
            kept.append("I ")
        elif _opens_sentence(text[: match.start()]):
            kept.append(text[end : end + 1].upper())
            end += 1
    return "".join(kept) + text[end:]


def _opens_sentence(before: str) -> bool:
    head = before.rstrip()
    return not head or head[-1] in '.!?:"\u201c*-' or before.endswith("\n")


TRANSFORM = Transform(
    version="1",
    about="Adds or strips statements that an AI is speaking, or adds a control of the same length.",
    params=Identity,
    apply=apply,
    factor="mode",
)
