"""A text's letters and digits alone, in lower case: what is left when layout does not count."""

from __future__ import annotations

import re
import unicodedata

_NOT_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_MARKS = re.compile(
    "[\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"  # Latin-1 signs
    "\u02c2-\u02c5\u02d2-\u02df\u0589\u05be\u060c\u061b\u061f\u0640\u066a-\u066d\u06d4\u0964\u0965"
    "\u1680\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe00-\ufe6f\uff00-\uff0f"
    "\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+"
)
_PIECE = 1 << 16  # characters at once: an enormous text must not be copied whole several times


def letters(text: str) -> bytes:
    """The letters and digits of a text in lower case, as UTF-8; white space, punctuation and signs are dropped.

    Accents and vowel signs stay; wide and joined forms of letters become plain ones. Emoji and other pictures
    beyond the basic plane count as letters.

    >>> letters("Hello,  World 2!").decode()
    'helloworld2'
    >>> letters("\u00bfQu\u00e9?") == "qu\u00e9".encode()
    True
    """
    if len(text) <= _PIECE:
        return _letters(text)
    return b"".join(_letters(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def _letters(text: str) -> bytes:
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKC", text))
    return text.lower().encode("utf-8", "surrogatepass").translate(None, _NOT_LETTERS)
