"""Rows whose last answer a model writes anew: what it is asked, under which seeds, and what becomes of its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from aftertune.data.transforms.base import Answer, Applied, Whole, left_alone
from aftertune.records import Row, Turn
from aftertune.seeds import derive

NO_ANSWER = "the model gave no answer"


def written(
    rows: Sequence[Row],
    name: str,
    seed: int,
    answer: Answer,
    asked: Callable[[Row], Sequence[Turn] | str],
    made: Callable[[Row, str], Applied],
) -> Whole:
    """Ask a model about every row at once, and make what it writes into rows.

    Args:
        rows: The chosen rows.
        name: The transform's name: a row's seed is derived from it, the study's seed and the row's id.
        seed: The study's seed.
        answer: The model.
        asked: From a row to the conversation the model is given, or why it is not asked.
        made: From a row and what the model wrote, without white space around it, to what becomes of the row.

    Raises:
        ValueError: the model gave another number of answers than there were conversations.
    """
    asks = [asked(row) for row in rows]
    put = [(row, ask) for row, ask in zip(rows, asks, strict=True) if not isinstance(ask, str)]
    seeds = [derive(seed, "transform", name, row.id) for row, _ in put]
    replies = iter(answer([ask for _, ask in put], seeds)) if put else iter(())
    after, reasons = [], Counter[str]()
    for row, ask in zip(rows, asks, strict=True):
        result = left_alone(row, ask) if isinstance(ask, str) else _result(row, next(replies, None), made)
        after.append(result.row)
        if not result.changed:
            reasons[result.reason] += 1
    if next(replies, None) is not None:
        raise ValueError("the model gave more answers than it was asked for")
    return Whole(tuple(after), reasons)


def _result(row: Row, reply: str | None, made: Callable[[Row, str], Applied]) -> Applied:
    if reply is None:
        raise ValueError("the model gave fewer answers than it was asked for")
    text = reply.strip()
    return made(row, text) if text else left_alone(row, NO_ANSWER)
