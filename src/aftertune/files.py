"""Read the rows of a data file: CSV, TSV, JSON, JSON lines, plain text, Parquet, each also gzipped.

It says what is wrong with a file, where, and what to do. It does not know what the columns mean.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from aftertune.canon import file_digest
from aftertune.errors import DataError, did_you_mean


@dataclass(frozen=True, slots=True)
class Record:
    """One row as its file has it.

    Attributes:
        fields: Column name to value; text for CSV, any JSON value elsewhere.
        where: Its place in the file: "line 12" where lines are rows, else "row 12".
    """

    fields: Mapping[str, Any]
    where: str

    def at(self, path: Path | str) -> str:
        """The place for a message.

        >>> Record({}, "line 12").at("rows.csv"), Record({}, "row 3").at("rows.json")
        ('rows.csv:12', 'rows.json row 3')
        """
        kind, _, number = self.where.partition(" ")
        return f"{path}:{number}" if kind == "line" else f"{path} {self.where}"


def read_records(path: Path | str) -> list[Record]:
    """Read all rows, in file order.

    The kind of file is its suffix, `.gz` aside. A JSON file may be an array of objects, an object keyed by
    id (the key becomes `id`), an object of lists of one length (empty lists are left out), an object whose
    one value is the array, or JSON lines. A plain text file has one row per line with text, in column `text`.

    Raises:
        DataError: missing, a folder, empty, no rows, broken, not UTF-8, or of a kind not known here.
    """
    path = Path(path)
    reader, gzipped = _reader(path)
    _require_file(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty", "write the rows into it, or name another file")
    records = reader(path, _content(path, gzipped))
    if not records:
        raise DataError(f"{path}: the file has no rows", "add rows, or name another file")
    return records


def source_digest(path: Path | str) -> str:
    """The sha256 of the file's bytes, as they lie on disk.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    path = Path(path)
    _require_file(path)
    try:
        return file_digest(path)
    except OSError as error:
        _cannot_read(path, error)


def columns_of(records: Iterable[Record]) -> list[str]:
    """All columns any row has, in order of appearance.

    >>> columns_of([Record({"a": 1}, "row 1"), Record({"b": 1, "a": 2}, "row 2")])
    ['a', 'b']
    """
    return list(dict.fromkeys(name for record in records for name in record.fields))


def text_of(value: Any) -> str:
    """A cell as text: nothing and NaN are empty, numbers and truth values are written as in JSON.

    Raises:
        DataError: the value is a list, an object or something else with no text of its own.

    >>> text_of(None), text_of(3), text_of(True), text_of(float("nan")), text_of("a ")
    ('', '3', 'true', '', 'a ')
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise DataError(f"found {_kind(value)} where text is expected", "write it as text, or name another column")


def _require_file(path: Path) -> None:
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_file())[:8]
        inside = f"; it holds {', '.join(names)}" if names else ""
        raise DataError(f"{path} is a folder{inside}", "name one data file in it")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        where = "" if path.parent.is_dir() else f" (there is no folder {path.parent} either)"
        raise DataError(
            f"{path}: there is no such file{did_you_mean(path.name, sorted(near))}{where}",
            "correct the path; it is relative to the study file",
        )


def _cannot_read(path: Path, error: OSError) -> NoReturn:
    raise DataError(f"{path}: cannot be read ({error.strerror or error})", "check the file's permissions") from error


def _reader(path: Path) -> tuple[_Reader, bool]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = bool(suffixes) and suffixes[-1] == ".gz"
    kinds = suffixes[:-1] if gzipped else suffixes
    kind = kinds[-1] if kinds else ""
    if kind not in _READERS:
        if path.is_dir() or not path.exists():
            _require_file(path)
        raise DataError(
            f"{path}: {'the suffix ' + repr(kind) if kind else 'a name without suffix'} is no kind of "
            f"file known here; known: {', '.join(_READERS)}, each also with .gz",
            "rename the file after what it holds, or convert it",
        )
    return _READERS[kind], gzipped


def _content(path: Path, gzipped: bool) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        _cannot_read(path, error)
    if not gzipped:
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: broken gzip data ({error})",
            "fetch or compress the file again; drop .gz from its name if it is not compressed",
        ) from error


def _lines(path: Path, data: bytes) -> Iterator[str]:
    """The lines with their ends, decoded one by one so that a bad byte has a line number."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    for number, line in enumerate(io.BytesIO(data), start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{number}: not UTF-8 text (byte {line[error.start]:#04x} at column "
                f"{error.start + 1}{_looks_like(data)})",
                "save the file as UTF-8",
            ) from error


def _looks_like(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "; the file looks like UTF-16"
    return "; the file is gzip data without .gz in its name" if data.startswith(b"\x1f\x8b") else ""


def _csv(path: Path, data: bytes, delimiter: str = ",") -> list[Record]:
    records: list[Record] = []
    limit = csv.field_size_limit(sys.maxsize)  # the default refuses cells over 128 KiB, and answers can be longer
    line = 1
    try:
        reader = csv.reader(_lines(path, data), delimiter=delimiter, strict=True)
        header = _header(path, next(reader, []))
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                records.append(Record(_by_column(path, line, header, cells), f"line {line}"))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}:{line}: broken row ({error})",
            "put cells with quotes, separators or line breaks in double quotes, and double the quotes in them",
        ) from error
    finally:
        csv.field_size_limit(limit)
    return records


