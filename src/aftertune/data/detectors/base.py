"""What a detector file defines.

A detector looks at one row and says whether it finds something there, and where. It knows no other row and no
file. Its error is measured on hand-labelled rows and stands on its card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from aftertune.data.text.structure import Parsed, parse
from aftertune.records import Row


class Seen:
    """What detectors see of a row: its texts, with what several of them need worked out once.

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
        return parse(self.answer)

    @cached_property
    def low_answer(self) -> str:
        """The answer in lower case."""
        return self.answer.lower()

    @cached_property
    def low_asked(self) -> str:
        """The system and user texts in lower case."""
        return f"{self.system}\n{self.prompt}".lower()


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
