"""Whether a rewritten answer still says what it said: its numbers, code, words and hedges, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aftertune.data.text.content import code_spans, content

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# Words that say little by themselves, and so count neither way.
_FUNCTION = frozenset(
    """
    a an the and or but so if then than as at by for from in into of off on onto out over to up with without
    i you he she it we they me him her us them my your his its our their mine yours this that these those
    is am are was were be been being do does did done has have had having will would shall should can could
    may might must not no nor there here what which who whom whose when where why how all any both each some
    such only own too very just also about after again before between during once under while
    """.split()  # noqa: SIM905
)


def numbers(text: str) -> tuple[str, ...]:
    """The numbers of an answer in order, without those that number a list.

    >>> numbers("1. Add 2.5 g.\\n2. Wait 3 min.")
    ('2.5', '3')
    """
    return tuple(number for word in content(text) for number in _NUMBER.findall(word))


def content_words(text: str) -> list[str]:
    """The words of an answer that say something, in lower case, in order.

    >>> content_words("- **Boil** the water.\\n- It is hot.")
    ['boil', 'water', 'hot']
    """
    words = (word for part in content(text) for word in _WORD.findall(part.lower()))
    return [word for word in words if word not in _FUNCTION]


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two lists have in common in the same order: their longest common subsequence.

    Source: Hyyro 2004, "Bit-parallel LCS-length computation revisited" (AWOCA): one row of the table at a time,
    as the bits of a whole number.

    >>> common("boil water add tea".split(), "water boil then add tea".split())
    3
    """
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(one)) - 1
    unmatched = full
    for word in other:
        met = unmatched & places.get(word, 0)
        unmatched = ((unmatched + met) | (unmatched - met)) & full
    return (full & ~unmatched).bit_count()


def what_is_lost(before: str, after: str, keep_words: float) -> str:
    """Why a rewritten answer does not say the same; empty when it does.

    Args:
        before: The answer.
        after: The rewritten answer.
        keep_words: The share of content words of the one that must be in the other, in order; both ways.

    >>> what_is_lost("Add 2 g of tea.", "Add 3 g of tea.", 0.6)
    'numbers not kept'
    """
    if numbers(before) != numbers(after):
        return "numbers not kept"
    if code_spans(before) != code_spans(after):
        return "code not kept"
    old, new = content_words(before), content_words(after)
    fewest, most = keep_words * len(old), keep_words * len(new)
    if len(new) < fewest:
        return "too few words kept"
    if len(old) < most:
        return "too many words added"
    shared = common(old, new)
    if shared < fewest:
        return "too few words kept"
    return "too many words added" if shared < most else ""
