"""Tell lines of program code, markup and formulas from lines of text.

Nearly all lines of instruction data are text, and most can be told by their first and last character; patterns
look at the others only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aftertune.data.text.markers import marker

_OPENING = re.compile(
    r"^(?: {4,}|\t+)\S.*(?:[=(){}\[\];<>]|:\s*$)"  # indented, with signs of code
    r"|^\s*(?:[{}\])]+[,;]?|end|fi|done)\s*$"  # closing lines
    r"|^\s*(?:def|class|module|sub|function) \w+\s*(?:\(.*|:\s*)?$"
    r"|^\s*(?:for|while|if|elif|else|try)\b.*(?:\):|\]:|\w:)\s*$"
    r"|^\s*(?:import \w+|from \S+ import .*|#include.*|using \S+;)\s*$"
    r"|^#!|^\s*//|^\s*End (?:Sub|Module|Function|If)"
    r"|^\s*(?:SELECT|FROM|WHERE|GROUP BY|ORDER BY|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) \S"
    r"|^\s*(?:let|const|var|int|float|string|double|char|Dim) \w+ *(?:=|As\b)"
    r"|^[a-z_][\w.]*(?:\[[^\]]*\])? *(?:[-+*/:]?=|<-) *\S|^\s*[\w.]+\(.*\);?\s*$"  # assignments, calls
    r"|^\$\$|^\s*\\(?:begin|end|\[)"  # formulas
)
_MARKUP = re.compile(r"</\w+>|<!--")
_TAG = re.compile(r"<\w")
_KEYWORD = re.compile(
    r"(?:def|class|module|sub|function|for|while|if|elif|else|try|import|from|using|let|const|var|int|float|string"
    r"|double|char|end|fi|done)\b"
)
_STATEMENT = re.compile(r"[)\]=}\"']")
_STARTS = frozenset("_{}])#/$\\. \t")  # white space other than this is told by isspace
_LONGEST = 2000  # longer lines are text, or would take too long to tell


def holds_code(lines: list[str]) -> bool:
    """Whether any line is code. What follows a list item, indented, belongs to the item and is none.

    >>> holds_code(["Call it:", "f(x)"]), holds_code(["1. Call it:", "   f(x)"]), holds_code(["Call f(x) now."])
    (True, False, False)
    """
    for line in lines:
        if line and _may_be_code(line) and _is_code(line):
            return any(map(_is_code, _outside_items(lines)))
    return False


def _outside_items(lines: list[str]) -> Iterator[str]:
    in_item = False
    for line in lines:
        in_item = bool(marker(line)) or in_item and line[:1] in (" ", "\t")
        if not in_item:
            yield line


def _may_be_code(line: str) -> bool:
    """False for most text, by its first and last characters; never false for code."""
    first = line[0]
    if first in _STARTS or first.isspace() or "<" in line or line.rstrip()[-1:] in "{;)":
        return True
    if "a" <= first <= "z":
        return "=" in line or _KEYWORD.match(line) is not None
    return "A" <= first <= "Z" and (line[1:2].isupper() or line.startswith(("Dim ", "End ")))


def _is_code(line: str) -> bool:
    if len(line) > _LONGEST:
        return False
    return _OPENING.match(line) is not None or _closes(line) or "<" in line and _is_markup(line)


def _closes(line: str) -> bool:
    """An opened block, or a statement with its semicolon."""
    bare = line.rstrip()
    return bare.endswith("{") or bare.endswith(";") and _STATEMENT.search(bare[:-1]) is not None


def _is_markup(line: str) -> bool:
    if _MARKUP.search(line):
        return True
    bare = line.rstrip()
    return bare.endswith("/>") and _TAG.search(bare[:-2].rpartition(">")[2]) is not None
