"""How a CSV file is written: delimiter, quotes and line ends, found from its text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from aftertune.data.piece import Piece
from aftertune.errors import DataError
from aftertune.file_bytes import BOM, opened
from aftertune.files import text_of

_SAMPLED = 50


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How a CSV file is written.

    Attributes:
        delimiter: What stands between cells.
        columns: The names of the columns; none, until the first record says them.
        header: The header line as it stands in the file; empty to write one.
        quote_all: Whether all cells are quoted, or only those that need it.
        newline: The line end.
        ends: Whether the last row has one.
        bom: Whether the file begins with a byte order mark.
    """

    delimiter: str = ","
    columns: tuple[str, ...] = ()
    header: str = ""
    quote_all: bool = False
    newline: str = "\n"
    ends: bool = True
    bom: bool = False

    def written(self, fields: Mapping[str, Any]) -> str:
        """A record as a row, with its line end.

        Raises:
            DataError: a cell is no text, or the file has no such column.
        """
        for name in fields:
            if name not in self.columns:
                raise DataError(f"the file has no column {name!r}", "write a .jsonl file, or add the column")
        return self._row([text_of(fields.get(name)) for name in self.columns])

    def _row(self, cells: Sequence[str]) -> str:
        made = io.StringIO(newline="")
        quoting: Literal[0, 1] = csv.QUOTE_ALL if self.quote_all else csv.QUOTE_MINIMAL
        csv.writer(made, delimiter=self.delimiter, lineterminator=self.newline, quoting=quoting).writerow(cells)
        return made.getvalue()

    def parts(self, pieces: Sequence[Piece]) -> Iterator[str]:
        """The file's text, in parts."""
        names = self.columns or tuple(dict.fromkeys(name for piece in pieces for name in piece.fields))
        style = replace(self, columns=names)
        line = self.header or style._row(names)
        yield BOM.decode() * self.bom
        for piece in pieces:
            yield line if line.endswith("\n") else line + self.newline
            line = piece.text if piece.text is not None else style.written(piece.fields)
        yield line if self.ends else line.removesuffix(self.newline)


def csv_style(path: Path, delimiter: str, texts: Sequence[str], columns: Sequence[str], bom: bool) -> CsvStyle:
    """Find how a CSV file is written.

    Args:
        path: The file.
        delimiter: What stands between its cells.
        texts: The text of each of its rows.
        columns: Its columns.
        bom: Whether it begins with a byte order mark.
    """
    with opened(path) as stream:
        header, quotes = "", 0
        for line in stream:
            header += line.decode("utf-8")
            quotes += line.count(b'"')
            if quotes % 2 == 0:
                break
    newline = "\r\n" if header.endswith("\r\n") else "\n"
    plain = CsvStyle(delimiter, tuple(columns), header, False, newline, texts[-1].endswith("\n"), bom)
    quoted = replace(plain, quote_all=True)
    return max((plain, quoted), key=lambda style: sum(_same(style, text) for text in texts[:_SAMPLED]))


def _same(style: CsvStyle, text: str) -> bool:
    cells = next(csv.reader([text], delimiter=style.delimiter), [])
    return style._row(cells) == text
