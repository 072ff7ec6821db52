"""What a detector file defines.

A detector looks at one row and says whether it finds something there, and where. It knows no other row and no
file. Its error is measured on hand-labelled rows and stands on its card.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from aftertune.data.text.structure import Parsed, parse
from aftertune.records import Row

Rules = tuple[tuple[str, re.Pattern[str]], ...]
LOOKED_AT = 100_000  # characters of a text that detectors look at; a book in one turn must not hold up the rest

# As bytes, this is five times faster than on text; bytes above 127 belong to letters that are not ASCII.
_TO_SPACE = bytes(byte if byte > 127 or chr(byte).isalpha() or byte == ord("'") else ord(" ") for byte in range(256))


class Seen:
    """What detectors see of a row: its texts, with what several of them need worked out once.

    Detectors look at what is derived here, which is cut after `LOOKED_AT` characters.

    Attributes:
        system: The system turn's text; empty when there is none.
        prompt: The last user turn's text; empty when there is none.
        answer: The last assistant turn's text; empty when it is.
        row: The whole row, for detectors that need earlier turns.
    """

    def __init__(self, row: Row) -> None:
        """Look at a row."""
        self.row = row
        self.system = next((turn.content for turn in row.turns if turn.role == "system"), "")
        self.prompt = next((turn.content for turn in reversed(row.turns) if turn.role == "user"), "")
        self.answer = row.answer if row.turns and row.turns[-1].role == "assistant" else ""

    @cached_property
    def parsed(self) -> Parsed:
        """The answer's structure and units."""
        return parse(self.said)

    @cached_property
    def said(self) -> str:
        """The answer, cut."""
        return self.answer[:LOOKED_AT]

    @cached_property
    def request(self) -> str:
        """The prompt, cut."""
        return self.prompt[:LOOKED_AT]

    @cached_property
    def order(self) -> str:
        """The system text, cut."""
        return self.system[:LOOKED_AT]

    @cached_property
    def low_answer(self) -> str:
        """The answer in lower case, with straight apostrophes."""
        return lowered(self.said)

    @cached_property
    def low_asked(self) -> str:
        """The system and user texts in lower case, with straight apostrophes."""
        return lowered(f"{self.order}\n{self.request}")

    @cached_property
    def answer_words(self) -> frozenset[str]:
        """The answer's words in lower case; ASCII marks and digits are no part of them, apostrophes are."""
        return words_of(self.low_answer)

    @cached_property
    def asked_words(self) -> frozenset[str]:
        """The words of the system and user texts, as `answer_words`."""
        return words_of(self.low_asked)


def lowered(text: str) -> str:
    """Lower case, and curly apostrophes made straight.

    >>> lowered("I\u2019M sorry")
    "i'm sorry"
    """
    return text.lower().replace("\u2019", "'")


def words_of(low: str) -> frozenset[str]:
    """The words of a text in lower case.

    >>> sorted(words_of("well, i'm 3 (or so)."))
    ["i'm", 'or', 'so', 'well']
    """
    return frozenset(low.encode("utf-8", "replace").translate(_TO_SPACE).decode("utf-8").split())


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in a row.

    Attributes:
        label: One of the detector's labels.
        evidence: The words that made it say so, an exact piece of the row's text; may be empty for labels that
            are about a whole text, such as its structure.
    """

    label: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Detector:
    """A named, versioned question about a row. The name is the file's.

    Attributes:
        version: Raised whenever a row can be answered differently.
        about: The question it answers, in one sentence.
        labels: What it may find, in the order they are shown.
        find: From what is seen of a row to what is found, at most one thing per label; empty when there is
            nothing. Never raises, and its time grows no faster than the text.
        limits: What it is known to miss or to take for it, in one or two sentences.
        background: Labels that are no finding but the ordinary case, such as prose; shown, never ranked as risky.
    """

    version: str
    about: str
    labels: tuple[str, ...]
    find: Callable[[Seen], tuple[Found, ...]]
    limits: str
    background: tuple[str, ...] = ()


def first(rules: Rules, low: str, text: str) -> str:
    """The words that the first fitting rule finds; empty when none does.

    A rule is a piece of lower-case text that must be there, and a pattern to look for if it is. Testing for the
    piece is some hundred times faster than the pattern, and most rows hold few of them.

    >>> first((("obey", re.compile("must obey")),), "you must obey me", "You must obey me")
    'must obey'
    """
    for sign, pattern in rules:
        if sign in low:
            match = pattern.search(text)
            if match:
                return match.group()
    return ""
