"""Load instruction data: a file's rows as conversations, with what was left out counted and said.

Nothing is repaired here: a row is used as it is, left out and counted, or refused with its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aftertune.data.layouts import COLUMNS, detect
from aftertune.data.place import Place
from aftertune.data.reading import Reading, stream_rows
from aftertune.errors import DataError
from aftertune.records import Row
from aftertune.seeds import generator

__all__ = ["COLUMNS", "Source", "detect", "load_source", "source_of", "subset"]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Source:
    """An instruction data file, read.

    Attributes:
        rows: The conversations, in file order.
        layout: The layout they were read in; "columns" when the columns were named.
        sha256: The hash of the file's bytes.
        n_read: Rows in the file.
        n_empty: Rows left out because they have no answer.
        n_duplicate: Rows whose prompt repeats that of an earlier row; they are kept.
        notes: What a reader of the results should know, in sentences.
    """

    rows: tuple[Row, ...]
    layout: str
    sha256: str
    n_read: int
    n_empty: int
    n_duplicate: int
    notes: tuple[str, ...]


def load_source(
    path: Path | str | Place,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    allow_empty: float = 0.01,
    split: str | None = None,
) -> Source:
    """Read instruction data.

    Row ids are the records' own where every record has one, else the record's number in the file, so
    that a row keeps its id when others are left out. Rows of a record with several have `<id>/<n>`.

    Args:
        path: CSV, TSV, JSON, JSON lines or Parquet, each also gzipped; a folder of such files as on the hub, or
            one saved by `datasets`.
        layout: A layout's name, or "auto" to find the one that fits the columns.
        columns: Which column is what, for files in no known layout: `prompt` and `answer`, and if there
            are any `system` and `context`. Overrides `layout`.
        allow_empty: The largest share of rows without an answer that is left out; more is an error.
        split: Which split, for a folder with several.

    Raises:
        DataError: the file is broken, in no layout or in several, ids repeat, a prompt is missing, too
            many rows have no answer, or no row is left.
        UnknownName: no layout has that name.
    """
    stream = stream_rows(path, layout=layout, columns=columns, split=split)
    records = list(stream.by_record())
    return source_of(stream.place, stream.layout, with_ids(stream.place, records), allow_empty)


def source_of(
    place: Place, layout: str, records: Sequence[tuple[Reading, ...]], allow_empty: float, sha256: str | None = None
) -> Source:
    """The rows with an answer, and what there is to say about the others.

    Raises:
        DataError: too many have none.
    """
    readings = [reading for record in records for reading in record]
    empty = [reading for reading in readings if not reading.answered]
    _check_empty(place, empty, len(readings), allow_empty)
    rows = tuple(reading.row for reading in readings if reading.answered)
    n_duplicate = repeated_prompts(rows)
    notes = _notes(empty, readings, n_duplicate)
    return Source(rows, layout, sha256 or place.sha256(), len(readings), len(empty), n_duplicate, notes)


def subset(rows: Sequence[Row], n: int, seed: int) -> tuple[Row, ...]:
    """A random sample of rows without replacement, in their own order.

    Args:
        rows: All rows.
        n: How many to take.
        seed: The study's data seed.

    Raises:
        DataError: there are fewer rows than that.
    """
    if not 1 <= n <= len(rows):
        raise DataError(
            f"{n} rows asked for, and the source has {len(rows)}",
            f"set `data.source.rows` to a number from 1 to {len(rows)}, or leave it out",
        )
    chosen = generator(seed, "subsample").choice(len(rows), size=n, replace=False)
    return tuple(rows[place] for place in sorted(chosen.tolist()))


def with_ids(place: Place, records: Sequence[tuple[Reading, ...]]) -> list[tuple[Reading, ...]]:
    """The same rows, numbered where not every record has an id of its own.

    Raises:
        DataError: two rows have one id.
    """
    if not all(readings[0].own_id for readings in records):
        return [_numbered(readings, number) for number, readings in enumerate(records, start=1)]
    first: dict[str, Reading] = {}
    for reading in (reading for readings in records for reading in readings):
        if first.setdefault(reading.row.id, reading) is not reading:
            other = first[reading.row.id].record.where
            raise DataError(
                f"{place.at(reading.record)}: the id {reading.row.id!r} is that of {other} too",
                "make the ids unique, or remove the `id` column to number the rows",
            )
    return list(records)


def _numbered(readings: tuple[Reading, ...], number: int) -> tuple[Reading, ...]:
    if not readings[0].own_id:
        return readings
    ids = [str(number)] if len(readings) == 1 else [f"{number}/{n}" for n in range(1, len(readings) + 1)]
    return tuple(reading._replace(row=Row(id_, reading.row.turns)) for id_, reading in zip(ids, readings, strict=True))


def _check_empty(place: Place, empty: Sequence[Reading], n_read: int, allow_empty: float) -> None:
    if len(empty) == n_read:
        raise DataError(
            f"{place}: none of its {n_read} rows has an answer",
            "check the columns: `data.source.columns: {prompt: ..., answer: ...}`",
        )
    share = len(empty) / n_read
    if share > allow_empty:
        allowed = -(-share * 1000 // 1) / 1000  # rounded up, so that the suggestion suffices
        raise DataError(
            f"{place}: {len(empty)} of {n_read} rows have no answer ({_places(empty)}), and "
            f"{allow_empty:.3g} is the largest share left out",
            f"fill in or remove those rows, or set `data.source.allow_empty: {allowed:g}`",
        )


def repeated_prompts(rows: Sequence[Row]) -> int:
    """How many rows repeat the prompt of an earlier one."""
    prompts = Counter(row.turns[:-1] for row in rows)
    return sum(n - 1 for n in prompts.values())


def _notes(empty: Sequence[Reading], readings: Sequence[Reading], n_duplicate: int) -> tuple[str, ...]:
    cut = sum(reading.answered and bool(reading.before or reading.after) for reading in readings)
    notes = []
    if empty:
        notes.append(f"{_rows(len(empty))} without an answer left out ({_places(empty)})")
    if cut:
        notes.append(f"{_rows(cut)} with turns before the first prompt or after the last answer, left out")
    if n_duplicate:
        notes.append(f"{_rows(n_duplicate)} with the prompt of an earlier row, kept")
    return tuple(notes)


def _rows(n: int) -> str:
    return f"{n} row{'' if n == 1 else 's'}"


def _places(readings: Sequence[Reading]) -> str:
    more = f" and {len(readings) - _SHOWN} more" if len(readings) > _SHOWN else ""
    return ", ".join(reading.record.where for reading in readings[:_SHOWN]) + more
