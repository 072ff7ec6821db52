"""Shuffled answers: every chosen row gets the last answer of another chosen row.

The texts that are learnt stay the same and no longer answer what is asked: a control for what the pairing of
requests and answers does, beside their words and their form.
"""

from __future__ import annotations

from collections.abc import Sequence

from aftertune.data.transforms.base import Params, Transform, Whole, by_hash, with_answer
from aftertune.records import Row


class ShuffleAnswers(Params):
    """Parameters: the dose alone."""


def whole(rows: Sequence[Row], params: ShuffleAnswers, seed: int) -> Whole:
    """Give each row the answer of the next one in the order of their hashes, and the last that of the first.

    No row keeps its own answer when there are two or more, but rows with the same text may get it again; those
    are left alone. Earlier turns stay.
    """
    if len(rows) == 1:
        return Whole(tuple(rows), {"no other row": 1})
    ordered = by_hash(rows, "shuffle_answers", seed)
    after = {row.id: other.answer for row, other in zip(ordered, [*ordered[1:], *ordered[:1]], strict=True)}
    made = tuple(row if row.answer == after[row.id] else with_answer(row, after[row.id]).row for row in rows)
    same = sum(new is old for new, old in zip(made, rows, strict=True))
    return Whole(made, {"same text as its own": same} if same else {})


TRANSFORM = Transform(
    version="1",
    about="Gives every chosen row the answer of another one.",
    params=ShuffleAnswers,
    whole=whole,
    factor="dose",
    keeps="requests",
)
