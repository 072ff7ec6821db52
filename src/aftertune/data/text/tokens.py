"""The length of a text in tokens: words and punctuation marks.

It stands in for a tokenizer, which data does not know; models count more, in proportion for ordinary English.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\w+|[^\w\s]")
TOLERANCE = 0.02


def count(text: str) -> int:
    """How many words and punctuation marks a text has; each mark counts, markers of structure too.

    >>> count("1. It's 2.5 cups."), count("")
    (10, 0)
    """
    return sum(1 for _ in _TOKEN.finditer(text))


def within(n: int, target: int) -> bool:
    """Whether a length is within 2 % of another.

    >>> within(51, 50), within(50, 49)
    (True, False)
    """
    return abs(n - target) <= TOLERANCE * target
