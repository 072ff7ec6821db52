"""Precision and recall of detectors on the hand-labelled rows.

The counts are stored beside the rows, so that a card need not run anything; a test makes them again.
`python -m aftertune.data.detectors.labelled.measured` writes them anew.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache

from aftertune.data.detectors.base import Detector, Seen
from aftertune.data.detectors.labelled.sample import FOLDER, PARTS, SPLITS, Labelled, labelled_rows
from aftertune.registry import load, names

STORED = FOLDER / "measured.json"
ENOUGH = 5  # labelled rows without which a rate of the ordinary rows says nothing
_NUMBERS = re.compile(r"\[[\s\d,]+\]")
_Z = 1.959963984540054  # of the normal distribution, for limits at 95 %
Limits = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Counts:
    """How a detector's label agrees with the reader's, on one part and split of the rows.

    Attributes:
        hit: Rows that have the label and are found.
        false: Rows that are found and do not have it.
        missed: Rows that have it and are not found.
        rest: The other rows.
    """

    hit: int
    false: int
    missed: int
    rest: int

    @property
    def precision(self) -> Limits | None:
        """The share of found rows that have the label, with limits; None when none is found.

        >>> [round(part, 3) for part in Counts(9, 1, 0, 90).precision]
        [0.9, 0.596, 0.982]
        """
        return wilson(self.hit, self.hit + self.false)

    @property
    def recall(self) -> Limits | None:
        """The share of rows with the label that are found, with limits; None when none has it."""
        return wilson(self.hit, self.hit + self.missed)


def wilson(k: int, n: int) -> Limits | None:
    """A share with Wilson's limits at 95 %; None of nothing.

    >>> wilson(0, 0) is None, [round(part, 3) for part in wilson(10, 10)]
    (True, [1.0, 0.722, 1.0])
    """
    if not n:
        return None
    share, slack = k / n, _Z**2 / n
    middle = (share + slack / 2) / (1 + slack)
    half = math.sqrt(slack * (share * (1 - share) + slack / 4)) / (1 + slack)
    return share, max(middle - half, 0.0), min(middle + half, 1.0)


Cells = dict[str, dict[str, dict[str, Counts]]]  # label, part, split


@cache
def stored() -> dict[str, Cells]:
    """The stored counts: detector, label, part, split."""
    known = json.loads(STORED.read_text(encoding="utf-8"))
    return {
        name: {
            label: {part: {split: Counts(*counts) for split, counts in by.items()} for part, by in parts.items()}
            for label, parts in about["labels"].items()
        }
        for name, about in known.items()
    }


def measured_error(detector: str, label: str) -> tuple[Limits | None, Limits | None]:
    """Precision and recall of a label, each with limits, on rows that its patterns were not mended on.

    They are of the ordinary rows where at least five of these have the label and else of the hard ones, which makes
    precision look worse than it is on plain data.

    Returns:
        Each as estimate, lower and upper limit; None for a detector that was not measured, and where no row says
        anything.
    """
    counts = measured_on(detector, label)
    return (counts[1].precision, counts[1].recall) if counts else (None, None)


def measured_on(detector: str, label: str) -> tuple[str, Counts] | None:
    """The part of the rows whose test split speaks for a label, and its counts there."""
    parts = stored().get(detector, {}).get(label)
    if not parts:
        return None
    enough = [part for part in PARTS if part in parts and _positive(parts[part]["test"]) >= ENOUGH]
    part = next(iter([*enough, *(part for part in reversed(PARTS) if part in parts)]))
    return part, parts[part]["test"]


def card(detector: str) -> list[dict[str, object]]:
    """What a detector's card says of its error: one entry per label and part, on rows of the test split.

    Returns:
        Label, part of the rows, how many have the label and how many have not, hits, false hits and misses, and
        precision and recall as estimate, lower and upper limit; None where there is nothing to divide by.
    """
    return [
        {
            "label": label,
            "rows": part,
            "with_label": _positive(by["test"]),
            "without": by["test"].false + by["test"].rest,
            "found": by["test"].hit,
            "false": by["test"].false,
            "missed": by["test"].missed,
            "precision": by["test"].precision,
            "recall": by["test"].recall,
        }
        for label, parts in stored().get(detector, {}).items()
        for part, by in parts.items()
    ]


def _positive(counts: Counts) -> int:
    return counts.hit + counts.missed


def measure(name: str, detector: Detector) -> Cells:
    """Run a detector on the hand-labelled rows and count; empty when they are not labelled for it."""
    rows = [one for one in labelled_rows() if name in one.labels]
    found = [{one.label for one in detector.find(Seen(labelled.row))} for labelled in rows]
    return {label: _of_label(name, label, rows, found) for label in detector.labels if rows}


def _of_label(name: str, label: str, rows: list[Labelled], found: list[set[str]]) -> dict[str, dict[str, Counts]]:
    parts: dict[str, dict[str, Counts]] = {}
    for part in PARTS:
        if any(one.part == part for one in rows):
            pairs = {
                split: [
                    (label in one.labels[name], label in seen)
                    for one, seen in zip(rows, found, strict=True)
                    if (one.part, one.split) == (part, split)
                ]
                for split in SPLITS
            }
            parts[part] = {split: _counted(of_split) for split, of_split in pairs.items()}
    return parts


def _counted(pairs: list[tuple[bool, bool]]) -> Counts:
    """From (has the label, is found) per row."""
    tallies = (pairs.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False)))
    return Counts(*tallies)


def measured_text() -> str:
    """What `measured.json` holds: the counts of every detector that the rows are labelled for."""
    about = {}
    for name in names("detector"):
        detector: Detector = load("detector", name)
        cells = measure(name, detector)
        if cells:
            about[name] = {"version": detector.version, "labels": _plain(cells)}
    return _NUMBERS.sub(lambda match: " ".join(match.group().split()), json.dumps(about, indent=1)) + "\n"


def _plain(cells: Cells) -> dict[str, dict[str, dict[str, list[int]]]]:
    return {
        label: {
            part: {split: [c.hit, c.false, c.missed, c.rest] for split, c in by.items()} for part, by in parts.items()
        }
        for label, parts in cells.items()
    }


if __name__ == "__main__":
    STORED.write_text(measured_text(), encoding="utf-8")
