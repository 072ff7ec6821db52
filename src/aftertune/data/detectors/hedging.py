"""Hedging: the answer qualifies what it says as uncertain, possible, usual or approximate."""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Seen
from aftertune.data.text.hedges import HEDGES

_WORDS = frozenset(hedge for hedge in HEDGES if " " not in hedge)
_UNCLEAR = frozenset(("may", "rather", "possible", "quite"))
_PHRASES = tuple(hedge for hedge in HEDGES if " " in hedge)
_PHRASE = re.compile(rf"\b(?:{'|'.join(map(re.escape, _PHRASES))})\b")
_OF_PHRASES = frozenset(max(phrase.split(), key=len) for phrase in _PHRASES)
# Where the unclear ones hedge nothing: the month, wishes, contrasts, and what is possible to do.
_NO_HEDGE = re.compile(
    r"\bMay (?:the|you|your|all|this|his|her|God|\d)|\b(?:in|of|on|by|since|until|from|early|late|mid|\d{1,2}) May\b"
    r"|\brather than\b|\b(?:but|or|would) rather\b|\b(?:as|if|when(?:ever)?|wherever|all"
    r"|every) [\w ]{0,10}possible\b|\bquite (?:a|the)\b"
)
_AS_WORD = {word: re.compile(rf"\b{word}\b", re.IGNORECASE) for word in _WORDS}


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether a word or phrase that hedges stands in the answer; the evidence is one of them.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return find(Seen(Row("1", (Turn("assistant", text),))))
    >>> found("It may rain."), found("May the best win in May 2024, as soon as possible.")
    ((Found(label='hedged', evidence='may'),), ())
    """
    words = seen.answer_words & _WORDS
    hedge = _word(words - _UNCLEAR, seen.said)
    if not hedge and words:
        hedge = _word(words, _NO_HEDGE.sub(" ", seen.said))
    if not hedge and not _OF_PHRASES.isdisjoint(seen.answer_words):
        phrase = _PHRASE.search(seen.low_answer)
        hedge = seen.said[phrase.start() : phrase.end()] if phrase and len(seen.said) == len(seen.low_answer) else ""
    return (Found("hedged", hedge),) if hedge else ()


def _word(words: frozenset[str], text: str) -> str:
    """The first of the words in alphabetical order that stands in a text, as it stands there."""
    for word in sorted(words):
        match = _AS_WORD[word].search(text)
        if match:
            return match.group()
    return ""


DETECTOR = Detector(
    version="1",
    about="Does the answer qualify what it says as uncertain, possible, usual or approximate?",
    labels=("hedged",),
    find=find,
    limits='Looks for words and does not read: "could" in a suggestion is taken for a hedge, and hedges in other '
    "words are missed.",
    background=("hedged",),
)
