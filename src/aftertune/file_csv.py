"""Rows of CSV, TSV and plain text files, one after the other."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from aftertune.errors import DataError
from aftertune.file_bytes import decoded_line, opened
from aftertune.file_records import Record, Reject, Rejects, refuse

_QUOTE_FIX = "put cells with quotes, separators or line breaks in double quotes, and double the quotes in them"


def csv_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of a CSV file, each with the text it was read from."""
    return _rows(path, rejects, ",")


def tsv_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of a TSV file, each with the text it was read from."""
    return _rows(path, rejects, "\t")


def text_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The lines of a plain text file that have any text, in column `text`."""
    with opened(path) as stream:
        for number, raw in enumerate(stream, start=1):
            line = decoded_line(path, raw, number, rejects)
            if line is not None and line.strip():
                text = line.rstrip("\r\n")
                yield Record({"text": text}, f"line {number}"), text


class _Lines:
    """The lines of a file for the CSV reader, with what the rows made of them need to know.

    Attributes:
        taken: The lines since the last row ended.
        bad: Why a line among them is not UTF-8; empty when all are.
    """

    def __init__(self, path: Path, stream: IO[bytes], rejects: Rejects | None) -> None:
        self.taken: list[str] = []
        self.bad = ""
        self._path, self._stream, self._keep_bad, self._number = path, stream, rejects is not None, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = next(self._stream)
        self._number += 1
        line = decoded_line(self._path, raw, self._number, self._note if self._keep_bad else None)
        if line is None:
            line = raw.decode("utf-8", "replace")
        self.taken.append(line)
        return line

    def _note(self, reject: Reject) -> None:
        self.bad = reject.reason


def _rows(path: Path, rejects: Rejects | None, delimiter: str) -> Iterator[tuple[Record, str]]:
    with opened(path) as stream:
        lines = _Lines(path, stream, rejects)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = _header(path, lines, _cells(path, reader, 1, None) or [])
        while True:
            lines.taken.clear()
            lines.bad = ""
            line = reader.line_num + 1
            cells = _cells(path, reader, line, rejects)
            if cells is None:
                return
            if lines.bad:
                refuse(path, f"line {line}", lines.bad, "save the file as UTF-8", rejects)
            elif len(cells) == len(header):
                yield Record(dict(zip(header, cells, strict=True)), f"line {line}"), "".join(lines.taken)
            elif cells:
                _ragged(path, line, len(cells), len(header), rejects)


def _cells(path: Path, reader: Any, line: int, rejects: Rejects | None) -> list[str] | None:
    """The next row; none when there is no more, empty when it was blank or broken."""
    limit = csv.field_size_limit(sys.maxsize)  # the default refuses cells over 128 KiB, and answers can be longer
    try:
        return next(reader, None)
    except csv.Error as error:
        ended = "unexpected end" in str(error)  # a quote left open took in all rows after it
        refuse(path, f"line {line}", f"broken row ({error})", _QUOTE_FIX, None if ended else rejects)
        return []
    finally:
        csv.field_size_limit(limit)


def _header(path: Path, lines: _Lines, cells: list[str]) -> list[str]:
    """The column names; a column without a name is called by its place."""
    if lines.bad:
        raise DataError(f"{path}:1: {lines.bad}", "save the file as UTF-8")
    names = [cell.strip() or f"column_{place}" for place, cell in enumerate(cells, start=1)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError(
                f"{path}:1: columns {names.index(name) + 1} and {place + 1} are both called {name!r}",
                "rename one of them in the header line",
            )
    return names


def _ragged(path: Path, line: int, n_cells: int, n_columns: int, rejects: Rejects | None) -> None:
    reason = f"{n_cells} cell{'' if n_cells == 1 else 's'}, and the header has {n_columns} columns"
    fix = "put cells with separators in double quotes, and give every row every column"
    refuse(path, f"line {line}", reason, fix, rejects)
