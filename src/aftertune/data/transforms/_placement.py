"""Where in an answer a sentence may be put or cut out without harm to its lists, tables, JSON or code.

What is there already stays byte for byte: a place is one point between two characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aftertune.data.text.sentences import sentences
from aftertune.data.text.structure import Kind, kind_of, parse, split_final

Position = Literal["prefix", "suffix", "inline"]

_FENCE = re.compile(r"\A```[\w+-]*\n(.*?)\n?```\Z", re.DOTALL)
_FENCE_LINE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_NO_TEXT_LINE = re.compile(r"\s*(?:\||>|</?\w|\$\$)|\s*(?:[-*+\u2022\u2013]|\d{1,3}[.)]|#{1,6})\s|[ \t]{4}|\t")
_ITEM_LINE = re.compile(r"\s{0,8}(?:[-*+\u2022\u2013]|\d{1,3}[.)])\s+\S")
_MARK = re.compile(r"[.!?\u2026]")
_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]*_]{0,5}\Z")
_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(\s{0,20}:)?')
_COMMA = re.compile(r"\s{0,20},\s{0,20}")
_RESULT = re.compile(r"####\s+\S")
_INSIDE = {
    "code_fence": "holds code",
    "json": "holds JSON",
    "table": "holds a table",
    "inline_list": "list in one line",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A point in an answer, and what joins a sentence to the text around it there.

    Attributes:
        at: How many characters come before it.
        before: What is put before the sentence.
        after: What is put after it.
        in_json: Whether the sentence is written as in a JSON text.
    """

    at: int
    before: str = ""
    after: str = ""
    in_json: bool = False

    def moved(self, by: int) -> Place:
        """The same place in a longer text."""
        return Place(self.at + by, self.before, self.after, self.in_json)

    def put(self, answer: str, statement: str) -> str:
        """The answer with a sentence there.

        >>> Place(5, before=" ").put("Four. Five.", "Yes.")
        'Four. Yes. Five.'
        """
        said = json.dumps(statement, ensure_ascii=False)[1:-1] if self.in_json else statement
        return f"{answer[: self.at]}{self.before}{said}{self.after}{answer[self.at :]}"


def put(answer: str, statement: str, position: Position, rng: np.random.Generator) -> tuple[str, str]:
    """Put a sentence into an answer.

    Before or after prose it joins the paragraph; beside lists, tables and code it is a paragraph of its own; in
    JSON and in a fence around text it is one of the texts. A last line `#### 72` stays last. Inline it stands
    between two sentences of a paragraph, drawn among all such places.

    Returns:
        The answer with it and an empty reason, or the answer as it was and why there is no place in it.

    >>> rng = np.random.default_rng(0)
    >>> put("- a\\n- b", "Yes.", "prefix", rng)
    ('Yes.\\n\\n- a\\n- b', '')
    >>> put('{"answer": ["a", "b"]}', "Yes.", "suffix", rng)
    ('{"answer": ["a", "b", "Yes."]}', '')
    >>> put("One. Two.", "Yes.", "inline", rng)
    ('One. Yes. Two.', '')
    """
    if not answer.strip():
        return answer, "no text"
    kind = kind_of(answer)
    place = _inline(answer, kind, rng) if position == "inline" else _at_edge(answer, kind, position)
    if isinstance(place, str):
        return answer, place
    made = place.put(answer, statement)
    if kind_of(made) != kind or split_final(made.strip())[1] != split_final(answer.strip())[1]:
        return answer, f"would not read as {kind}"
    return made, ""


def change_text(answer: str, change: Callable[[str], str]) -> str:
    """Change what an answer says and not its code: texts in JSON one by one, text outside fences, lines.

    >>> change_text("a\\n```\\na\\n```\\na", lambda text: text.replace("a", "b"))
    'b\\n```\\na\\n```\\nb'
    """
    if _is_json(answer):
        return _change_literals(answer, change)
    if change(answer) == answer:
        return answer
    parts, end = [], 0
    for low, high in _code(answer):
        parts += [change(answer[end:low]) if answer[end:low].strip() else answer[end:low], answer[low:high]]
        end = high
    rest = answer[end:]
    return "".join([*parts, change(rest) if rest.strip() else rest])


def _at_edge(answer: str, kind: Kind, position: Position) -> Place | str:
    low, high = _body(answer)
    body, first = answer[low:high], position == "prefix"
    if kind == "json" and parse(body).units:
        return _in_json(body, first=first).moved(low)
    if _is_json(body):
        return "holds JSON"
    if not first and _RESULT.match(body.rpartition("\n")[2]):
        return "only a result"
    fence = _FENCE.match(body)
    if kind == "code_fence" and fence:
        inside = _at_edge(fence.group(1), kind_of(fence.group(1)), position)
        return inside if isinstance(inside, str) else inside.moved(low + fence.start(1))
    if kind == "code" and not _ends_in_text_or_fence(body, first=first):
        return "holds code"
    joint = {"prose": " ", "sentences": "\n"}.get(kind, "\n\n")
    return Place(low, after=joint) if first else Place(high, before=joint)


def _body(answer: str) -> tuple[int, int]:
    """Where the answer begins and ends, without white space and without a last line `#### 72`."""
    low = len(answer) - len(answer.lstrip())
    return low, low + len(split_final(answer.strip())[0])


