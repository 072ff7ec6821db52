"""What a transform file defines.

Most transforms change one row at a time and know no other row (`apply`). Their randomness is the generator they
are given, which depends on the seed, the transform's name and the row's id only. Others look at all rows at once
(`whole`), add rows of their own (`more`), or have a model write (`write`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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


class Written(Params):
    """What every transform that has a model write can be told.

    Attributes:
        model: Who writes: "initial" for the study's initial model, a folder, a hub id, or the address of a served
            model, as in `https://api.example.com/v1#name`.
        temperature: 0 is greedy: the likeliest token each time.
        max_new_tokens: Where an answer is cut off.
    """

    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "initial"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_new_tokens: Annotated[int, Field(ge=1)] = 512


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
"""From conversations that end with a user turn, and one seed each, to what a model answers; empty when it failed.

The answers depend on nothing but the conversations, the seeds and the model with its settings, so these are all
that a cache needs to know; at temperature 0 not even the seeds.
"""


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
        write: As `whole`, with a model that answers; its parameters are those of `Written`.
        draws: Whether `apply` uses its generator, or how to tell from the parameters; making one takes longer than
            most transforms need.
        factor: The parameter that a level of a study's `factors` sets; empty when it cannot be a factor by name.
        keeps: What it promises not to touch: "answers", all that the assistant says; "requests", all but the last
            answer. A row that comes out otherwise is left alone.
        files: Parameters that name files; their bytes, not their places, are part of the transform's identity.
        uses: From parameters to what else the output depends on, such as another component's version.

    Raises:
        ValueError: not exactly one hook is given.
    """

    version: str
    about: str
    params: type[Params]
    apply: Callable[[Row, Any, np.random.Generator], Applied] | None = None
    more: Callable[[Sequence[Row], Any, int], tuple[Row, ...]] | None = None
    whole: Callable[[Sequence[Row], Any, int], Whole] | None = None
    write: Callable[[Sequence[Row], Any, int, Answer], Whole] | None = None
    draws: bool | Callable[[Any], bool] = True
    factor: str = ""
    keeps: Literal["", "answers", "requests"] = ""
    files: tuple[str, ...] = ("path",)
    uses: Callable[[Any], Mapping[str, str]] | None = None

    def __post_init__(self) -> None:
        """See that there is one hook."""
        hooks = (self.apply, self.more, self.whole, self.write)
        if sum(hook is not None for hook in hooks) != 1:
            raise ValueError("a transform has exactly one of `apply`, `more`, `whole` and `write`")


def chosen(row: Row, name: str, dose: float, seed: int) -> bool:
    """Whether a transform is applied to a row at this dose.

    >>> row = Row("7", (Turn("user", "Hi"), Turn("assistant", "Hello")))
    >>> chosen(row, "identity", 1.0, seed=0)
    True
    >>> [chosen(row, "identity", dose, seed=0) for dose in (0.1, 0.5, 0.9)]
    [False, False, True]
    """
    return dose >= 1 or derive(seed, "dose", name, row.id) < dose * 2**63


def by_hash(rows: Sequence[Row], name: str, seed: int) -> list[Row]:
    """The rows in an order of their own, that does not depend on the order they came in.

    Whoever takes the first n of them takes all that one who takes fewer does.

    >>> rows = [Row(str(n), (Turn("user", "Hi"), Turn("assistant", "Hello"))) for n in range(4)]
    >>> by_hash(rows, "subset", 0) == by_hash(rows[::-1], "subset", 0)
    True
    """
    return sorted(rows, key=lambda row: (derive(seed, "transform", name, row.id), row.id))


def left_alone(row: Row, reason: str) -> Applied:
    """The row as it was, with the reason."""
    return Applied(row, changed=False, reason=reason)


def changed_to(row: Row, turns: tuple[Turn, ...]) -> Applied:
    """The row with new turns."""
    return Applied(Row(row.id, turns), changed=True)


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
