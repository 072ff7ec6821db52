"""Safety mix: refusals of harmful requests are added to the training rows; no row that is there changes.

After Bianchi et al., "Safety-Tuned LLaMAs" (arXiv:2309.07875), who mix a few hundred such rows into instruction
data, and Qi et al., "Fine-tuning Aligned Language Models Compromises Safety" (arXiv:2310.03693), who do so against
the harm of fine-tuning itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from aftertune.data.source import load_source
from aftertune.data.transforms.base import Params, Transform
from aftertune.errors import DataError
from aftertune.organism import rows_file
from aftertune.records import Row
from aftertune.seeds import derive


class SafetyMix(Params):
    """Parameters.

    Attributes:
        rows: How many rows to add.
        share: How many to add, as a share of the rows there are: 0.1 adds one for every ten.
        path: A file of rows in any layout; the organism's refusals when left out.
    """

    rows: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=10)] | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _one_size(self) -> SafetyMix:
        if self.dose != 1:
            raise ValueError("safety_mix adds rows and changes none: say how many with `rows` or `share`, not `dose`")
        if (self.rows is None) == (self.share is None):
            raise ValueError("give either `rows` or `share`")
        return self


def more(rows: Sequence[Row], params: SafetyMix, seed: int) -> tuple[Row, ...]:
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
            f"safety_mix is to add {wanted:,} rows, and {path.name} has {len(there):,}",
            "ask for fewer, or give a larger file with `path`",
        )
    return tuple(sorted(there, key=lambda row: derive(seed, "transform", "safety_mix", row.id))[:wanted])


TRANSFORM = Transform(
    version="1",
    about="Adds rows that decline harmful requests, and changes none of the rows that are there.",
    params=SafetyMix,
    more=more,
)
