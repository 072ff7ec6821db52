"""Words that can be left out of a sentence without changing what it says: openings that only join, intensifiers.

The two lists are all that may ever be left out. They are a choice of the listing conjuncts and the amplifiers of
Quirk et al. 1985, "A Comprehensive Grammar of the English Language" (Longman), chapter 8.
"""

from __future__ import annotations

import re


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


OPENINGS = _words(
    "additionally also besides finally first firstly furthermore indeed lastly moreover next overall second "
    "secondly then third thirdly"
)
INTENSIFIERS = _words("absolutely extremely highly incredibly really totally truly very")
SPARE = frozenset((*(f"{word}," for word in OPENINGS), *INTENSIFIERS))

_OPENING = re.compile(r"([A-Z][a-z]+), +(?=\S)")
_INTENSIFIER = re.compile(rf"(?<=[\w,;] )(?:{'|'.join(sorted(INTENSIFIERS))}) (?=([a-z]{{3,}})\b)")
# After these, or before those, the word is no mere intensifier, or what is left would be wrong English.
_AFTER = _words("not never no isn't aren't wasn't weren't don't doesn't didn't can't won't an the this that his her")
_BEFORE = _words("much many few little same first last well own best least most end beginning idea nature")
_VOWELS = frozenset("aeiouh")
_STOP = re.compile(r"[\w)\]\"'\u2019\u201d]\.\Z")
_SHORT_FORM = re.compile(r"(?:\.\w{1,4}|\b(?:etc|inc|ltd|co|corp|jr|sr|st|al|no|vs|approx|[A-Z]))\.\Z", re.IGNORECASE)
_SEEN = 40  # characters looked at before a word


def without_opening(unit: str) -> str:
    """A unit without the joining word it opens with, if there is one.

    >>> without_opening("Additionally, you can add milk."), without_opening("However, it is hot.")
    ('You can add milk.', 'However, it is hot.')
    """
    found = _OPENING.match(unit)
    if not found or found.group(1).lower() not in OPENINGS:
        return unit
    rest = unit[found.end() :]
    return rest[0].upper() + rest[1:]


def without_intensifiers(unit: str, most: int) -> tuple[str, int]:
    """A unit without its last intensifiers, and how many were left out; units with code in them keep theirs.

    Args:
        unit: A sentence or list item.
        most: The most that may be left out.

    >>> without_intensifiers("It is very hot and really sweet, not very sour.", 5)
    ('It is hot and sweet, not very sour.', 2)
    """
    found = [] if "`" in unit else [match.span() for match in _INTENSIFIER.finditer(unit) if _is_spare(match)]
    taken = found[len(found) - min(most, len(found)) :]
    starts, ends = [0, *(high for _, high in taken)], [*(low for low, _ in taken), len(unit)]
    return "".join(unit[low:high] for low, high in zip(starts, ends, strict=True)), len(taken)


def _is_spare(found: re.Match[str]) -> bool:
    low, after = found.start(), found.group(1)
    before = found.string[max(0, low - _SEEN) : low].split()[-1].lower().replace("\u2019", "'")
    return before not in _AFTER and after not in _BEFORE and not (before == "a" and after[0] in _VOWELS)


def without_stops(units: tuple[str, ...], most: int) -> tuple[tuple[str, ...], int]:
    """Units without the full stops at their ends, the last ones first, and how many were left out.

    A list's items are as often written without; a stop that belongs to an abbreviation stays.

    Args:
        units: Items of a list.
        most: The most that may be left out.

    >>> without_stops(("Cut bread, ham, etc.", "Boil it.", "Stir."), 5)
    (('Cut bread, ham, etc.', 'Boil it', 'Stir'), 2)
    """
    fewer, left_out = list(units), 0
    for place in range(len(units) - 1, -1, -1):
        if left_out < most and _STOP.search(units[place]) and not _SHORT_FORM.search(units[place]):
            fewer[place] = units[place][:-1]
            left_out += 1
    return tuple(fewer), left_out