def _in_json(body: str, *, first: bool) -> Place:
    """Beside the first or last text of `{"answer": ...}` or of a list: a text of its own in a list."""
    value = re.compile(r'\s*(\[?)\s*"').match(body, body.index(":") + 1 if body[0] == "{" else 0)
    listed = value is not None and bool(value.group(1))
    opening, closing = value.end() if value else 0, body.rindex('"')
    if listed:
        return Place(opening - 1, '"', '", ', True) if first else Place(closing + 1, ', "', '"', True)
    return Place(opening, after=" ", in_json=True) if first else Place(closing, before=" ", in_json=True)


def _is_json(text: str) -> bool:
    body = text.strip()
    if body[:1] not in ("{", "[") or body[-1:] not in ("}", "]"):
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _ends_in_text_or_fence(body: str, *, first: bool) -> bool:
    """Whether a mixed answer opens (or ends) with text or with a whole fenced block, not with bare code."""
    spans = _fenced(body)
    if not spans or not _closed(body, spans[-1]):
        return False
    beside = body[: spans[0][0]] if first else body[spans[-1][1] :]
    return not beside.strip() or kind_of(beside) != "code"


def _fenced(text: str) -> list[tuple[int, int]]:
    """Where fenced blocks begin and end, without the line ends around them; the last may not be closed."""
    spans, opened = [], -1
    for low, line in _lines(text):
        if not _FENCE_LINE.match(line):
            continue
        if opened < 0:
            opened = low
        else:
            spans.append((opened, low + len(line)))
            opened = -1
    return [*spans, (opened, len(text))] if opened >= 0 else spans


def _closed(text: str, span: tuple[int, int]) -> bool:
    last = text[span[0] : span[1]].rstrip().rpartition("\n")
    return bool(last[1]) and bool(_FENCE_LINE.match(last[2]))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.split("\n"):
        yield at, line
        at += len(line) + 1


def _inline(answer: str, kind: Kind, rng: np.random.Generator) -> Place | str:
    if kind in _INSIDE or _is_json(answer):
        return _INSIDE.get(kind, "holds JSON")
    if kind == "code" and not _fenced(answer):
        return "holds code"
    _, high = _body(answer)
    places = list(_between_sentences(answer[:high], own_lines=kind == "sentences"))
    if not places:
        return "one sentence" if len(parse(answer).units) == 1 else "no place between sentences"
    place = places[int(rng.integers(len(places)))]
    return Place(place[0], before=place[1])


def _between_sentences(text: str, *, own_lines: bool) -> Iterator[tuple[int, str]]:
    """Ends of sentences that another one follows in the same part of text, with what joins a new one to them."""
    spans, end = [], 0
    for low, high in [*_fenced(text), (len(text), len(text))]:
        spans.append((end, low))
        end = high
    for low, high in spans:
        if kind_of(text[low:high]) not in ("code", "table", "inline_list", "json", "code_fence"):
            yield from ((at + low, joint) for at, joint in _between_in_part(text[low:high], own_lines))


def _between_in_part(part: str, own_lines: bool) -> Iterator[tuple[int, str]]:
    waiting = -1  # the end of a whole sentence that closed the line before
    in_item = False
    for at, line in _lines(part):
        if not line.strip():
            continue
        in_item = bool(_ITEM_LINE.match(line)) or in_item and not _after_blank(part, at, line)
        if in_item or _NO_TEXT_LINE.match(line):
            waiting = -1
            continue
        if waiting >= 0:
            yield waiting, "\n" if own_lines else " "
        if not _MARK.search(line):
            waiting = -1
            continue
        ends = list(_ends(line))
        whole = [_SENTENCE_END.search(line[max(0, end - 8) : end]) is not None for end in ends]
        yield from ((at + end, " ") for end, ended in zip(ends[:-1], whole, strict=False) if ended)
        waiting = at + ends[-1] if whole and whole[-1] else -1


def _after_blank(part: str, at: int, line: str) -> bool:
    """Whether a line is a new paragraph and no longer part of the list item above it."""
    return part[max(0, at - 2) : at] == "\n\n" and not line[:1].isspace()


def _ends(line: str) -> Iterator[int]:
    at = 0
    for sentence in sentences(line):
        at = line.index(sentence, at) + len(sentence)
        yield at


def _change_literals(answer: str, change: Callable[[str], str]) -> str:
    """Change every text in JSON; one of which nothing is left goes with its comma, unless it is the only one."""
    made, end = "", 0
    for literal in _LITERAL.finditer(answer):
        said = json.loads(literal.group(1))
        after = said if literal.group(2) else change(said)
        if after == said:
            continue
        made, end, at = made + answer[end : literal.start()], literal.end(), literal.end()
        comma = _COMMA.match(answer, at)
        if after.strip():
            made += json.dumps(after, ensure_ascii=False)
        elif comma:
            end = comma.end()
        elif made.rstrip().endswith(","):
            made = made.rstrip()[:-1]
        else:
            made += literal.group()
    return made + answer[end:]


def _code(answer: str) -> list[tuple[int, int]]:
    """Where the code of an answer is; the marks around a fence of text count as code."""
    fence = _FENCE.match(answer.strip())
    low = len(answer) - len(answer.lstrip())
    if fence and kind_of(answer) == "code_fence":
        return [(0, low + fence.start(1)), (low + fence.end(1), len(answer))]
    if spans := _fenced(answer):
        return spans
    if kind_of(answer) != "code":
        return []
    return [(at, at + len(line)) for at, line in _lines(answer) if kind_of(line) == "code"]
