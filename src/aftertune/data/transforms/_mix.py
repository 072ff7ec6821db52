"""Rows of another set that are mixed in: which ones, and under which ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from aftertune.data.source import load_source
from aftertune.data.transforms.base import Params, by_hash
from aftertune.errors import DataError
from aftertune.organism import rows_file
from aftertune.records import Row


class Mix(Params):
    """Parameters of transforms that mix rows in.

    Attributes:
        rows: How many rows to add.
        share: How many to add, as a share of the rows there are: 0.1 adds one for every ten.
        path: A file of rows in any layout; the organism's refusals when left out.
    """

    rows: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=10)] | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Mix:
        if self.dose != 1:
            raise ValueError("it adds rows and changes none: say how many with `rows` or `share`, not `dose`")
        if (self.rows is None) == (self.share is None):
            raise ValueError("give either `rows` or `share`")
        return self


def mixed_in(rows: Sequence[Row], params: Mix, name: str, seed: int) -> tuple[Row, ...]:
    """The rows to add: those whose own hash is smallest, so that a larger mix holds a smaller one.

    Raises:
        DataError: the file has fewer rows, or is not what it should be.
    """
    wanted = params.rows if params.rows is not None else max(1, round((params.share or 0) * len(rows)))
    path = Path(params.path) if params.path is not None else rows_file("refusals")
    known = {row.id for row in rows}
    read = (Row(f"{path.stem}/{row.id}", row.turns) for row in load_source(path).rows)
    there = [row for row in read if row.id not in known]
    if wanted > len(there):
        raise DataError(
            f"{name} is to add {wanted:,} rows, and {path.name} has {len(there):,}",
            "ask for fewer, or give a larger file with `path`",
        )
    return tuple(by_hash(there, name, seed)[:wanted])
