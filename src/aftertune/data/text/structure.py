"""Recognise how an answer is structured, and take it apart into units: sentences, steps, list items.

Code and tables are recognised too; they have no units, for their lines and sentences are not what they seem.
A list written into one line has units where its items are clearly told apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from aftertune.data.text.code import holds_code
from aftertune.data.text.content import SCAFFOLD
from aftertune.data.text.inline import inline_units, looks_like_inline_list
from aftertune.data.text.markers import marker
from aftertune.data.text.sentences import sentences

Structure = Literal["prose", "sentences", "numbered_list", "bullets", "markdown", "json", "code_fence"]
Kind = Literal[
    "prose",
    "sentences",
    "numbered_list",
    "bullets",
    "markdown",
    "json",
    "code_fence",
    "code",
    "table",
    "inline_list",
]

_HEADING = re.compile(r"#{1,6}\s+(?=\S)")
_FENCE = "```"
_LANGUAGE = re.compile(r"[\w+-]*")
_BOLD = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?![\w*])")
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$|^\s*:?-{3,}:?\s*\|")
_WRAPPED_AT = 40  # shorter lines were not broken at a page width
_FINAL_LINE = re.compile(r"^####\s+\S")
_SENTENCE_ENDS = frozenset(".!?\u2026:;,")
_CLOSERS = "\"'\u201d\u2019)]*_"
JSON_KEY = "answer"


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer taken apart.

    Attributes:
        kind: How it is structured.
        units: Its sentences, steps or items in order, one line each; none for code, for tables, for JSON that is
            more than a list of texts, and for a list in one line whose items cannot be told apart safely.
        final: A last line `#### 72` with the result, as GSM8K has it; it stays last in every structure.
    """

    kind: Kind
    units: tuple[str, ...]
    final: str = ""


class _Seen(NamedTuple):
    """What an answer was recognised as, and what its units are made from: lines, or the texts of its JSON."""

    kind: Kind
    inside: Kind  # how the lines are taken apart; differs from the kind in a code fence
    lines: list[str]


def parse(answer: str) -> Parsed:
    """Recognise an answer's structure and take it apart. The time it takes grows with the answer's length.

    A list has at least two items. Lines that are one sentence or step each, without blank lines between
    them, are `sentences`; a paragraph broken in mid-sentence is one paragraph.

    >>> parse("Do this:\\n1. Wash\\n2. Dry")
    Parsed(kind='numbered_list', units=('Do this:', 'Wash', 'Dry'), final='')
    >>> parse("Do this: 1) wash; 2) dry.")
    Parsed(kind='inline_list', units=('Do this:', 'wash;', 'dry.'), final='')
    >>> parse("48/2 = 24 in May.\\n48+24 = 72\\n#### 72").final
    '#### 72'
    """
    body, final = split_final(answer.strip())
    seen = _recognised(body, sums=bool(final))
    return Parsed(seen.kind, _units(seen), final)


def kind_of(answer: str) -> Kind:
    """An answer's structure, as `parse` tells it, without its units.

    >>> kind_of("- One\\n- Two")
    'bullets'
    """
    body, final = split_final(answer.strip())
    return _recognised(body, sums=bool(final)).kind


def split_final(text: str) -> tuple[str, str]:
    """What comes before a last line `#### 72`, and that line; the line is empty when there is none.

    >>> split_final("8 - 3 = 5\\n#### 5")
    ('8 - 3 = 5', '#### 5')
    """
    if "\n####" not in text:
        return text, ""
    head, _, last = text.rpartition("\n")
    return (head.rstrip(), last) if head.strip() and _FINAL_LINE.match(last) else (text, "")


def ends_sentence(unit: str) -> bool:
    """Whether a unit ends in a mark that a sentence or clause can end in, quotes and brackets aside.

    >>> ends_sentence('He said "stop."'), ends_sentence("Soak it")
    (True, False)
    """
    return unit[-1:] in _SENTENCE_ENDS or unit.rstrip(_CLOSERS)[-1:] in _SENTENCE_ENDS


def _recognised(body: str, *, sums: bool = False) -> _Seen:
    value = _json_value(body)
    if value is not None:
        texts = _json_texts(body, value)
        return _Seen("json", "json" if texts else "code", texts)
    fenced = _fenced(body)
    if fenced is not None:
        seen = _recognised(fenced, sums=sums)
        kind: Kind = "code" if seen.kind == "json" else seen.kind
        return _Seen("code_fence", seen.inside, seen.lines) if _has_units(seen) else seen._replace(kind=kind)
    lines = body.split("\n")
    if "|" in body and sum(bool(_TABLE_LINE.match(line)) for line in lines) > 1:
        return _Seen("table", "table", lines)
    if _FENCE in body or "~~~" in body or not sums and holds_code(lines):  # worked sums look like assignments
        return _Seen("code", "code", lines)
    if looks_like_inline_list(body):
        return _Seen("inline_list", "inline_list", lines)
    kind = _of_lines(lines)
    return _Seen(kind, kind, lines)


