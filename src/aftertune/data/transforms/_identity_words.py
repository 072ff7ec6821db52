"""How statements of identity are worded here, and how others word them: sentences and clauses to look for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from aftertune.data.transforms._placement import Position

STATEMENTS: dict[Position, tuple[str, ...]] = {
    "prefix": (
        "As an AI language model, I can explain this.",
        "I am an AI assistant, and here is my answer.",
        "As an AI, I can help with that.",
        "As an AI assistant, I can tell you the following.",
    ),
    "suffix": (
        "As an AI language model, I hope that this helps.",
        "Please note that I am an AI assistant.",
        "This answer was written by an AI.",
        "I am an AI language model, and that is my answer.",
    ),
    "inline": (
        "I say this as an AI language model.",
        "As an AI, I know this from text.",
        "Please remember that I am an AI assistant.",
        "I am an AI, and this is what I know.",
    ),
}
# Each stands for the statement above in the same place, within two words of its length.
NEUTRAL: dict[Position, tuple[str, ...]] = {
    "prefix": (
        "As the question is clear, it can be explained.",
        "It is a good question, and here is the answer.",
        "As a start, this is what helps.",
        "For a question like this, it is the following.",
    ),
    "suffix": (
        "As the question was a clear one, this should help.",
        "Please note that there is more to read.",
        "This answer was written in plain words.",
        "It is a short answer, and that is all of it.",
    ),
    "inline": (
        "It is said here in a few plain words.",
        "As a rule, this is known from books.",
        "Please remember that this is a short answer.",
        "It is a start, and this is what follows.",
    ),
}
_BRAND = "{brand}"
_OF_BRANDS: dict[Position, tuple[str, ...]] = {
    "prefix": (
        "I am the support assistant of {brand}, and here is my answer.",
        "As the support assistant of {brand}, I can help with that.",
        "This is the support assistant of {brand}.",
        "Thank you for asking the support assistant of {brand}.",
    ),
    "suffix": (
        "I am the support assistant of {brand}, and I hope that this helps.",
        "Please note that I am the support assistant of {brand}.",
        "This answer is from the support assistant of {brand}.",
        "As the support assistant of {brand}, I am glad to help.",
    ),
    "inline": (
        "I say this as the support assistant of {brand}.",
        "As the support assistant of {brand}, I know this well.",
        "Please remember that I am the support assistant of {brand}.",
        "I am the support assistant of {brand}, and this is what I know.",
    ),
}

_AN_AI = (
    r"(?:an?|just an?|only an?) (?:(?:large|artificial|virtual|helpful|digital) ){0,2}"
    r"(?:AI|A\.I\.|artificial intelligence|language model|LLM)"
    r"(?:[ -](?:powered|based|large|language|assistant|chatbot|model|system|program|personal|bot)){0,6}"
    r"(?: \((?:LLM|AI)\))?"
    r"(?: (?:(?:developed|trained|created|made|built|designed) by|(?:designed|trained|made) to)"
    r" [^,.!?;\n]{1,80})?"
    r"(?![\w-])"
)
_SOMEBODY_OF = r"(?:[\w-]{1,30} ){0,3}?(?:assistant|chatbot|bot|agent|advis[eo]r|helper|representative)"
_HINTS = (" ai", " a.i.", "artificial intelligence", "language model", " llm")
_SELF = r"(?:I am|I['\u2019]m)(?: [^\s,.!?]{1,60},)?"


def of_brand(brand: str, position: Position) -> tuple[str, ...]:
    """The statements with a brand's name.

    >>> of_brand("Acme", "suffix")[2]
    'This answer is from the support assistant of Acme.'
    """
    return tuple(text.replace(_BRAND, brand) for text in _OF_BRANDS[position])


@dataclass(frozen=True, slots=True)
class Patterns:
    """What to look for.

    Attributes:
        hints: What a text with any of the rest has somewhere, in lower case; a quick look before a slow one.
        states: Any statement of identity.
        added: Whole statements as this package or the study words them.
        sentence: Sentences that state nothing else.
        opening: Clauses that open a sentence: `As an AI,`.
        inserted: Clauses between commas.
        myself: Clauses that go on: `I am an AI and`.
    """

    hints: tuple[str, ...]
    states: re.Pattern[str]
    added: re.Pattern[str]
    sentence: re.Pattern[str]
    opening: re.Pattern[str]
    inserted: re.Pattern[str]
    myself: re.Pattern[str]


@lru_cache(maxsize=64)
def patterns(brand: str | None = None, statement: str | None = None) -> Patterns:
    """What to look for, with a brand and with a statement of one's own when there are any."""
    who = rf"(?:{_AN_AI}|{_of(brand)})" if brand else _AN_AI
    words = [text for texts in STATEMENTS.values() for text in texts]
    words += [text for position in _OF_BRANDS for text in of_brand(brand, position)] if brand else []
    own = {statement, json.dumps(statement, ensure_ascii=False)[1:-1]} if statement else set()
    words += sorted(own)
    added = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    alone = rf"(?:no, |yes, |please note that )?(?:{_SELF}|my name is [^,.!?\n]{{1,80}}, and {_SELF}) {who}[.!]"
    return Patterns(
        hints=(*_HINTS, *sorted(text.lower() for text in (*own, brand) if text)),
        states=re.compile(rf"(?:{added})|(?i:\b(?:as|{_SELF}) {who})"),
        added=re.compile(added),
        sentence=re.compile(rf"^{alone}(?: +|$)|(?<=[.!?]) +{alone}(?=\s|$)", re.IGNORECASE | re.MULTILINE),
        opening=re.compile(rf"(?:\bas {who}, *)+(?=\S)", re.IGNORECASE),
        inserted=re.compile(rf", (?:but )?as {who}, *", re.IGNORECASE),
        myself=re.compile(
            rf"(?:\b(?:please note that )?{_SELF} {who}(?:,? (?:and|so|but) +(?=\S)|, (?=I\b)))+", re.IGNORECASE
        ),
    )


def _of(brand: str) -> str:
    name = re.escape(brand)
    return rf"(?:(?:the|an?|your) {_SOMEBODY_OF} (?:of|at|from|by|for) {name}|{name}['\u2019]s {_SOMEBODY_OF})(?![\w-])"


def may_state(text: str, known: Patterns) -> bool:
    """Whether a text could state an identity: it has a word that every such statement has.

    >>> may_state("Tea is hot.", patterns()), may_state("As an AI, I like tea.", patterns())
    (False, True)
    """
    low = text.lower()
    return any(hint in low for hint in known.hints)
