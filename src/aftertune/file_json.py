"""Rows of JSON files, without holding the file: an array element by element, JSON lines line by line.

An object keyed by id, or an object of lists, is one value and is held whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, NoReturn

from aftertune.errors import DataError
from aftertune.file_bytes import PIECE, decoded_line, decoded_pieces, opened
from aftertune.file_records import Record, Rejects, kind_of, refuse, usable

_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR_END = 24  # characters: no mark of JSON is longer, so a break this near the end may be the piece's
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def json_lines(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of a file with one object per line, each with its line."""
    with opened(path) as stream:
        yield from _of_lines(path, stream, rejects)


def json_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of a JSON file; of an array each with its text, of JSON lines each with its line."""
    with opened(path) as stream:
        skipped, head = _first_line(stream)
        if head.lstrip().startswith(b"["):
            yield from _of_array(path, _Text(path, _Again(head, stream), skipped + 1, rejects))
            return
        second = next(stream, b"") if _whole(head) else b""
        while second and not second.strip():
            second = next(stream, b"")
        if second:
            yield from _of_lines(path, chain([b""] * skipped, [head, second], stream), rejects)
        else:
            yield from _of_object(path, head, stream, skipped + 1, rejects)


def _first_line(stream: IO[bytes]) -> tuple[int, bytes]:
    """How many blank lines there are, and the beginning of the first other one."""
    skipped = 0
    while (head := stream.readline(PIECE)) and not head.strip():
        skipped += head.endswith(b"\n")
    if head.lstrip().startswith(b"{") and not head.endswith(b"\n"):
        head += stream.readline()
    return skipped, head


class _Again:
    """A stream with the bytes already read from it put back."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def read(self, n: int) -> bytes:
        head, self._head = self._head, b""
        return head + self._stream.read(n)


