"""What an answer says, apart from how it is laid out: the check that a transform kept the content.

It is written apart from the code that recognises and renders structures, so that one mistake there
does not hide another here.
"""

from __future__ import annotations

import json
import re
from itertools import compress
from operator import ne

_FENCE_LINE = re.compile(r"^\s*(?:```|~~~)[\w+-]*\s*$")
_MARKER = re.compile(r"\s*(?:(?:\d{1,3}[.)]|[-*+\u2022\u2013])\s+)?(?:#{1,6}\s+)?")
_ENUMERATION = re.compile(r"(?:(?<=\s)|^)(\d{1,2})([.)])(?=\s)")
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_EDGES = "*_"
_ENDS = ".:;,"
SCAFFOLD = "## Answer"  # the one heading that rendering adds


def content(text: str, *, enumerated: bool = False) -> tuple[str, ...]:
    """The words of an answer in order, without markers of structure.

    Words are runs of anything but white space, byte for byte but for emphasis around them and a comma or
    full stop after them, so numbers, formulas and links count as they are.

    Args:
        text: The answer.
        enumerated: Whether it holds a list in one line, whose numbers 1, 2, ... are markers too.

    >>> content("1. Mix **2.5 cups**\\n2. Bake.") == content("Mix 2.5 cups. Bake.")
    True
    >>> content("Mix 2.5 cups.") == content("Mix 2,5 cups.")
    False
    >>> content("Do: 1) mix, 2) bake", enumerated=True)
    ('Do', 'mix', 'bake')
    """
    return tuple(filter(None, map(_bare, _words(_texts(text, enumerated)))))


def code_spans(text: str) -> tuple[str, ...]:
    """The `code spans` of an answer, byte for byte, in order."""
    return _spans(_texts(text, enumerated=False))


def same_content(before: str, after: str, *, enumerated: bool = False) -> bool:
    """Whether two answers say the same words in the same order, numbers and code spans to the byte.

    Args:
        before: The answer.
        after: What became of it.
        enumerated: Whether the first holds a list in one line, as in `content`.

    >>> same_content("Use `a  b`. Go.", "- Use `a b`.\\n- Go.")
    False
    """
    old, new = _texts(before, enumerated), _texts(after, enumerated=False)
    return _same_words(_words(old), _words(new)) and ("`" not in before + after or _spans(old) == _spans(new))


def same_but_for(
    before: str, after: str, *, spare: frozenset[str] = frozenset(), added: str = "", enumerated: bool = False
) -> bool:
    """Whether two answers say the same, but for declared words left out and a declared text added near the end.

    Args:
        before: The answer.
        after: What became of it.
        spare: Words, in lower case, that may be missing, those with a comma only where they have one; the word
            after a missing one may have got a capital.
        added: A text that must stand in the second, before at most a last line such as `#### 72`.
        enumerated: Whether the first holds a list in one line, as in `content`.

    >>> spare = frozenset(("also,", "very"))
    >>> same_but_for("Also, it is very hot.", "- It is hot. The end.", spare=spare, added="The end.")
    True
    >>> same_but_for("It is not hot.", "It is hot.", spare=spare)
    False
    """
    if code_spans(before) != code_spans(after):
        return False
    old = [word for word in _words(_texts(before, enumerated)) if _bare(word)]
    new, extra = content(after), content(added)
    for place in range(len(new) - len(extra), -1, -1):
        if new[place : place + len(extra)] == extra:
            return _left_out_only(old, new[:place] + new[place + len(extra) :], spare)
    return False


def _left_out_only(old: list[str], new: tuple[str, ...], spare: frozenset[str]) -> bool:
    place, skipped = 0, False
    for raw in old:
        word, there = _bare(raw), new[place] if place < len(new) else ""
        if there and (word == there or skipped and word == there[0].lower() + there[1:]):
            place, skipped = place + 1, False
        elif raw.strip(_EDGES).lower() in spare:
            skipped = True
        else:
            return False
    return place == len(new)


def _same_words(old: list[str], new: list[str]) -> bool:
    """Words that are the same to the byte need no stripping."""
    if len(old) == len(new):
        differing = compress(zip(old, new, strict=True), map(ne, old, new))
        if all(_bare(one) == _bare(other) for one, other in differing):
            return True
    return [*filter(None, map(_bare, old))] == [*filter(None, map(_bare, new))]


def _words(texts: list[str]) -> list[str]:
    """What stands between white space, markers left out; not stripped yet."""
    words: list[str] = []
    for text in texts:
        for line in text.split("\n"):
            if line[:1].isalpha():
                words += line.split()
            elif line and line != SCAFFOLD and not _FENCE_LINE.match(line):
                marked = _MARKER.match(line)
                words += line[marked.end() if marked else 0 :].split()
    return words


def _spans(texts: list[str]) -> tuple[str, ...]:
    return tuple(span for text in texts for span in _CODE_SPAN.findall(text))


def _bare(word: str) -> str:
    return word.strip(_EDGES).rstrip(_ENDS).strip(_EDGES)


def _texts(text: str, enumerated: bool) -> list[str]:
    return [_without_enumeration(text)] if enumerated else _unwrapped(text)


def _without_enumeration(text: str) -> str:
    """A text without the numbers 1, 2, ... of a list, in the style of the first one."""
    kept, end, expected, style = [], 0, 1, ""
    for found in _ENUMERATION.finditer(text):
        if int(found.group(1)) == expected and found.group(2) == (style or found.group(2)):
            kept.append(text[end : found.start()])
            end, expected, style = found.end(), expected + 1, found.group(2)
    return "".join([*kept, text[end:]])


def _unwrapped(text: str) -> list[str]:
    """The texts inside `{"answer": ...}` or a JSON list of texts, with what follows; or the text itself."""
    if text.lstrip()[:1] not in ("{", "["):
        return [text]
    head, _, tail = text.strip().rpartition("\n#### ")
    body, final = (head, f"#### {tail}") if head else (text.strip(), "")
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
