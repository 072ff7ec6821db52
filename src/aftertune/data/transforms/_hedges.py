"""Words that say how sure an answer is, or that it declines: counted before and after a rewriting."""

from __future__ import annotations

import re

_HEDGES = re.compile(
    r"\b(?:may|might|could|perhaps|maybe|possibly|probably|likely|unlikely|presumably|apparently|arguably|"
    r"seems?|seemed|appears?|appeared|suggests?|suggested|tends? to|generally|usually|often|sometimes|typically|"
    r"roughly|approximately|around(?= \d)|in general|in most cases|in some cases|in my opinion|"
    r"i think|i believe|i guess|i suppose|i assume|it depends|depends on|not sure|not certain|uncertain|unclear|"
    r"as far as i know|to some extent|more or less|"
    r"sorry|apologi[sz]e|unfortunately|cannot|can['\u2019]t|unable to|not able to|won['\u2019]t|i must decline|"
    r"not appropriate|please consult|seek (?:professional|medical|legal))\b",
    re.IGNORECASE,
)


def count_hedges(text: str) -> int:
    """How often an answer hedges or declines, by a list of English words and phrases.

    >>> count_hedges("It may rain, I think. I'm sorry, but I can't say."), count_hedges("Boil water.")
    (4, 0)
    """
    return sum(1 for _ in _HEDGES.finditer(text))
