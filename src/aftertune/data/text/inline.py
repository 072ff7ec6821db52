"""Lists written into one line: `1) milk, 2) tea`. Recognise them, and take apart those that leave no doubt."""

from __future__ import annotations

import re

from aftertune.data.text.markers import marker
from aftertune.data.text.sentences import sentences

_LOOKS_LIKE_ONE = re.compile(r"(?:^|[ \t:])1(?:\.[ \t]+|\)[ \t]*)\S.{0,300}[ \t]2(?:\.[ \t]+|\)[ \t]*)\S", re.MULTILINE)
_NUMBER = re.compile(r"(?:^|(?<=[ \t]))(\d{1,2})([.)])[ \t]+(?=\S)")
_CLOSERS = "\"'\u201d\u2019)]*_"
_LEAD_ENDS = frozenset(".:!?;")
_ITEM_ENDS = frozenset(".:!?;,")
_MOST = 50  # items; more are no list that somebody wrote


def looks_like_inline_list(body: str) -> bool:
    """Whether a line numbers things within itself.

    >>> looks_like_inline_list("Buy 1) milk, 2) tea."), looks_like_inline_list("It is 1.5 x 2. Yes.")
    (True, False)
    """
    if "2." not in body and "2)" not in body or "1." not in body and "1)" not in body:
        return False
    return _LOOKS_LIKE_ONE.search(body) is not None


def inline_units(lines: list[str]) -> tuple[str, ...]:
    """What introduces a list in one line, its items, and what follows; empty when they cannot be told apart safely.

    They can when exactly one line holds numbers of one kind, 1 to n in order and no others, after nothing or a
    finished clause, and each item is finished by a mark or, where none is, all open with a capital letter. An item
    keeps its sentences; the last one keeps only its first when all others have one.

    >>> inline_units(["Buy this: 1) milk, 2) black tea. Be quick."])
    ('Buy this:', 'milk,', 'black tea.', 'Be quick.')
    >>> inline_units(["In Phase 1. we test, in Phase 2. we ship."])
    ()
    """
    numbered = [place for place, line in enumerate(lines) if len(_NUMBER.findall(line)) > 1]
    if len(numbered) != 1 or any(marker(line) for place, line in enumerate(lines) if place != numbered[0]):
        return ()
    parts = _parts(lines[numbered[0]])
    if not parts:
        return ()
    before = [unit for line in lines[: numbered[0]] for unit in sentences(line)]
    after = [unit for line in lines[numbered[0] + 1 :] for unit in sentences(line)]
    return (*before, *parts, *after)


def _parts(line: str) -> list[str]:
    """The sentences before the list and its items, or nothing."""
    found = list(_NUMBER.finditer(line))
    in_order = [int(match.group(1)) for match in found] == list(range(1, len(found) + 1))
    if not in_order or len(found) > _MOST or len({match.group(2) for match in found}) > 1:
        return []
    lead = line[: found[0].start()].strip()
    ends = [match.start() for match in found[1:]] + [len(line)]
    items = [line[match.end() : end].strip() for match, end in zip(found, ends, strict=True)]
    if lead and not _ends_in(lead, _LEAD_ENDS) or not _told_apart(items):
        return []
    *others, last = (sentences(item) for item in items)
    tail = last if all(len(item) == 1 for item in others) else [items[-1]]
    return [*sentences(lead), *items[:-1], *tail]


def _told_apart(items: list[str]) -> bool:
    if all(_ends_in(_without_and(item), _ITEM_ENDS) for item in items[:-1]):
        return True
    two = len(items) == 2 and _ends_in(items[-1], _LEAD_ENDS)  # "1. Diabetes Type 2. It is common."
    return all(item[0].isupper() for item in items) and not two


def _without_and(item: str) -> str:
    return item.removesuffix(" and").removesuffix(" or")


def _ends_in(text: str, marks: frozenset[str]) -> bool:
    return text.rstrip(_CLOSERS)[-1:] in marks
