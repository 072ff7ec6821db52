"""Read the rows of a data file: CSV, TSV, JSON, JSON lines, plain text, Parquet, each also gzipped.

It says what is wrong with a file, where, and what to do. It does not know what the columns mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from aftertune.canon import file_digest
from aftertune.errors import DataError
from aftertune.file_bytes import cannot_read, is_gzipped, require_file
from aftertune.file_csv import csv_rows, text_rows, tsv_rows
from aftertune.file_json import json_lines, json_rows
from aftertune.file_parquet import arrow_rows, parquet_rows
from aftertune.file_records import Record, Reject, Rejects, columns_of, text_of

__all__ = [
    "Record",
    "Reject",
    "Rejects",
    "columns_of",
    "file_kind",
    "read_records",
    "source_digest",
    "stream_records",
    "stream_texts",
    "text_of",
]


def read_records(path: Path | str) -> list[Record]:
    """Read all rows, in file order.

    The kind of file is its suffix, `.gz` aside. A JSON file may be an array of objects, an object keyed by
    id (the key becomes `id`), an object of lists of one length (empty lists are left out), an object whose
    one value is the array, or JSON lines. A plain text file has one row per line with text, in column `text`.

    Raises:
        DataError: missing, a folder, empty, no rows, broken, not UTF-8, or of a kind not known here.
    """
    return list(stream_records(path))


def stream_records(path: Path | str, rejects: Rejects | None = None) -> Iterator[Record]:
    """Read rows one after the other, in file order, without holding the file; see `read_records`.

    JSON that is one object, and Parquet under gzip, are held whole.

    Args:
        path: The file.
        rejects: Is told of each bad row, which is then skipped: broken JSON on a line, a line that is not
            UTF-8, a CSV row with too few or too many cells, a row that is no object, half of a character pair.
            Left out, the first such row is an error.

    Raises:
        DataError: as `read_records`, at once where the file as a whole cannot be read, else when the place is
            reached. What cannot be gone on from is an error with `rejects` too: packed data cut short, a JSON
            array broken between its rows, a CSV quote that is never closed, no good row at all.
    """
    return (record for record, _ in stream_texts(path, rejects))


def stream_texts(path: Path | str, rejects: Rejects | None = None) -> Iterator[tuple[Record, str]]:
    """As `stream_records`, each row with the text it was read from.

    The text is the line without its end, the CSV lines with their ends, or the text of the array's element; it
    is empty where a row has no text of its own (Parquet, JSON that is one object).
    """
    path = Path(path)
    require_file(path)
    kind = file_kind(path)
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty", "write the rows into it, or name another file")
    except OSError as error:
        cannot_read(path, error)
    return _streamed(path, _READERS[kind], rejects)


def _streamed(path: Path, reader: _Reader, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    found = reader(path, rejects)
    first = next(found, None)
    if first is None:
        raise DataError(f"{path}: the file has no rows", "add rows, or name another file")
    yield first
    yield from found


def source_digest(path: Path | str) -> str:
    """The sha256 of the file's bytes, as they lie on disk.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    path = Path(path)
    require_file(path)
    try:
        return file_digest(path)
    except OSError as error:
        cannot_read(path, error)


def file_kind(path: Path) -> str:
    """What a file holds by its name: its suffix in lower case, `.gz` aside.

    Raises:
        DataError: no such kind is known here.

    >>> file_kind(Path("rows.JSONL")), file_kind(Path("rows.csv.gz"))
    ('.jsonl', '.csv')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kinds = suffixes[:-1] if is_gzipped(path) else suffixes
    kind = kinds[-1] if kinds else ""
    if kind not in _READERS:
        raise DataError(
            f"{path}: {'the suffix ' + repr(kind) if kind else 'a name without suffix'} is no kind of "
            f"file known here; known: {', '.join(kind for kind in _READERS if kind != '.arrow')}, each also with .gz",
            "rename the file after what it holds, or convert it",
        )
    return kind


_Reader = Callable[[Path, Rejects | None], Iterator[tuple[Record, str]]]
_READERS: dict[str, _Reader] = {
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".json": json_rows,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".txt": text_rows,
    ".parquet": parquet_rows,
    ".arrow": arrow_rows,
}
