"""How a JSON file is written: its form, indentation, separators, escapes and line ends, found from its text.

Written in the same style, a record that did not change has the text it had; where it would not, its text is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from json.encoder import encode_basestring, encode_basestring_ascii
from pathlib import Path
from typing import IO, Any

from aftertune.data.piece import Piece
from aftertune.errors import DataError
from aftertune.file_bytes import BOM, has_bom, opened
from aftertune.file_json import object_form

_SEPARATORS = ((", ", ": "), (",", ":"), (",", ": "), (", ", ":"))
_SAMPLED, _LONGEST = 50, 1 << 16
_HEAD, _TAIL = 1 << 16, 1 << 12


@dataclass(frozen=True, slots=True)
class JsonText:
    """How a value is written.

    Attributes:
        escaped: Whether characters beyond ASCII are written as escapes.
        item: What stands between items.
        colon: What stands between key and value.
        step: The indentation of one level; None when a value is on one line.
        newline: The line end, where there are several lines.
    """

    escaped: bool = False
    item: str = ", "
    colon: str = ": "
    step: str | None = None
    newline: str = "\n"

    def dump(self, value: Any, margin: str = "") -> str:
        r"""Write a value; lines after the first begin with `margin`.

        Raises:
            DataError: it holds what JSON has no form for, such as a date.

        >>> JsonText(step="  ").dump({"a": [1]}, "    ")
        '{\n      "a": [\n        1\n      ]\n    }'
        """
        if self.step is not None and type(value) is dict and value and all(type(one) is str for one in value.values()):
            return self._flat(value, margin)
        try:
            text = json.dumps(value, ensure_ascii=self.escaped, indent=self.step, separators=(self.item, self.colon))
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(f"JSON cannot hold a value of this row ({error})", "write a .parquet file") from error
        return text if self.step is None else text.replace("\n", self.newline + margin)

    def _flat(self, value: dict[str, str], margin: str) -> str:
        """As below, for the common case; the standard library's own is slow with indentation."""
        quoted = encode_basestring_ascii if self.escaped else encode_basestring
        start = f"{self.newline}{margin}{self.step}"
        lines = (f"{start}{quoted(key)}{self.colon}{quoted(text)}" for key, text in value.items())
        return f"{{{self.item.join(lines)}{self.newline}{margin}}}"


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """How a JSON file is written.

    Attributes:
        form: "lines", "array", "inside" (an array in an object), "lists" (an object of lists) or "keyed" (by id).
        text: How a record is written.
        bom: Whether it begins with a byte order mark.
        ends: What stands at its end: after the last line, or from the last row's end on.
        gap: What stands before the first row of an array, and after each comma.
        keys: For "keyed", each record's key and whether `id` is a column beside it; for "inside" and "lists"
            the names of the lists, those without rows included.
    """

    form: str = "lines"
    text: JsonText = JsonText()
    bom: bool = False
    ends: str = "\n"
    gap: tuple[str, str] = ("", " ")
    keys: tuple[tuple[str, bool], ...] = ()

    def written(self, fields: Any) -> str:
        """A record as the file would have it."""
        return self.text.dump(fields, self._margin())

    def _margin(self) -> str:
        return self.gap[0].rpartition("\n")[2] if self.form == "array" and "\n" in self.gap[0] else ""

    def parts(self, pieces: Sequence[Piece]) -> Iterator[str]:
        """The file's text, in parts."""
        if self.bom:
            yield BOM.decode()
        if self.form == "lines":
            for place, piece in enumerate(pieces):
                yield self.text.newline * bool(place) + self._of(piece)
            yield self.ends
        elif self.form == "array":
            yield "["
            for place, piece in enumerate(pieces):
                yield (f",{self.gap[1]}" if place else self.gap[0]) + self._of(piece)
            yield self.ends
        else:
            yield self.text.dump(self._object(pieces)) + self.ends

    def _of(self, piece: Piece) -> str:
        return piece.text if piece.text is not None else self.written(piece.fields)

    def _object(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        rows = [piece.fields for piece in pieces]
        if self.form == "inside":
            return {self.keys[0][0]: rows}
        if self.form == "lists":
            filled = list(dict.fromkeys(name for row in rows for name in row))
            names = dict.fromkeys([*(name for name, _ in self.keys), *filled])
            return {name: [row.get(name) for row in rows] if name in filled else [] for name in names}
        made: dict[str, Any] = {}
        for piece in pieces:
            key, beside = self.keys[piece.place] if piece.place is not None else (str(piece.fields.get("id")), False)
            if key in made:
                raise DataError(f"two rows have the key {key!r}", "make the ids of added rows unique")
            made[key] = {name: value for name, value in piece.fields.items() if beside or name != "id"}
        return made


def json_style(path: Path, texts: Sequence[str]) -> JsonStyle:
    """Find how a JSON file is written.

    Args:
        path: The file.
        texts: The text of each of its records, as `files.stream_texts` gives them.
    """
    head, tail = _ends(path)
    bom = has_bom(path)
    newline = "\r\n" if "\r\n" in head else "\n"
    if head.lstrip().startswith("["):
        return replace(_array(head, tail, newline, texts), bom=bom)
    if texts and texts[0]:
        text = replace(_text_style(texts, "", (None,)), newline=newline)
        return JsonStyle("lines", text, bom, tail[len(tail.rstrip("\r\n")) :])
    return replace(_object_style(path, newline), bom=bom, ends=tail[len(tail.rstrip()) :])


def _ends(path: Path) -> tuple[str, str]:
    """The first and the last characters of the file, unpacked."""
    with opened(path) as stream:
        head = last = stream.read(_HEAD)
        while piece := stream.read(1 << 20):
            last = (last + piece)[-_TAIL:]
    return head.decode("utf-8", "ignore"), last[-_TAIL:].decode("utf-8", "ignore")


def _array(head: str, tail: str, newline: str, texts: Sequence[str]) -> JsonStyle:
    start = head.index("[") + 1
    first = head[start : len(head) - len(head[start:].lstrip())]
    between = re.match(r",([ \t\r\n]*)", _after(head, start + len(first)))
    ends = re.search(r"[ \t\r\n]*\][ \t\r\n]*\Z", tail)
    margin = first.rpartition("\n")[2] if "\n" in first else ""
    inner = re.match(r"\{\r?\n([ \t]*)", texts[0]) if texts else None
    step = inner[1].removeprefix(margin) if inner else None
    text = replace(_text_style(texts, margin, (step,), newline), newline=newline)
    gap = between[1] if between else first or " "
    return JsonStyle("array", text, False, ends[0] if ends else "]", (first, gap))


def _after(head: str, start: int) -> str:
    """What stands after the first row; empty where the row is longer than the head."""
    try:
        return head[json.JSONDecoder().raw_decode(head, start)[1] :].lstrip()
    except (ValueError, RecursionError):
        return ""


def _object_style(path: Path, newline: str) -> JsonStyle:
    with opened(path) as stream:
        whole = _text_of(stream)
    value = json.loads(whole)
    form = object_form(value)
    inner = re.match(r"\s*\{\r?\n([ \t]*)", whole)
    text = _best([whole.strip()], [value], "", (inner[1] if inner else None,), newline)
    keyed = form == "keyed"
    keys = tuple((key, keyed and "id" in item) for key, item in value.items())
    return JsonStyle(form, text, keys=keys)


def _text_of(stream: IO[bytes]) -> str:
    return stream.read().decode("utf-8")


def _text_style(texts: Sequence[str], margin: str, steps: tuple[str | None, ...], newline: str = "\n") -> JsonText:
    """The style that gives most of a sample of records the text they have."""
    short = [text for text in texts if len(text) < _LONGEST] or texts[:1]
    special = (text for text in short if "\\u" in text or not text.isascii())
    sample = [*short[:_SAMPLED], *islice(special, _SAMPLED)]
    return _best(sample, [json.loads(text) for text in sample], margin, steps, newline)


def _best(
    texts: Sequence[str], values: Sequence[Any], margin: str, steps: tuple[str | None, ...], newline: str
) -> JsonText:
    styles = [
        JsonText(escaped, item.rstrip() if step is not None else item, colon, step, newline)
        for step, (item, colon), escaped in product(steps, _SEPARATORS, (False, True))
    ]

    def fits(style: JsonText) -> int:
        return sum(style.dump(value, margin) == text for value, text in zip(values, texts, strict=True))

    return max(styles, key=fits)
