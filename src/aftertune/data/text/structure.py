"""Recognise how an answer is structured, and take it apart into units: sentences, steps, list items.

Code, tables and lists written into one line are recognised too; they have no units, for their lines and
sentences are not what they seem.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aftertune.data.text.content import SCAFFOLD
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

_NUMBERED = re.compile(r"^\s{0,8}\d{1,3}[.)]\s+(?=\S)")
_BULLET = re.compile(r"^\s{0,8}[-*+\u2022\u2013]\s+(?=\S)")
_HEADING = re.compile(r"^#{1,6}\s+(?=\S)")
_FENCED = re.compile(r"\A```[\w+-]*\n(.*?)\n?```\Z", re.DOTALL)
_BOLD = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*(?![\w*])")
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$|^\s*:?-{3,}:?\s*\|")
_CODE_LINE = re.compile(
    r"^(?: {4,}|\t+)\S.*(?:[=(){}\[\];<>]|:\s*$)"  # indented, with signs of code
    r"|^\s*(?:[{}\])]+[,;]?|end|fi|done)\s*$|\{\s*$|[)\]=}\"'].*;\s*$"  # closing lines, opened blocks
    r"|^\s*(?:def|class|module|sub|function) \w+\s*(?:\(.*|:\s*)?$"
    r"|^\s*(?:for|while|if|elif|else|try)\b.*(?:\):|\]:|\w:)\s*$"
    r"|^\s*(?:import \w+|from \S+ import .*|#include.*|using \S+;)\s*$"
    r"|^#!|^\s*//|^\s*End (?:Sub|Module|Function|If)"
    r"|^\s*(?:SELECT|FROM|WHERE|GROUP BY|ORDER BY|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) \S"
    r"|^\s*(?:let|const|var|int|float|string|double|char|Dim) \w+ *(?:=|As\b)"
    r"|^[a-z_][\w.]*(?:\[[^\]]*\])? *(?:[-+*/:]?=|<-) *\S|^\s*[\w.]+\(.*\);?\s*$"  # assignments, calls
    r"|</\w+>|<!--|<\w[^>]*/>\s*$|^\$\$|^\s*\\(?:begin|end|\[)"  # markup, formulas
)
_INLINE_LIST = re.compile(r"(?:^|[ \t:])1(?:\.[ \t]+|\)[ \t]*)\S.{0,300}[ \t]2(?:\.[ \t]+|\)[ \t]*)\S", re.MULTILINE)
_LONGEST_CODE_LINE = 2000  # longer lines are text, or would take too long to tell
_WRAPPED_AT = 40  # shorter lines were not broken at a page width
_FINAL_LINE = re.compile(r"^####\s+\S")
_SENTENCE_END = re.compile(r"[.!?\u2026:;,][\"'\u201d\u2019)\]*_]*$")
_JSON_KEY = "answer"


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer taken apart.

    Attributes:
        kind: How it is structured.
        units: Its sentences, steps or items in order, one line each; none for code, tables, inline lists.
        final: A last line `#### 72` with the result, as GSM8K has it; it stays last in every structure.
    """

    kind: Kind
    units: tuple[str, ...]
    final: str = ""


def parse(answer: str) -> Parsed:
    """Recognise an answer's structure.

    A list has at least two items. Lines that are one sentence or step each, without blank lines between
    them, are `sentences`; a paragraph broken in mid-sentence is one paragraph.

    >>> parse("Do this:\\n1. Wash\\n2. Dry")
    Parsed(kind='numbered_list', units=('Do this:', 'Wash', 'Dry'), final='')
    >>> parse("48/2 = 24 in May.\\n48+24 = 72\\n#### 72").final
    '#### 72'
    """
    body, final = _split_final(answer.strip())
    return Parsed(*_recognised(body, sums=bool(final)), final)


def render(parsed: Parsed, to: Structure) -> str:
    """Write units in another structure.

    Opening units up to one that ends in a colon introduce a list and stay above it. In prose, units without
    a mark at their end get a full stop.

    >>> render(Parsed("prose", ("To wash:", "Soak it.", "Dry it.")), "numbered_list")
    'To wash:\\n1. Soak it.\\n2. Dry it.'
    >>> render(Parsed("bullets", ("Soak it", "Dry it"), "#### 2"), "prose")
    'Soak it. Dry it.\\n#### 2'
    """
    body = _RENDERED[to](parsed.units)
    return f"{body}\n{parsed.final}" if parsed.final else body


def _split_final(text: str) -> tuple[str, str]:
    head, _, last = text.rpartition("\n")
    return (head.rstrip(), last) if head.strip() and _FINAL_LINE.match(last) else (text, "")


def _recognised(body: str, *, sums: bool = False) -> tuple[Kind, tuple[str, ...]]:
    from_json = _json_units(body)
    if from_json:
        return "json", from_json
    fenced = _FENCED.match(body)
    if fenced and "```" not in fenced.group(1):
        inside = _recognised(fenced.group(1), sums=sums)
        return ("code_fence", inside[1]) if inside[1] else inside
    lines = body.split("\n")
    if sum(bool(_TABLE_LINE.match(line)) for line in lines) > 1:
        return "table", ()
    if "```" in body or "~~~" in body or not sums and _holds_code(lines):  # worked sums look like assignments
        return "code", ()
    if _INLINE_LIST.search(body):
        return "inline_list", ()
    return _of_lines(lines)


