"""What transforms changed, as text for reading: row by row, lines taken out and put in."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from aftertune.data.build import Difference
from aftertune.records import Turn

_LONGEST = 5_000  # characters of a turn that are compared; a longer one is cut, and the rest counted
_WIDEST = 2_000  # characters of a line that are shown
_MOST_LINES = 300  # what follows is one line; comparing takes the square of their number at worst


def diff_text(diff: Sequence[Difference], places: Mapping[str, str], n_rows: int = 1000) -> str:
    r"""Rows that changed, in the order given.

    Each begins with its id and its place in the file, and shows the turns that changed as a unified diff.
    Characters that would act on a terminal are shown as escapes.

    Args:
        diff: The rows.
        places: Where rows stand in the file they were read from, by id.
        n_rows: How many to show; the rest is counted.

    >>> row = Difference("7", (Turn("user", "a"), Turn("assistant", "b")), (Turn("user", "a"), Turn("assistant", "c")))
    >>> print(diff_text([row], {"7": "line 8"}), end="")
    === row 7, line 8: changed
    --- assistant
    +++ assistant
    @@ -1 +1 @@
    -b
    +c
    """
    lines = [line for found in diff[:n_rows] for line in _row(found, places.get(found.id, ""))]
    if len(diff) > n_rows:
        lines.append(f"=== and {len(diff) - n_rows:,} more rows")
    return "".join(f"{line}\n" for line in lines)


def visible(text: str) -> str:
    r"""A text on one line, with characters that would act on a terminal as escapes; tabs stay.

    >>> visible("a\x1b[31mb\u202ec\r")
    'a\\x1b[31mb\\u202ec\\r'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode() for one in text)


def _row(found: Difference, place: str) -> Iterator[str]:
    what = "added" if not found.before else "taken out" if not found.after else "changed"
    name = f"row {visible(found.id)}"
    yield f"=== {name}{f', {place}' if place not in ('', name) else ''}: {what}"
    for before, after in _turns(found.before, found.after):
        if before != after:
            yield from _changed(before, after)


def _turns(before: Sequence[Turn], after: Sequence[Turn]) -> Iterator[tuple[Turn | None, Turn | None]]:
    """Turns side by side: system turns with each other, the others from the end, where transforms work."""
    old, new = list(before), list(after)
    heads = [turns.pop(0) if turns and turns[0].role == "system" else None for turns in (old, new)]
    yield heads[0], heads[1]
    yield from reversed(list(zip_longest(reversed(old), reversed(new))))


def _changed(before: Turn | None, after: Turn | None) -> Iterator[str]:
    old, new = _lines(before), _lines(after)
    names = (before.role if before else "nothing", after.role if after else "nothing")
    yield from difflib.unified_diff(old, new, *names, n=2, lineterm="")


def _lines(turn: Turn | None) -> list[str]:
    if turn is None:
        return []
    text, left = turn.content[:_LONGEST], len(turn.content) - _LONGEST
    lines = [_shown(line) for line in text.split("\n", _MOST_LINES)]
    return [*lines, f"... and {left:,} more characters"] if left > 0 else lines


def _shown(line: str) -> str:
    cut = len(line) - _WIDEST
    return visible(line[:_WIDEST]) + (f" ... and {cut:,} more characters" if cut > 0 else "")