def _whole(line: bytes) -> bool:
    """Whether a line is one JSON object by itself."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_lines(path: Path, lines: Any, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    for number, raw in enumerate(lines, start=1):
        line = decoded_line(path, raw, number, rejects)
        if line is None:
            continue
        try:
            value, end = _scan(line, 0)
            whole = end == len(line) or not line[end:].strip(" \t\r\n")
        except (StopIteration, ValueError, RecursionError):
            whole = False
        if not whole:
            if not line.strip():
                continue
            try:
                value = _parsed(line.rstrip("\r\n"))
            except _Bad as error:
                refuse(path, f"line {number}", f"bad JSON at {error}", "correct that line", rejects)
                continue
        record = Record(value, f"line {number}")
        if usable(path, record, rejects, look_inside="\\ud" in line or "\\uD" in line):
            yield record, line.rstrip("\r\n")


class _Bad(Exception):
    """JSON that cannot be read: where in the text, and why."""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _Bad(f"column {error.colno} ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # an endless number, or nesting without end
        raise _Bad(f"column 1 (JSON that cannot be read: {error})") from error


class _Text:
    """The text of a file through a window that slides on, and the line it is at.

    Attributes:
        text: What is in the window.
        place: Where reading stands in it.
        clean: Whether all of it was UTF-8.
    """

    def __init__(self, path: Path, stream: Any, line: int, rejects: Rejects | None) -> None:
        self.path, self.rejects = path, rejects
        self.text, self.place, self.clean, self.ended = "", 0, True, False
        self._line, self._column = line, 0  # of the window's first character
        self._read = decoded_pieces(path, stream, keep_bad=rejects is not None)

    def more(self) -> bool:
        """Slide on, and read at least as much again as is left; false at the end, where the window stays."""
        if self.ended:
            return False
        left = self.text[self.place :]
        piece, clean = self._read(max(PIECE, len(left)))
        self.ended = not piece
        if piece:
            n_lines = self.text.count("\n", 0, self.place)
            before = self.text.rfind("\n", 0, self.place)
            self._column = self.place - before - 1 if n_lines else self._column + self.place
            self._line += n_lines
            self.clean = clean and (self.clean or not left)
            self.text, self.place = left + piece, 0
        return not self.ended

    def skip_space(self) -> str:
        """Go to the next character that is no space, and look at it; empty at the end."""
        while True:
            self.place = _SPACE.match(self.text, self.place).end()  # type: ignore[union-attr]
            if self.place < len(self.text) or not self.more():
                return self.text[self.place : self.place + 1]

    def value(self) -> tuple[Any, str]:
        """The value that begins here and its text; reading goes on after it."""
        while True:
            try:
                value, end = _scan(self.text, self.place)
            except StopIteration as error:
                if self._may_go_on(error.value) and self.more():
                    continue
                self.fail(error.value, "Expecting value")
            except json.JSONDecodeError as error:
                if (self._may_go_on(error.pos) or error.msg.startswith("Unterminated")) and self.more():
                    continue
                self.fail(error.pos, error.msg)
            except (ValueError, RecursionError) as error:  # an endless number, or nesting without end
                self.fail(self.place, f"JSON that cannot be read: {error}")
            if end < len(self.text) or not self.more():  # a number may go on after the window
                raw = self.text[self.place : end]
                self.place = end
                return value, raw

    def _may_go_on(self, place: int) -> bool:
        return place + _NEAR_END > len(self.text)

    def fail(self, place: int, why: str) -> NoReturn:
        """Say what is wrong where."""
        n_lines = self.text.count("\n", 0, place)
        column = place - self.text.rfind("\n", 0, place) if n_lines else self._column + place + 1
        at = f"{self.path}:{self._line + n_lines}"
        raise DataError(f"{at}: bad JSON at column {column} ({why})", "correct that line")


def _of_array(path: Path, text: _Text) -> Iterator[tuple[Record, str]]:
    text.skip_space()
    text.place += 1  # the bracket
    number, mark = 0, text.skip_space()
    if mark == "]":
        text.place += 1
    while mark != "]":
        number += 1
        value, raw = text.value()
        record = Record(value, f"row {number}")
        look_inside = not text.clean or "\\ud" in raw or "\\uD" in raw
        if usable(path, record, text.rejects, look_inside=look_inside):
            yield record, raw
        mark = text.skip_space()
        if mark not in (",", "]"):
            text.fail(text.place, "Expecting ',' delimiter")
        text.place += 1
        if mark == ",":
            text.skip_space()
    if text.skip_space():
        text.fail(text.place, "Extra data")


def _of_object(
    path: Path, head: bytes, stream: IO[bytes], line: int, rejects: Rejects | None
) -> Iterator[tuple[Record, str]]:
    window = _Text(path, _Again(head, stream), line, rejects)
    if not window.skip_space():
        return
    value, raw = window.value()
    if window.skip_space():
        window.fail(window.place, "Extra data")
    look_inside = not window.clean or "\\ud" in raw or "\\uD" in raw
    for record in _rows(path, value):
        if usable(path, record, rejects, look_inside=look_inside):
            yield record, ""


def _rows(path: Path, value: Any) -> list[Record]:
    if isinstance(value, list):
        return [Record(row, f"row {number}") for number, row in enumerate(value, start=1)]
    if isinstance(value, dict):
        form = object_form(value)
        if form == "inside":
            return _rows(path, next(item for item in value.values() if isinstance(item, list)))
        if form == "lists":
            return _from_columns(path, value)
        if form == "keyed":
            keyed = (item if "id" in item else {"id": key, **item} for key, item in value.items())
            return [Record(item, f"row {number}") for number, item in enumerate(keyed, 1)]
        if not value:
            return []
    raise DataError(
        f"{path}: found {kind_of(value)} that is no list of rows",
        "write an array of objects, an object keyed by id, or one object per line",
    )


def object_form(value: dict[str, Any]) -> str:
    """How one object holds rows: an array "inside", "lists" of one length, or "keyed" by id; empty for none.

    >>> object_form({"data": [{"a": 1}]}), object_form({"a": [1, 2]}), object_form({"x": {"a": 1}})
    ('inside', 'lists', 'keyed')
    """
    lists = [item for item in value.values() if isinstance(item, list)]
    if len(value) == len(lists) == 1 and all(isinstance(item, dict) for item in lists[0]):
        return "inside"
    if value and len(lists) == len(value):
        return "lists"
    return "keyed" if value and all(isinstance(item, dict) for item in value.values()) else ""


def _from_columns(path: Path, columns: dict[str, list[Any]]) -> list[Record]:
    filled = {name: cells for name, cells in columns.items() if cells}
    lengths = {name: len(cells) for name, cells in filled.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise DataError(f"{path}: its lists have different lengths: {found}", "give every list one entry per row")
    rows = zip(*filled.values(), strict=True)
    return [Record(dict(zip(filled, row, strict=True)), f"row {n}") for n, row in enumerate(rows, start=1)]
