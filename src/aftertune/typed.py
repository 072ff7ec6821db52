"""The types of the table's columns, and a column brought to its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aftertune.errors import TableError

if TYPE_CHECKING:
    import polars as pl

WHOLE = ("training_seed", "round", "replicate")


def kind(name: str) -> type[pl.DataType]:
    """The type of a column of the table; rounds may also be fractions."""
    import polars as pl

    return pl.Float64 if name == "value" else pl.Int64 if name in WHOLE else pl.String


def typed(column: pl.Series, where: str) -> pl.Series:
    """A column with its type; `round` stays whole numbers unless some round is a fraction.

    Raises:
        TableError: it mixes numbers with text, holds fractions, or is of another type.
    """
    import polars as pl

    wanted = kind(column.name)
    if column.dtype == wanted:
        return column
    if column.name == "value" and column.dtype == pl.Boolean:
        return column.cast(pl.Float64)
    if wanted != pl.String and not (column.dtype.is_numeric() or column.dtype == pl.Null):
        bad = next((value for value in column if value is not None and not _is_number(value)), None)
        if bad is not None:
            raise TableError(
                f"{where}: column {column.name!r} mixes numbers with {bad!r}",
                "give numbers, and nothing where there is no value",
            )
    if wanted == pl.Int64 and column.dtype.is_float():
        column = column.fill_nan(None)
        if _fractions(column):
            if column.name == "round":
                return _checked_rounds(column, where)
            raise TableError(f"{where}: column {column.name!r} holds fractions", "give whole numbers")
    try:
        return column.cast(wanted)
    except pl.exceptions.PolarsError as error:
        raise TableError(
            f"{where}: column {column.name!r} is {column.dtype}, not {wanted}", "make the column one plain type"
        ) from error


def _fractions(column: pl.Series) -> bool:
    known = column.drop_nulls()
    return bool(known.ne(known.round()).any())


def _checked_rounds(column: pl.Series, where: str) -> pl.Series:
    """Places inside rounds: 0.25 is a quarter of the first, 1.5 halfway through the second."""
    import polars as pl

    known = column.drop_nulls()
    if known.is_infinite().any() or (known < 0).any():
        raise TableError(
            f"{where}: column 'round' holds {known.filter(known.is_infinite() | (known < 0))[0]:g}",
            "give rounds from 0 on: 1 after the first round, 1.5 halfway through the second",
        )
    return column.cast(pl.Float64)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
