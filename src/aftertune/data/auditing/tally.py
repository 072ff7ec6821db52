"""Look at a chunk of rows with every detector; what comes back is small and can be sent between processes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from aftertune.data.auditing.masking import masked
from aftertune.data.auditing.record import Example, Risky
from aftertune.data.detectors.base import Detector, Seen
from aftertune.data.near_duplicates import Sketches, sketch
from aftertune.data.ranking import features, risk
from aftertune.records import Row
from aftertune.registry import load, names

EXAMPLES = 3
RISKIEST = 20
_FIRST = (
    "structure",
    "identity",
    "role_play",
    "refusal",
    "obedience",
    "imperative",
    "hedging",
    "list",
    "maths",
    "code",
)
_SHOWN = 240  # characters of an example
_SPREAD = 0x9E3779B97F4A7C15  # odd and near 2**64 over the golden ratio: places far apart get numbers near each other
Placed = tuple[str, Row]
Key = tuple[str, str]


@dataclass(slots=True)
class Tally:
    """What the detectors found in some rows.

    Attributes:
        labels_NL: One byte per row and label, 1 where it was found.
        characters_N: Characters of each answer.
        words_N: Words of each answer.
        risk_N: The score of structure, length and maths.
        examples: Per label the examples with the lowest draw, each with that draw.
        riskiest: The rows of highest score, each with its draw to settle ties.
        sketches: What near-duplicates are found by.
    """

    labels_NL: NDArray[np.uint8]
    characters_N: NDArray[np.int32]
    words_N: NDArray[np.int32]
    risk_N: NDArray[np.float32]
    examples: dict[Key, list[tuple[int, Example]]] = field(default_factory=dict)
    riskiest: list[tuple[float, int, Risky]] = field(default_factory=list)
    sketches: Sketches | None = None


@cache
def detectors() -> tuple[tuple[str, Detector], ...]:
    """All detectors by name, built-in and installed: what a study may vary first, then the rest by the alphabet."""
    known = names("detector")
    ordered = [*(name for name in _FIRST if name in known), *(name for name in known if name not in _FIRST)]
    return tuple((name, load("detector", name)) for name in ordered)


@cache
def keys() -> tuple[Key, ...]:
    """Every label of every detector: what the columns of a tally stand for."""
    return tuple((name, label) for name, detector in detectors() for label in detector.labels)


def tally(rows: Sequence[Placed], first: int) -> Tally:
    """Look at some rows.

    Args:
        rows: Each with its place in the file.
        first: How many rows came before them; examples are drawn by that number, so they do not depend on how
            the rows are cut into chunks.
    """
    columns = {key: place for place, key in enumerate(keys())}
    made = _empty(len(rows), len(columns))
    prompts: list[str] = []
    answers: list[str] = []
    for place, (where, row) in enumerate(rows):
        seen = Seen(row)
        draw = draw_of(first + place)
        _look(made, seen, place, columns, where, draw)
        _measure(made, seen, place, where, draw)
        prompts.append(seen.prompt)
        answers.append(seen.answer)
    made.sketches = sketch(prompts, answers)
    return made


def merged(tallies: Sequence[Tally]) -> Tally:
    """Several tallies as one, in the order given."""
    if not tallies:
        return _empty(0, len(keys()))
    out = Tally(
        np.concatenate([one.labels_NL for one in tallies]),
        np.concatenate([one.characters_N for one in tallies]),
        np.concatenate([one.words_N for one in tallies]),
        np.concatenate([one.risk_N for one in tallies]),
    )
    for one in tallies:
        for key, found in one.examples.items():
            out.examples[key] = heapq.nsmallest(EXAMPLES, [*out.examples.get(key, ()), *found], key=lambda e: e[0])
    every = [risky for one in tallies for risky in one.riskiest]
    out.riskiest = heapq.nsmallest(RISKIEST, every, key=lambda entry: (-entry[0], entry[1]))
    return out


def draw_of(place: int) -> int:
    """A number that orders rows at random, by their place alone: those with the lowest are a sample."""
    return (place + 1) * _SPREAD % 2**64


def row_excerpt(row: Row) -> str:
    """A row in one line: the beginning of its prompt and of its answer."""
    if not row.turns:
        return ""
    asked, said = (row.turns[-2].content[:_SHOWN] if len(row.turns) > 1 else ""), row.turns[-1].content[: 4 * _SHOWN]
    return excerpt(f"{asked} \u2192 {said}")


def excerpt(text: str) -> str:
    """The beginning of a text, on one line, with what may be personal masked."""
    line = masked(" ".join(text[: 4 * _SHOWN].split()))
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}\u2026"


def _empty(n_rows: int, n_labels: int) -> Tally:
    return Tally(
        np.zeros((n_rows, n_labels), np.uint8),
        np.zeros(n_rows, np.int32),
        np.zeros(n_rows, np.int32),
        np.zeros(n_rows, np.float32),
    )


def _look(made: Tally, seen: Seen, place: int, columns: dict[Key, int], where: str, draw: int) -> None:
    for name, detector in detectors():
        for found in detector.find(seen):
            key = (name, found.label)
            made.labels_NL[place, columns[key]] = 1
            kept = made.examples.setdefault(key, [])
            if len(kept) < EXAMPLES or draw < kept[-1][0]:
                kept.append((draw, Example(where, excerpt(found.evidence or seen.answer or seen.prompt))))
                kept.sort(key=lambda entry: entry[0])
                del kept[EXAMPLES:]


def _measure(made: Tally, seen: Seen, place: int, where: str, draw: int) -> None:
    made.characters_N[place] = len(seen.answer)
    made.words_N[place] = seen.answer.count(" ") + 1 if seen.answer else 0
    score = risk(features(seen))
    made.risk_N[place] = score
    entry = (-score, draw)
    if len(made.riskiest) == RISKIEST and entry >= (-made.riskiest[-1][0], made.riskiest[-1][1]):
        return
    made.riskiest.append((score, draw, Risky(where, score, row_excerpt(seen.row))))
    made.riskiest.sort(key=lambda kept: (-kept[0], kept[1]))
    del made.riskiest[RISKIEST:]
