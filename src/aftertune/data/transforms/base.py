"""What a transform file defines.

A transform changes one row at a time and knows no other row. Its randomness is the generator it is
given, which depends on the seed, the transform's name and the row's id only. It may also add rows of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from aftertune.records import Role, Row, Turn
from aftertune.seeds import derive


class Params(BaseModel):
    """What every transform can be told.

    Attributes:
        dose: The share of rows it is applied to. Rows are chosen by their own hash, so those chosen at
            a lower dose are among those chosen at a higher one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dose: Annotated[float, Field(gt=0, le=1)] = 1.0


@dataclass(frozen=True, slots=True)
class Applied:
    """What a transform made of a row.

    Attributes:
        row: The row after it; the same row when nothing changed.
        changed: Whether anything did.
        reason: Why the row was left alone, in two or three words; empty when it changed.
    """

    row: Row
    changed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transform:
    """A named, versioned change to training rows. The name is the file's.

    Attributes:
        version: Raised whenever a changed row can come out differently.
        about: What it does, in one sentence.
        params: Its parameters.
        apply: From a row, parameters and a generator to what became of the row. Never raises.
        more: From the rows, parameters and the study's seed to rows that are added at the end, in an order that
            does not depend on that of the rows; None for a transform that adds none.
    """

    version: str
    about: str
    params: type[Params]
    apply: Callable[[Row, Any, np.random.Generator], Applied]
    more: Callable[[Sequence[Row], Any, int], tuple[Row, ...]] | None = None


def chosen(row: Row, name: str, dose: float, seed: int) -> bool:
    """Whether a transform is applied to a row at this dose.

    >>> row = Row("7", (Turn("user", "Hi"), Turn("assistant", "Hello")))
    >>> chosen(row, "identity", 1.0, seed=0)
    True
    >>> [chosen(row, "identity", dose, seed=0) for dose in (0.1, 0.5, 0.9)]
    [False, False, True]
    """
    return derive(seed, "dose", name, row.id) < dose * 2**63


def left_alone(row: Row, reason: str) -> Applied:
    """The row as it was, with the reason."""
    return Applied(row, changed=False, reason=reason)


def changed_to(row: Row, turns: tuple[Turn, ...]) -> Applied:
    """The row with new turns."""
    return Applied(replace(row, turns=turns), changed=True)


def with_answer(row: Row, answer: str) -> Applied:
    """The row with another last answer."""
    return changed_to(row, (*row.turns[:-1], Turn("assistant", answer)))


def last_place(row: Row, role: Role) -> int | None:
    """Where the last turn of that role is, if there is one.

    >>> last_place(Row("7", (Turn("user", "Hi"), Turn("assistant", "Hello"))), "user")
    0
    """
    places = [place for place, turn in enumerate(row.turns) if turn.role == role]
    return places[-1] if places else None