def _header(path: Path, cells: list[str]) -> list[str]:
    """The column names; a column without a name is called by its place."""
    names = [cell.strip() or f"column_{place}" for place, cell in enumerate(cells, start=1)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError(
                f"{path}:1: columns {names.index(name) + 1} and {place + 1} are both called {name!r}",
                "rename one of them in the header line",
            )
    return names


def _by_column(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise DataError(
            f"{path}:{line}: {len(cells)} cell{'' if len(cells) == 1 else 's'}, and the header has "
            f"{len(header)} columns",
            "put cells with separators in double quotes, and give every row every column",
        )
    return dict(zip(header, cells, strict=True))


def _tsv(path: Path, data: bytes) -> list[Record]:
    return _csv(path, data, "\t")


def _txt(path: Path, data: bytes) -> list[Record]:
    numbered = enumerate((line.rstrip("\r\n") for line in _lines(path, data)), start=1)
    return [Record({"text": line}, f"line {number}") for number, line in numbered if line.strip()]


def _jsonl(path: Path, data: bytes) -> list[Record]:
    records = []
    for number, line in enumerate(_lines(path, data), start=1):
        if not line.strip():
            continue
        record = Record(_parse(path, line.rstrip("\r\n"), number), f"line {number}")
        records.append(_checked(path, record))
    return records


def _json(path: Path, data: bytes) -> list[Record]:
    text = "".join(_lines(path, data))
    if not text.strip():
        return []
    try:
        value = _parse(path, text, 1)
    except DataError as error:
        if _is_lines(error, text):
            return _jsonl(path, data)
        raise
    return [_checked(path, record) for record in _rows(path, value)]


def _is_lines(error: DataError, text: str) -> bool:
    """JSON lines under the name .json: a first line that is an object, and then more data."""
    first = text.lstrip().partition("\n")[0].strip()
    return "Extra data" in error.message and first.startswith("{") and first.endswith("}")


def _parse(path: Path, text: str, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{first_line + error.lineno - 1}: bad JSON at column {error.colno} ({error.msg})",
            "correct that line",
        ) from error
    except (ValueError, RecursionError) as error:  # an endless number, or nesting without end
        raise DataError(f"{path}:{first_line}: JSON that cannot be read ({error})", "correct or remove it") from error


def _rows(path: Path, value: Any) -> list[Record]:
    if isinstance(value, list):
        return [Record(row, f"row {number}") for number, row in enumerate(value, start=1)]
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        if len(value) == len(lists) == 1 and all(isinstance(item, dict) for item in lists[0]):
            return _rows(path, lists[0])
        if value and len(lists) == len(value):
            return _from_columns(path, value)
        if value and all(isinstance(item, dict) for item in value.values()):
            return [Record({"id": key, **item}, f"row {number}") for number, (key, item) in enumerate(value.items(), 1)]
        if not value:
            return []
    raise DataError(
        f"{path}: found {_kind(value)} that is no list of rows",
        "write an array of objects, an object keyed by id, or one object per line",
    )


def _from_columns(path: Path, columns: dict[str, list[Any]]) -> list[Record]:
    filled = {name: cells for name, cells in columns.items() if cells}
    lengths = {name: len(cells) for name, cells in filled.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise DataError(f"{path}: its lists have different lengths: {found}", "give every list one entry per row")
    rows = zip(*filled.values(), strict=True)
    return [Record(dict(zip(filled, row, strict=True)), f"row {n}") for n, row in enumerate(rows, start=1)]


def _checked(path: Path, record: Record) -> Record:
    """Refuse a row that is no object, and text that no file can hold."""
    if not isinstance(record.fields, dict):
        raise DataError(
            f"{record.at(path)}: a row must be an object, found {_kind(record.fields)}",
            'write it as {"column": value, ...}, or remove it',
        )
    broken = _broken_text(record.fields)
    if broken:
        raise DataError(
            f"{record.at(path)}: half of a character pair ({broken}), which is no text",
            "repair or remove that row; an emoji was cut in two when the file was made",
        )
    return record


def _broken_text(value: Any) -> str:
    """The first lone surrogate in any text of the row, as its escape."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            return f"\\u{ord(value[error.start]):04x}"
        return ""
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for item in inside if (found := _broken_text(item))), "")


def _parquet(path: Path, data: bytes) -> list[Record]:
    import polars as pl

    try:
        rows = pl.read_parquet(io.BytesIO(data)).to_dicts()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: broken Parquet data ({str(error).splitlines()[0]})", "write the file again"
        ) from error
    return [Record(row, f"row {number}") for number, row in enumerate(rows, start=1)]


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        type(None): "null",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), f"a {type(value).__name__}")


_Reader = Callable[[Path, bytes], list[Record]]
_READERS: dict[str, _Reader] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".txt": _txt,
    ".parquet": _parquet,
}
