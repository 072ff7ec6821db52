"""What a transform file defines.

Most transforms change one row at a time and know no other row (`apply`). Their randomness is the generator they
are given, which depends on the seed, the transform's name and the row's id only. Others look at all rows at once
(`whole`), add rows of their own (`more`), or have a model write (`write`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class Whole:
    """What a transform made of all rows at once.

    Attributes:
        rows: The rows after it, in the order they came in; rows that are not among them were taken out. A row
            it leaves alone is the same object as before.
        left_alone: How many rows were left alone, by reason.
        added: Rows of its own, which come after the others.
    """

    rows: tuple[Row, ...]
    left_alone: Mapping[str, int] = field(default_factory=dict)
    added: tuple[Row, ...] = ()


Answer = Callable[[Sequence[Sequence[Turn]], Sequence[int]], list[str]]
"""From conversations that end with a user turn, and one seed each, to what a model answers; empty when it failed."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A named, versioned change to training rows. The name is the file's.

    Exactly one of `apply`, `more`, `whole` and `write` does the work; the others are None.

    Attributes:
        version: Raised whenever a changed row can come out differently.
        about: What it does, in one sentence.
        params: Its parameters.
        apply: From a row, parameters and a generator to what became of the row. Never raises.
        more: From the rows, parameters and the study's seed to rows that are added at the end, in an order that
            does not depend on that of the rows.
        whole: From the rows the dose chose, parameters and the study's seed to what became of them. What becomes
            of a row does not depend on the order of the rows.
        write: As `whole`, with a model that answers; its parameters have a `model`.
        draws: Whether `apply` uses its generator; making one takes longer than most transforms need.
        factor: The parameter that a level of a study's `factors` sets; empty when it cannot be a factor by name.
    """

    version: str
    about: str
    params: type[Params]
    apply: Callable[[Row, Any, np.random.Generator], Applied] | None = None
    more: Callable[[Sequence[Row], Any, int], tuple[Row, ...]] | None = None
    whole: Callable[[Sequence[Row], Any, int], Whole] | None = None
    write: Callable[[Sequence[Row], Any, int, Answer], Whole] | None = None
    draws: bool = True
    factor: str = ""


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
