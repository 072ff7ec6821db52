"""What an answer says, apart from how it is laid out: the check that a transform kept the content.

It is written apart from the code that recognises and renders structures, so that one mistake there
does not hide another here.
"""

from __future__ import annotations

import json
import re

_FENCE_LINE = re.compile(r"^\s*(?:```|~~~)[\w+-]*\s*$")
_MARKER = re.compile(r"^\s*(?:(?:\d{1,3}[.)]|[-*+\u2022\u2013])\s+)?(?:#{1,6}\s+)?")
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_EDGES = "*_"
_ENDS = ".:;,"
SCAFFOLD = "## Answer"  # the one heading that rendering adds


def content(text: str) -> tuple[str, ...]:
    """The words of an answer in order, without markers of structure.

    Words are runs of anything but white space, byte for byte but for emphasis around them and a comma or
    full stop after them, so numbers, formulas and links count as they are.

    >>> content("1. Mix **2.5 cups**\\n2. Bake.") == content("Mix 2.5 cups. Bake.")
    True
    >>> content("Mix 2.5 cups.") == content("Mix 2,5 cups.")
    False
    """
    lines = [line for part in _unwrapped(text) for line in part.split("\n")]
    plain = [_MARKER.sub("", line) for line in lines if not _FENCE_LINE.match(line) and line != SCAFFOLD]
    words = (_bare(word) for line in plain for word in line.split())
    return tuple(word for word in words if word)


def code_spans(text: str) -> tuple[str, ...]:
    """The `code spans` of an answer, byte for byte, in order."""
    return tuple(span for part in _unwrapped(text) for span in _CODE_SPAN.findall(part))


def same_content(before: str, after: str) -> bool:
    """Whether two answers say the same words in the same order, numbers and code spans to the byte.

    >>> same_content("Use `a  b`. Go.", "- Use `a b`.\\n- Go.")
    False
    """
    return content(before) == content(after) and code_spans(before) == code_spans(after)


def _bare(word: str) -> str:
    return word.strip(_EDGES).rstrip(_ENDS).strip(_EDGES)


def _unwrapped(text: str) -> list[str]:
    """The texts inside `{"answer": ...}` or a JSON list of texts, with what follows; or the text itself."""
    head, _, tail = text.strip().rpartition("\n#### ")
    body, final = (head, f"#### {tail}") if head else (text.strip(), "")
    if body[:1] not in ("{", "["):
        return [text]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return [text]
    if isinstance(value, dict) and list(value) == ["answer"]:
        value = value["answer"]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts):
        return [text]
    return [*texts, final]
