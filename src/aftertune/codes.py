"""Columns as numbers: the levels of a column and each row's place among them, alone and jointly.

Ten million rows of text are slow to compare and fast to number; everything that groups rows of a table does so
by these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Codes = NDArray[np.int64]
Coded = tuple[list[Any], Codes]  # levels, and each row's place among them
Places = Mapping[str, Coded]

DENSE = 16  # so many times more numbers than rows may be counted in one array


def codes(column: pl.Series) -> Coded:
    """The sorted levels of a column and each row's place among them; null, if there is one, comes first.

    >>> import polars as pl
    >>> levels, place = codes(pl.Series(["b", None, "a"]))
    >>> levels, place.tolist()
    ([None, 'a', 'b'], [2, 0, 1])
    """
    import polars as pl

    levels = column.unique().sort(nulls_last=False)
    if len(levels) == 1:
        return levels.to_list(), np.broadcast_to(np.int64(0), len(column))
    known = levels.drop_nulls()
    nulls = len(levels) - len(known)
    if column.dtype == pl.String:
        found = column.cast(pl.Enum(known)).to_physical()
        if not nulls:
            return levels.to_list(), found.to_numpy().astype(np.int64)
        return levels.to_list(), found.cast(pl.Int64).fill_null(-1).to_numpy() + nulls
    place = np.searchsorted(known.to_numpy(), column.fill_null(known[0]).to_numpy())
    return levels.to_list(), np.where(column.is_null().to_numpy(), -1, place) + nulls if nulls else place


def joint_code(places: Sequence[Coded]) -> tuple[Codes, int]:
    """One number per row for its levels in several columns together, and how many numbers there may be.

    Their order is that of the levels, the first column's first.

    >>> key, size = joint_code([(["a", "b"], np.array([0, 1])), ([1, 2, 3], np.array([2, 0]))])
    >>> key.tolist(), size
    ([2, 3], 6)
    """
    key, size = np.zeros(len(places[0][1]), dtype=np.int64), 1
    for levels, place in places:
        if len(levels) == 1:
            continue
        if size * len(levels) > 2**62:  # most combinations cannot occur: number the ones that do
            seen, key = np.unique(key, return_inverse=True)
            size = len(seen)
        size *= len(levels)
        key = key * len(levels) + place
    return key, size


def dense(key: Codes, size: int) -> tuple[Codes, Codes]:
    """The numbers that occur, in order, and each row's place among them.

    >>> there, place = dense(np.array([7, 3, 7]), 8)
    >>> there.tolist(), place.tolist()
    ([3, 7], [1, 0, 1])
    """
    if size > DENSE * len(key) + 1024:
        there, place = np.unique(key, return_inverse=True)
        return there, place
    seen = np.bincount(key, minlength=1) > 0
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[key]


def all_different(places: Places) -> bool:
    """Whether no two rows agree in all these columns; much faster than looking for the ones that do.

    >>> import polars as pl
    >>> all_different({"a": codes(pl.Series(["x", "y"])), "b": codes(pl.Series([1, 1]))})
    True
    """
    key, size = joint_code(list(places.values()))
    if size <= DENSE * len(key) + 1024:
        return int(np.bincount(key).max(initial=0)) <= 1
    return len(np.unique(key)) == len(key)
