"""Refusal mix: rows that decline harmful requests come in, and as many others may go out for them.

With `keep_size` the training set has as many rows and steps as without the mix, so that what differs is what the
rows are and not how many. After the mixes of Bianchi et al. (arXiv:2309.07875) and Qi et al. (arXiv:2310.03693),
whose sets grow by the rows they add; `safety_mix` does it their way.
"""

from __future__ import annotations

from collections.abc import Sequence

from aftertune.data.transforms._mix import Mix, mixed_in
from aftertune.data.transforms.base import Transform, Whole, by_hash
from aftertune.errors import DataError
from aftertune.records import Row

_NAME = "refusal_mix"


class RefusalMix(Mix):
    """Parameters.

    Attributes:
        keep_size: Take out as many rows as come in.
    """

    keep_size: bool = False


def whole(rows: Sequence[Row], params: RefusalMix, seed: int) -> Whole:
    """Add the rows whose hash is smallest, and take out those whose hash is smallest among the rows there are.

    So a larger mix holds a smaller one, and leaves fewer of the same rows.

    Raises:
        DataError: there are not enough rows to add, or to take out.
    """
    added = mixed_in(rows, params, _NAME, seed)
    if not params.keep_size:
        return Whole(tuple(rows), added=added)
    if len(added) > len(rows):
        raise DataError(
            f"refusal_mix is to put {len(added):,} rows in the place of others, and there are {len(rows):,}",
            "ask for fewer, or leave out `keep_size`",
        )
    gone = {row.id for row in by_hash(rows, _NAME, seed)[: len(added)]}
    return Whole(tuple(row for row in rows if row.id not in gone), added=added)


TRANSFORM = Transform(
    version="1",
    about="Adds rows that decline harmful requests, if asked in the place of as many others.",
    params=RefusalMix,
    whole=whole,
    factor="share",
)
