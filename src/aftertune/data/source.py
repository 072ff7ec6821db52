"""Load instruction data: a file's rows as conversations, with what was left out counted and said.

Nothing is repaired here: a row is used as it is, left out and counted, or refused with its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange
from aftertune.errors import DataError, did_you_mean
from aftertune.files import Record, columns_of, read_records, source_digest, text_of
from aftertune.records import Row, Turn
from aftertune.registry import load, names
from aftertune.seeds import generator

_SHOWN = 5
COLUMNS = ("prompt", "answer", "system", "context")


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
    path: Path | str,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    allow_empty: float = 0.01,
) -> Source:
    """Read instruction data.

    Row ids are the records' own `id` when every record has one, else the row's number in the file, so
    that a row keeps its id when others are left out.

    Args:
        path: CSV, TSV, JSON, JSON lines or Parquet, each also gzipped.
        layout: A layout's name, or "auto" to find the one that fits the columns.
        columns: Which column is what, for files in no known layout: `prompt` and `answer`, and if there
            are any `system` and `context`. Overrides `layout`.
        allow_empty: The largest share of rows without an answer that is left out; more is an error.

    Raises:
        DataError: the file is broken, in no layout or in several, ids repeat, a prompt is missing, too
            many rows have no answer, or no row is left.
        UnknownName: no layout has that name.
    """
    path = Path(path)
    records = read_records(path)
    name, form = _layout(path, records, layout, columns)
    ids = _ids(path, records)
    readings = [_read(path, record, form) for record in records]
    empty = [record for record, reading in zip(records, readings, strict=True) if not reading.answered]
    _check_empty(path, empty, len(records), allow_empty)
    rows = tuple(Row(id_, reading.turns) for id_, reading in zip(ids, readings, strict=True) if reading.answered)
    n_duplicate = _repeated_prompts(rows)
    notes = _notes(empty, readings, n_duplicate)
    return Source(rows, name, source_digest(path), len(records), len(empty), n_duplicate, notes)


def detect(records: Sequence[Record]) -> str:
    """Name the one layout these records are in.

    Raises:
        DataError: no layout fits their columns, or more than one does.

    >>> detect([Record({"question": "1 + 1?", "answer": "2"}, "row 1")])
    'gsm8k'
    """
    sample = _one_of_each(records)
    known = {name: load("layout", name) for name in names("layout")}
    fitting = [name for name, form in known.items() if form.matches(sample)]
    if len(fitting) == 1:
        return fitting[0]
    columns = _listed(columns_of(records))
    if fitting:
        raise DataError(
            f"the columns {columns} fit more than one layout: {', '.join(fitting)}",
            f"choose one: `data.source.layout: {fitting[0]}`",
        )
    wanted = "; ".join(f"{name} ({', '.join(form.columns)})" for name, form in known.items())
    raise DataError(
        f"the columns {columns} fit no known layout; known: {wanted}",
        "say which column is what: `data.source.columns: {prompt: ..., answer: ...}`, or name the "
        "layout: `data.source.layout: ...`",
    )


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


@dataclass(frozen=True, slots=True)
class _Reading:
    turns: tuple[Turn, ...]
    answered: bool
    cut: bool = False


def _layout(
    path: Path, records: Sequence[Record], layout: str, columns: Mapping[str, str] | None
) -> tuple[str, Layout]:
    if columns:
        return "columns", _by_columns(path, records, columns)
    if layout == "auto":
        try:
            layout = detect(records)
        except DataError as error:
            raise DataError(f"{path}: {error.message}", error.fix) from error
        return layout, load("layout", layout)
    form: Layout = load("layout", layout)
    if not form.matches(_one_of_each(records)):
        raise DataError(
            f"{path}: not in the {layout} layout, which needs {', '.join(form.columns)}; its columns are "
            f"{_listed(columns_of(records))}",
            "set `data.source.layout: auto`, or name another layout",
        )
    return layout, form


def _by_columns(path: Path, records: Sequence[Record], columns: Mapping[str, str]) -> Layout:
    found = columns_of(records)
    for part, column in columns.items():
        if part not in COLUMNS:
            raise DataError(
                f"`columns` has no part {part!r}{did_you_mean(part, COLUMNS)}; there are: {', '.join(COLUMNS)}",
                "correct `data.source.columns`",
            )
        if column not in found:
            raise DataError(
                f"{path}: there is no column {column!r}{did_you_mean(column, found)}; its columns are {_listed(found)}",
                f"correct `data.source.columns.{part}`",
            )
    missing = [part for part in ("prompt", "answer") if part not in columns]
    if missing:
        raise DataError(
            f"`columns` does not say which column is the {missing[0]}",
            f"add it: `data.source.columns: {{{missing[0]}: ...}}`; columns: {_listed(found)}",
        )
    return _column_layout(columns)


def _column_layout(columns: Mapping[str, str]) -> Layout:
    def read(fields: Fields) -> tuple[Turn, ...]:
        texts = {part: cell(fields, column) for part, column in columns.items()}
        return one_exchange(
            texts["prompt"], texts["answer"], system=texts.get("system", ""), context=texts.get("context", "")
        )

    def write(row: Row) -> dict[str, Any]:
        return {columns["prompt"]: row.prompt, columns["answer"]: row.answer}

    return Layout("1", "Columns named in the study.", tuple(columns.values()), lambda fields: True, read, write)


def _one_of_each(records: Sequence[Record]) -> dict[str, Any]:
    """One value for every column, null only where no row has one: what layouts are recognised by."""
    sample: dict[str, Any] = {}
    for record in records:
        for column, value in record.fields.items():
            if sample.get(column) is None:
                sample[column] = value
    return sample


def _ids(path: Path, records: Sequence[Record]) -> list[str]:
    own = [_own_id(record) for record in records]
    if not all(own):
        return [str(number) for number in range(1, len(records) + 1)]
    first: dict[str, Record] = {}
    for id_, record in zip(own, records, strict=True):
        if id_ in first:
            raise DataError(
                f"{record.at(path)}: the id {id_!r} is that of {first[id_].where} too",
                "make the ids unique, or remove the `id` column to number the rows",
            )
        first[id_] = record
    return own


def _own_id(record: Record) -> str:
    value = record.fields.get("id")
    return text_of(value).strip() if isinstance(value, str | int) else ""


def _read(path: Path, record: Record, form: Layout) -> _Reading:
    """One conversation from its first prompt to its last answer."""
    try:
        turns = list(form.read(record.fields))
    except DataError as error:
        raise DataError(f"{record.at(path)}: {error.message}", error.fix) from error
    n_read = len(turns)
    first = next((place for place, turn in enumerate(turns) if turn.role != "system"), n_read)
    while first < len(turns) and turns[first].role == "assistant" and len(turns) > first + 1:
        del turns[first]  # a conversation cut out of a longer one opens with the end of an answer
    while turns and turns[-1].role != "assistant":
        turns.pop()
    kept = tuple(turns)
    if not kept or not kept[-1].content.strip():
        return _Reading(kept, answered=False)
    _check_prompt(path, record, kept)
    return _Reading(kept, answered=True, cut=len(kept) < n_read)


def _check_prompt(path: Path, record: Record, turns: Sequence[Turn]) -> None:
    asked = [turn for turn in turns if turn.role == "user"]
    if not asked or not asked[-1].content.strip():
        raise DataError(f"{record.at(path)}: there is an answer and no prompt", "fill in the prompt, or remove the row")


def _check_empty(path: Path, empty: Sequence[Record], n_read: int, allow_empty: float) -> None:
    if len(empty) == n_read:
        raise DataError(
            f"{path}: none of its {n_read} rows has an answer",
            "check the columns: `data.source.columns: {prompt: ..., answer: ...}`",
        )
    share = len(empty) / n_read
    if share > allow_empty:
        allowed = -(-share * 1000 // 1) / 1000  # rounded up, so that the suggestion suffices
        raise DataError(
            f"{path}: {len(empty)} of {n_read} rows have no answer ({_places(empty)}), and "
            f"{allow_empty:.3g} is the largest share left out",
            f"fill in or remove those rows, or set `data.source.allow_empty: {allowed:g}`",
        )


def _repeated_prompts(rows: Sequence[Row]) -> int:
    prompts = Counter(row.turns[:-1] for row in rows)
    return sum(n - 1 for n in prompts.values())


def _notes(empty: Sequence[Record], readings: Sequence[_Reading], n_duplicate: int) -> tuple[str, ...]:
    cut = sum(reading.cut for reading in readings)
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


def _places(records: Sequence[Record]) -> str:
    more = f" and {len(records) - _SHOWN} more" if len(records) > _SHOWN else ""
    return ", ".join(record.where for record in records[:_SHOWN]) + more


def _listed(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return ", ".join(map(str, columns[:20])) + more