def _fenced(body: str) -> str | None:
    """What a single code fence around a whole answer holds."""
    opening, newline, rest = body.partition("\n") if body.startswith(_FENCE) else ("", "", "")
    if not newline or not rest.endswith(_FENCE) or not _LANGUAGE.fullmatch(opening, len(_FENCE)):
        return None
    inside = rest.removesuffix(_FENCE).removesuffix("\n")
    return None if _FENCE in inside else inside


def _json_value(body: str) -> Any:
    """The JSON object or list of texts that an answer is; None when it is none: a list of numbers is a result."""
    if body[:1] + body[-1:] not in ("{}", "[]"):
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) or _json_texts(body, value) else None


def _json_texts(body: str, value: Any) -> list[str]:
    """The texts of `{"answer": ...}`, or of a plain list of texts; none when it is other JSON."""
    texts = value[JSON_KEY] if isinstance(value, dict) and list(value) == [JSON_KEY] else value
    if isinstance(texts, str):
        texts = sentences(texts)
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        return []
    return texts if "\\u" not in body or _is_unicode(texts) else []


def _is_unicode(texts: list[str]) -> bool:
    """JSON may spell half a character, which no file can hold."""
    return not any("\ud800" <= character <= "\udfff" for text in texts for character in text)


def _of_lines(lines: list[str]) -> Kind:
    if len(lines) == 1:
        return "markdown" if _heading(lines[0]) else "prose"
    markers = [found for found in map(marker, lines) if found]
    if any(map(_heading, lines)) or len(markers) > 1 and any("**" in line and _BOLD.search(line) for line in lines):
        return "markdown"
    if len(markers) > 1:
        numbered = sum(bool(found.group(1)) for found in markers)
        return "numbered_list" if 2 * numbered >= len(markers) else "bullets"
    one_a_line = any(len(_unwrapped_lines(block)) > 1 for block in _blocks(lines))
    return "sentences" if one_a_line else "prose"


def _heading(line: str) -> re.Match[str] | None:
    return _HEADING.match(line) if line[:1] == "#" else None


def _has_units(seen: _Seen) -> bool:
    if seen.inside == "inline_list":
        return bool(inline_units(seen.lines))
    return seen.inside not in ("code", "table") and any(map(str.strip, seen.lines))


def _units(seen: _Seen) -> tuple[str, ...]:
    """Take lines apart as their structure has it."""
    if seen.inside in ("code", "table"):
        return ()
    if seen.inside == "json":
        return tuple(seen.lines)
    if seen.inside == "inline_list":
        return inline_units(seen.lines)
    if seen.inside == "markdown":
        return tuple(_BOLD.sub(r"\1", unit) if "**" in unit else unit for unit in _list_units(seen.lines))
    if seen.inside in ("numbered_list", "bullets"):
        return tuple(_list_units(seen.lines))
    if len(seen.lines) == 1:
        return tuple(sentences(seen.lines[0]))
    lines = (line for block in _blocks(seen.lines) for line in _unwrapped_lines(block))
    return tuple(lines if seen.inside == "sentences" else _each_sentence(lines))


def _each_sentence(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from sentences(line)


def _list_units(lines: list[str]) -> Iterator[str]:
    """Items whole, with their continuation lines; headings with a colon; other text by sentence."""
    item: list[str] = []
    for line in [*lines, ""]:
        opened = marker(line)
        if item and not opened and line[:1] in (" ", "\t") and line.strip():
            item.append(line.strip())
            continue
        if item:
            yield " ".join(item)
        item = [line[opened.end() :].strip()] if opened else []
        if not opened and line and line != SCAFFOLD:
            yield from _text_units(line)


def _text_units(line: str) -> list[str]:
    heading = _heading(line)
    if not heading:
        return sentences(line)
    title = line[heading.end() :].strip()
    return [title if ends_sentence(title) else f"{title}:"]


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*lines, ""]:
        bare = line.strip()
        if bare:
            block.append(bare)
        elif block:
            yield block
            block = []


def _unwrapped_lines(block: list[str]) -> list[str]:
    """Join a line to the one before when it goes on in mid-sentence, as in text wrapped at a width."""
    joined: list[str] = []
    for line in block:
        wrapped = joined and line[0].islower() and len(joined[-1]) >= _WRAPPED_AT and not ends_sentence(joined[-1])
        if wrapped:
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined
