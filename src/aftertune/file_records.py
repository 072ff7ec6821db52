"""What reading a data file gives: records with their places, and rejects where a row cannot be used."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.errors import DataError


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
        return placed(path, self.where)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was skipped.

    Attributes:
        where: Its place in the file, as in `Record`.
        reason: What is wrong with it.
    """

    where: str
    reason: str


Rejects = Callable[[Reject], None]
"""Is told of every row that is skipped."""


def placed(path: Path | str, where: str) -> str:
    """A file and a place in it, for a message."""
    kind, _, number = where.partition(" ")
    return f"{path}:{number}" if kind == "line" else f"{path} {where}"


def refuse(path: Path, where: str, reason: str, fix: str, rejects: Rejects | None) -> None:
    """Report a bad row to who asked for rejects.

    Raises:
        DataError: nobody did.
    """
    if rejects is None:
        raise DataError(f"{placed(path, where)}: {reason}", fix)
    rejects(Reject(where, reason))


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
    raise DataError(f"found {kind_of(value)} where text is expected", "write it as text, or name another column")


def kind_of(value: Any) -> str:
    """What a value is, in words.

    >>> kind_of({}), kind_of(None), kind_of(3)
    ('an object', 'null', 'a number')
    """
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


def usable(path: Path, record: Record, rejects: Rejects | None, *, look_inside: bool) -> bool:
    """Whether a row is an object and its text can be written to a file; if not, it is refused.

    Args:
        path: The file, for the message.
        record: The row.
        rejects: Is told of a row that is not.
        look_inside: Whether its text may hold half of a character pair at all.
    """
    if type(record.fields) is not dict:
        found = kind_of(record.fields)
        fix = 'write it as {"column": value, ...}, or remove it'
        refuse(path, record.where, f"a row must be an object, found {found}", fix, rejects)
        return False
    broken = _lone_surrogate(record.fields) if look_inside else ""
    if "\\udc80" <= broken <= "\\udcff":  # how a byte that is no UTF-8 is carried through decoding
        reason = f"not UTF-8 text (byte 0x{broken[-2:]})"
        refuse(path, record.where, reason, "save the file as UTF-8", rejects)
    elif broken:
        reason = f"half of a character pair ({broken}), which is no text"
        fix = "repair or remove that row; an emoji was cut in two when the file was made"
        refuse(path, record.where, reason, fix, rejects)
    return not broken


def _lone_surrogate(value: Any) -> str:
    """The first one in any text of the row, as its escape; nesting can be as deep as JSON allows."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            try:
                item.encode("utf-8")
            except UnicodeEncodeError as error:
                return f"\\u{ord(item[error.start]):04x}"
        elif isinstance(item, dict):
            left += [*reversed(item.values()), *item]
        elif isinstance(item, list):
            left += reversed(item)
    return ""
