"""Numbers and foreign text as the report prints them.

Nothing here knows HTML: escaping is the template's work. `clean` only takes away what escaping cannot:
characters that act on a terminal or reorder a line without being seen.
"""

from __future__ import annotations

import math
import unicodedata

NA = "n/a"
MINUS = "\u2212"
_KEEP = {"\n", "\t"}
_LINE_SEPARATORS = {"\u2028", "\u2029"}
# Categories that print nothing: control, format (bidi, zero width, tags), surrogate, private use, unassigned.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Format characters that ordinary text needs: soft hyphen, the joiners of Indic and Arabic scripts and emoji.
_HARMLESS = {"\u00ad", "\u200c", "\u200d"}


def clean(text: str, limit: int | None = None) -> str:
    r"""Make characters visible that act without being seen; cut what is longer than `limit`.

    >>> clean("a\x1b[31mb\u202ec")
    'a␛[31mb⟨U+202E⟩c'
    >>> clean("x" * 12, limit=10)
    'xxxxxxxxxx… (2 more characters)'
    """
    more = 0 if limit is None else max(len(text) - limit, 0)
    kept = text[: len(text) - more]
    if not kept.isprintable():
        kept = "".join(map(_visible, kept.replace("\r\n", "\n")))
    return f"{kept}… ({more:,} more characters)" if more else kept


def points(change: float | None, *, sign: bool = True) -> str:
    """A fraction in percentage points, one decimal, with a true minus.

    >>> points(0.0723), points(-0.5), points(-0.0001), points(None)
    ('+7.2', '−50.0', '0.0', 'n/a')
    """
    if change is None or not math.isfinite(change):
        return NA
    shown = f"{abs(change) * 100:.1f}"
    if shown == "0.0":
        return shown
    return f"{MINUS if change < 0 else '+' if sign else ''}{shown}"


def percent(share: float | None) -> str:
    """A share with one decimal.

    >>> percent(0.1234), percent(None)
    ('12.3\\u202f%', 'n/a')
    """
    return NA if share is None or not math.isfinite(share) else f"{points(share, sign=False)}\u202f%"


def level_words(level: float | None) -> str:
    """A confidence level without needless decimals.

    >>> level_words(0.95), level_words(0.999), level_words(None)
    ('95\\u202f%', '99.9\\u202f%', '')
    """
    return "" if level is None else f"{level * 100:.4g}\u202f%"


def p_words(p: float | None) -> str:
    """A p-value as it should be read, not as it was computed.

    >>> p_words(0.0123), p_words(1e-12), p_words(None)
    ('= 0.012', '< 0.001', 'n/a')
    """
    if p is None:
        return NA
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def chance(probability: float | None) -> str:
    """A probability with two decimals, never rounded to certainty.

    >>> chance(0.857), chance(0.999), chance(0.0)
    ('0.86', 'above 0.99', 'below 0.01')
    """
    if probability is None:
        return NA
    return "above 0.99" if probability > 0.99 else "below 0.01" if probability < 0.01 else f"{probability:.2f}"


def count(n: float | None, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> count(1, "training seed"), count(1200, "item"), count(None, "item")
    ('1 training seed', '1,200 items', 'items: n/a')
    """
    many = plural or f"{noun}s"
    return f"{many}: {NA}" if n is None else f"{n:,.0f} {noun if n == 1 else many}"


def listing(names: list[str]) -> str:
    """Names as a phrase.

    >>> listing(["a", "b", "c"]), listing(["a"])
    ('a, b and c', 'a')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _visible(character: str) -> str:
    if character in _KEEP or character in _HARMLESS:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character in _LINE_SEPARATORS or unicodedata.category(character) in _INVISIBLE:
        return f"⟨U+{code:04X}⟩"
    return character