def _json_units(body: str) -> tuple[str, ...]:
    """The texts of `{"answer": ...}`, or of a plain list of texts; none when it is other JSON."""
    if body[:1] not in ("{", "["):
        return ()
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if isinstance(value, dict) and list(value) == [_JSON_KEY]:
        value = value[_JSON_KEY]
    units = sentences(value) if isinstance(value, str) else value
    if not isinstance(units, list) or not all(isinstance(unit, str) and unit.strip() for unit in units):
        return ()
    return tuple(units)


def _holds_code(lines: list[str]) -> bool:
    short = (line for line in _unindented_items(lines) if len(line) <= _LONGEST_CODE_LINE)
    return any(_CODE_LINE.search(line) and not _marker(line) for line in short)


def _unindented_items(lines: list[str]) -> Iterator[str]:
    """Lines that may be code: what follows a list item, indented, belongs to the item."""
    in_item = False
    for line in lines:
        in_item = bool(_marker(line)) or in_item and line[:1] in (" ", "\t")
        if not in_item:
            yield line


def _marker(line: str) -> re.Match[str] | None:
    return _NUMBERED.match(line) or _BULLET.match(line)


def _of_lines(lines: list[str]) -> tuple[Kind, tuple[str, ...]]:
    numbered = sum(bool(_NUMBERED.match(line)) for line in lines)
    bullets = sum(bool(_BULLET.match(line)) for line in lines)
    headings = sum(bool(_HEADING.match(line)) for line in lines)
    listed = numbered + bullets > 1
    if headings or listed and any(_BOLD.search(line) for line in lines):
        return "markdown", tuple(_BOLD.sub(r"\1", unit) for unit in _list_units(lines))
    if listed:
        return "numbered_list" if numbered >= bullets else "bullets", tuple(_list_units(lines))
    paragraphs = [_unwrapped_lines(block) for block in _blocks(lines)]
    if any(len(paragraph) > 1 for paragraph in paragraphs):
        return "sentences", tuple(line for paragraph in paragraphs for line in paragraph)
    return "prose", tuple(unit for paragraph in paragraphs for line in paragraph for unit in sentences(line))


def _list_units(lines: list[str]) -> Iterator[str]:
    """Items whole, with their continuation lines; headings with a colon; other text by sentence."""
    item: list[str] = []
    for line in [*lines, ""]:
        marker = _marker(line)
        if item and not marker and line[:1] in (" ", "\t") and line.strip():
            item.append(line.strip())
            continue
        if item:
            yield " ".join(item)
        item = [line[marker.end() :].strip()] if marker else []
        if not marker and line != SCAFFOLD:
            yield from _text_units(line)


def _text_units(line: str) -> list[str]:
    heading = _HEADING.match(line)
    if not heading:
        return sentences(line)
    title = line[heading.end() :].strip()
    return [title if _SENTENCE_END.search(title) else f"{title}:"]


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line.strip())
        elif block:
            yield block
            block = []


def _unwrapped_lines(block: list[str]) -> list[str]:
    """Join a line to the one before when it goes on in mid-sentence, as in text wrapped at a width."""
    joined: list[str] = []
    for line in block:
        wrapped = joined and len(joined[-1]) >= _WRAPPED_AT and not _SENTENCE_END.search(joined[-1])
        if wrapped and line[0].islower():
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
    return joined


def _prose(units: tuple[str, ...]) -> str:
    closed = (unit if _SENTENCE_END.search(unit) else f"{unit}." for unit in units[:-1])
    last = units[-1] if len(units) == 1 or _SENTENCE_END.search(units[-1]) else f"{units[-1]}."
    return " ".join([*closed, last])


def _sentences(units: tuple[str, ...]) -> str:
    return "\n".join(units)


def _listed(units: tuple[str, ...], marker: str) -> str:
    lead, items = _lead(units)
    return "\n".join([*lead, *(f"{marker.format(n)} {item}" for n, item in enumerate(items, start=1))])


def _numbered_list(units: tuple[str, ...]) -> str:
    return _listed(units, "{}.")


def _bullets(units: tuple[str, ...]) -> str:
    return _listed(units, "-")


def _markdown(units: tuple[str, ...]) -> str:
    """A heading, the lead as text, and bullets whose first words are bold."""
    lead, items = _lead(units)
    return "\n".join([SCAFFOLD, "", *lead, *(f"- {_bold_opening(item)}" for item in items)])


def _lead(units: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What introduces a list, and its items; there are at least two items."""
    colons = (place for place, unit in enumerate(units[:3], start=1) if unit.endswith(":"))
    n_lead = next(colons, 0)
    return (units[:n_lead], units[n_lead:]) if len(units) - n_lead > 1 else ((), units)


def _bold_opening(unit: str) -> str:
    """The first two words in bold, unless something there has a meaning in Markdown."""
    words = unit.split(" ", 2)
    opening = " ".join(words[:2])
    if re.search(r"[*_`\[\]<>#|\\]|\s\s|\s$", opening) or not opening[-1].isalnum() or not opening[0].isalnum():
        return unit
    return f"**{opening}**{unit[len(opening) :]}"


def _json(units: tuple[str, ...]) -> str:
    value = units[0] if len(units) == 1 else list(units)
    return json.dumps({_JSON_KEY: value}, ensure_ascii=False)


def _code_fence(units: tuple[str, ...]) -> str:
    return f"```\n{_prose(units)}\n```"


_RENDERED = {
    "prose": _prose,
    "sentences": _sentences,
    "numbered_list": _numbered_list,
    "bullets": _bullets,
    "markdown": _markdown,
    "json": _json,
    "code_fence": _code_fence,
}
