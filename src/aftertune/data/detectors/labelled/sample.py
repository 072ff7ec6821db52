"""Read the hand-labelled rows; README.md beside them says how they were chosen and labelled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aftertune.records import Row, Turn

FOLDER = Path(__file__).parent
PARTS = ("ordinary", "hard")
FILES = {"ordinary": ("ordinary",), "hard": ("hard", "hard_language", "hard_personal_data")}
_BAR = "\u00a6"  # cuts made-up keys apart in the files, so that nobody's search for leaked ones stops there
SPLITS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row and what a reader found in it.

    Attributes:
        row: The conversation.
        part: "ordinary" when it was drawn at random, "hard" when it was looked for or written.
        split: "dev" when patterns were mended by looking at it, "test" when it was only counted.
        source: Where it comes from.
        licence: The licence it comes under.
        labels: Detector to the labels the row has; a detector that is missing was not labelled for.
    """

    row: Row
    part: str
    split: str
    source: str
    licence: str
    labels: dict[str, tuple[str, ...]]


def labelled_rows() -> Iterator[Labelled]:
    """All hand-labelled rows in the order of their files.

    >>> sum(1 for _ in labelled_rows())
    898
    """
    for part in PARTS:
        for file in FILES[part]:
            for line in (FOLDER / f"{file}.jsonl").read_text(encoding="utf-8").replace(_BAR, "").split("\n"):
                if line:
                    yield _labelled(part, json.loads(line))


def _labelled(part: str, record: dict[str, object]) -> Labelled:
    fields: dict[str, object] = record
    turns, labels = fields["turns"], fields["labels"]
    assert isinstance(turns, list)
    assert isinstance(labels, dict)
    row = Row(str(fields["id"]), tuple(Turn(turn["role"], turn["content"]) for turn in turns))
    known = {name: tuple(found) for name, found in labels.items()}
    return Labelled(row, part, str(fields["split"]), str(fields["source"]), str(fields["licence"]), known)
