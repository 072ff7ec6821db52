"""Split English text into sentences, by rules.

A wrong split changes an answer's structure, so in doubt two sentences stay together. Other scripts
without spaces between sentences stay whole.
"""

from __future__ import annotations

import re


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# A run of marks is tried from its first one only: from each of them, a long run would take quadratic time.
_CANDIDATE = re.compile(r"(?<![.!?\u2026])[.!?\u2026]+[\"'\u201d\u2019)\]*]*(?=\s+\S)")
_BEFORE_LAST_WORD = re.compile(r".*[\s(\[\"\u201c\u2018']", re.DOTALL)
# Shielded: what may hold a full stop that ends nothing.
_SHIELDED = re.compile(
    r"`[^`\n]+`|\"[^\"\n]{1,300}\"|\u201c[^\u201d\n]{1,300}\u201d|\([^()\n]{1,300}\)|\[[^\[\]\n]{1,300}\]"
)
_NEVER_LAST = _words(
    "mr mrs ms dr prof st rev gen col capt lt sgt sen rep gov pres hon mt ft messrs mme fr "
    "e.g i.e eg ie cf vs viz approx ca fig figs eq eqs sec ch vol pp ed eds al "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_SELDOM_LAST = _words(
    "etc inc ltd co corp jr sr dept est univ assn bros ave blvd rd u.s u.k u.n e.u d.c u.s.a "
    "a.m p.m ph.d m.d b.a m.a b.sc m.sc b.c a.d b.c.e c.e"
)
_SEEN = 80  # characters looked at on either side of a mark; more would make long lines quadratic
_BEFORE_NUMBER = frozenset(("no", "nos", "p", "art", "par", "max", "min"))
_TOLD_BY_LIST = _NEVER_LAST | _SELDOM_LAST | _BEFORE_NUMBER
# Words that open a sentence and hardly ever follow an abbreviation inside one.
_OPENERS = _words(
    "the a an it he she they we you i this that these those there here in on at for from to with by "
    "as if when while after before however but and so then also finally first next his her its their "
    "our my your some many most one another each what why how who where no yes please"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space around them; none are empty.

    >>> sentences("Dr. Lee paid $3.50, e.g. for tea. J. R. Smith did not! See https://a.org/x.html. Done")
    ['Dr. Lee paid $3.50, e.g. for tea.', 'J. R. Smith did not!', 'See https://a.org/x.html.', 'Done']
    >>> sentences('He said "Stop. Go back." Then he left.')
    ['He said "Stop. Go back."', 'Then he left.']
    """
    shields = _SHIELDED.finditer(text)
    shield = next(shields, None)
    found, start = [], 0
    for match in _CANDIDATE.finditer(text):
        low, high = match.span()
        while shield and shield.end() <= low:
            shield = next(shields, None)
        if shield and shield.start() <= low and high < shield.end():
            continue
        if _plainly_ends(text, start, low, high) or _ends(text, start, low, high):
            found.append(text[start:high].strip())
            start = high
    rest = text[start:].strip()
    return [*found, rest] if rest else found


def _plainly_ends(text: str, start: int, low: int, high: int) -> bool:
    """The usual case, told without patterns: a full stop between a word in no list and a capital letter."""
    if text[high] != " " or not text[high + 1].isupper():
        return False
    if text[low] != "." or text[low + 1] == ".":
        return True
    window = max(start, high - _SEEN)
    word = text[max(window, text.rfind(" ", window, low) + 1) : low]
    return len(word) > 1 and word.isalpha() and word.lower() not in _TOLD_BY_LIST


def _ends(text: str, start: int, low: int, high: int) -> bool:
    """Whether a sentence ends at this mark, by its last word and by what follows."""
    following = text[high : high + _SEEN].lstrip()
    opening = following.lstrip("\"'\u201c\u2018([*_`")[:1] or following[:1]
    if opening.islower():
        return False
    if text[low] != "." or text[low + 1] == ".":
        return True
    body = text[max(start, high - _SEEN) : low]
    before = _BEFORE_LAST_WORD.match(body)
    word = body[before.end() :] if before else body
    if _is_initial(word) or _is_list_number(body, word):
        return False
    return _is_last(word.lower(), following)


def _is_last(word: str, following: str) -> bool:
    if word in _NEVER_LAST:
        return False
    if word in _BEFORE_NUMBER:
        return not following[:1].isdigit()
    if word in _SELDOM_LAST:
        opener = re.match(r"[A-Za-z]+", following)
        return bool(opener) and opener.group().lower() in _OPENERS if opener else False
    return True


def _is_initial(word: str) -> bool:
    """`J.` is a name cut short; `I.` is a word."""
    return len(word) == 1 and word.isalpha() and word.isupper() and word != "I"


def _is_list_number(body: str, word: str) -> bool:
    """`1.` that opens a sentence or follows a colon numbers what comes next."""
    if not (word.isdigit() and len(word) <= 3):
        return False
    before = body[: len(body) - len(word)].rstrip()
    return not before or before[-1] in ":;,"
