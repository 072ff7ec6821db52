"""List: the answer is a list of marked items, or holds one."""

from __future__ import annotations

import re

from aftertune.data.detectors.base import Detector, Found, Seen

_ITEM = re.compile(
    r"[ \t]{0,8}(?:\(?\d{1,3}(?:[.):]|\s?-)|[-*+\u2022\u2013\u25aa\u2023\u25e6\u25cf\u00b7]|\(?[a-zA-Z][.)]"
    r"|\(?[ivx]{1,4}\))[ \t]+(?=\S)"
)
_MARKS = frozenset("0123456789-*+\u2022\u2013\u25aa\u2023\u25e6\u25cf\u00b7( \t")


def find(seen: Seen) -> tuple[Found, ...]:
    """Whether at least half of the lines are items, or fewer; the evidence is the first item.

    >>> from aftertune.records import Row, Turn
    >>> def found(text): return find(Seen(Row("1", (Turn("assistant", text),))))
    >>> found("Trees:\\n- Oak\\n- Ash")
    (Found(label='list', evidence='- Oak'),)
    >>> found("One thing:\\n- milk")
    ()
    """
    if seen.parsed.kind == "inline_list":
        return (Found("list"),)
    if "\n" not in seen.said:
        return ()
    n_lines, n_items, within, item = _counted(seen.said)
    if n_items < 2:
        return ()
    return (Found("list" if 2 * (n_items + within) >= n_lines else "list_inside", item),)


def item_share(seen: Seen) -> float:
    """The share of the answer's lines that are items or belong to one; 0 with fewer than two items.

    >>> from aftertune.records import Row, Turn
    >>> item_share(Seen(Row("1", (Turn("assistant", "Trees:\\n- Oak\\n- Ash\\nThat is all."),))))
    0.5
    """
    if seen.parsed.kind == "inline_list":
        return 1.0
    n_lines, n_items, within, _ = _counted(seen.said) if "\n" in seen.said else (0, 0, 0, "")
    return (n_items + within) / n_lines if n_items > 1 else 0.0


def _counted(text: str) -> tuple[int, int, int, str]:
    """Lines that are not blank, items, indented lines that belong to one, and the first item; code is left out."""
    n_lines = n_items = within = 0
    item, in_item, in_code = "", False, False
    for line in text.split("\n"):
        if line.startswith(("```", "~~~")):
            in_code = not in_code
        bare = line.strip()
        if not bare:
            continue
        n_lines += 1
        if not in_code and _is_item(line):
            n_items += 1
            item, in_item = item or bare, True
        else:
            in_item = in_item and line[0] in " \t"
            within += in_item
    return n_lines, n_items, within, item


def _is_item(line: str) -> bool:
    if line[0] in _MARKS or line[1:2] in (".", ")") or line[1:3] in ("i)", "v)", "x)"):
        return _ITEM.match(line) is not None
    return False


DETECTOR = Detector(
    version="1",
    about="Is the answer a list of marked items, or does it hold one?",
    labels=("list", "list_inside"),
    find=find,
    limits="Lists without marks, such as names separated by commas, are none; a dialogue whose lines open with a dash "
    "is taken for one.",
)
