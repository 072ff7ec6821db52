"""Small changes to a prompt: letter case, punctuation, spaces, typing errors. Each keeps it readable.

A prompt is taken apart at white space. Only plain words are ever changed: letters of the Latin alphabet, with marks of
punctuation around them. Anything with a digit or another sign in it stays, and so does code: fenced blocks, spans in
backticks, indented lines. An edit that finds nothing to change gives the prompt back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

Edit = Literal["case", "punctuation", "whitespace", "typos"]

_TYPOS = 0.1  # of the words that are long enough
_SPACES = 0.15  # of the places between words
_SHORTEST = 5  # letters of a word that may get a typing error

# Each alternative is bounded or ends at the first of its marks, so a text is read once.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,500}`|^(?: {4}|\t)[^\n]*", re.DOTALL | re.MULTILINE)
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_WORD = re.compile(
    rf"(?P<before>[(\"\u2018\u201c]{{0,2}})(?P<word>[{_LETTER}]{{1,40}}(?:['\u2019-][{_LETTER}]{{1,40}}){{0,3}})"
    r"(?P<after>[)\"\u2019\u201d.,;:!?]{0,3})"
)
_PIECES = re.compile(r"\s+|\S+")
_LONGEST = 200  # characters; a longer piece is no word


def case(text: str, rng: np.random.Generator) -> str:
    """All words in small letters, in capitals, or each with a capital; one of these that changes something.

    >>> case("make 2 cups", np.random.default_rng(0)) in ("MAKE 2 CUPS", "Make 2 Cups")
    True
    """
    return _first_change(text, [partial(_all, str.lower), partial(_all, str.upper), partial(_all, _capital)], rng)


def punctuation(text: str, rng: np.random.Generator) -> str:
    """The last mark left out or written twice, one added where there is none, or commas left out.

    >>> punctuation("Make tea", np.random.default_rng(0)) in ("Make tea.", "Make tea?")
    True
    """
    return _first_change(text, [_no_mark, _mark_twice, _without_commas, _full_stop, _question_mark], rng)


def whitespace(text: str, rng: np.random.Generator) -> str:
    """Some spaces between words written twice; a line break at the end where there are none.

    >>> whitespace("Make tea", np.random.default_rng(0))
    'Make  tea'
    """
    pieces = _pieces(text)
    places = [
        place
        for place in range(1, len(pieces) - 1)
        if pieces[place] == " " and _word(pieces[place - 1]) and _word(pieces[place + 1])
    ]
    if not places:
        return f"{text}\n" if pieces and _word(pieces[-1]) else text
    for place in _some(places, _SPACES, rng):
        pieces[place] = "  "
    return "".join(pieces)


def typos(text: str, rng: np.random.Generator) -> str:
    """In one of ten longer words two letters swapped, one left out or one doubled; first and last letters stay.

    >>> typos("explain", np.random.default_rng(0)) != "explain"
    True
    """
    pieces = _pieces(text)
    places = [place for place, piece in enumerate(pieces) if (word := _word(piece)) and _long(word["word"])]
    for place in _some(places, _TYPOS, rng):
        found = _word(pieces[place])
        assert found is not None, "chosen among words"
        pieces[place] = f"{found['before']}{_mistyped(found['word'], rng)}{found['after']}"
    return "".join(pieces)


EDITS: dict[Edit, Callable[[str, np.random.Generator], str]] = {
    "case": case,
    "punctuation": punctuation,
    "whitespace": whitespace,
    "typos": typos,
}

_Change = Callable[[list[str]], list[str]]


def _first_change(text: str, ways: list[_Change], rng: np.random.Generator) -> str:
    """The first of the ways, in an order drawn by chance, that changes the text."""
    pieces = _pieces(text)
    for place in rng.permutation(len(ways)):
        changed = "".join(ways[place](list(pieces)))
        if changed != text:
            return changed
    return text


def _pieces(text: str) -> list[str]:
    """White space, words and code spans in order; together they are the text."""
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [*_PIECES.findall(text[end : code.start()]), code.group()]
        end = code.end()
    return [*pieces, *_PIECES.findall(text[end:])]


def _word(piece: str) -> re.Match[str] | None:
    return _WORD.fullmatch(piece) if len(piece) <= _LONGEST else None


def _long(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and not word.isupper()


def _some(places: list[int], share: float, rng: np.random.Generator) -> list[int]:
    """That share of the places, at least one where there is any."""
    if not places:
        return []
    drawn = rng.random(len(places))
    return [place for place, value in zip(places, drawn, strict=True) if value < share] or [places[int(drawn.argmin())]]


def _all(way: Callable[[str], str], pieces: list[str]) -> list[str]:
    return [_recased(piece, way) for piece in pieces]


def _recased(piece: str, way: Callable[[str], str]) -> str:
    found = _word(piece)
    return f"{found['before']}{way(found['word'])}{found['after']}" if found else piece


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _last(pieces: list[str]) -> tuple[int, re.Match[str]] | None:
    """The last piece that is no space, if it is a word."""
    place = next((place for place in range(len(pieces) - 1, -1, -1) if not pieces[place].isspace()), None)
    found = None if place is None else _word(pieces[place])
    return None if place is None or found is None else (place, found)


def _at_the_end(pieces: list[str], marked: Callable[[str], str]) -> list[str]:
    last = _last(pieces)
    if last is None:
        return pieces
    place, found = last
    pieces[place] = f"{found['before']}{found['word']}{marked(found['after'])}"
    return pieces


def _no_mark(pieces: list[str]) -> list[str]:
    return _at_the_end(pieces, lambda after: "" if after in (".", "?", "!") else after)


def _mark_twice(pieces: list[str]) -> list[str]:
    return _at_the_end(pieces, lambda after: after * 2 if after in ("?", "!") else after)


def _full_stop(pieces: list[str]) -> list[str]:
    return _at_the_end(pieces, lambda after: after or ".")


def _question_mark(pieces: list[str]) -> list[str]:
    return _at_the_end(pieces, lambda after: after or "?")


def _without_commas(pieces: list[str]) -> list[str]:
    return [piece[:-1] if piece.endswith(",") and _word(piece) else piece for piece in pieces]


def _mistyped(word: str, rng: np.random.Generator) -> str:
    """A word with one typing error inside it; letters that are alike are not swapped."""
    inner = np.arange(1, len(word) - 1)
    place, kind = int(rng.choice(inner)), int(rng.integers(3))
    if kind == 0 and place + 1 < len(word) - 1 and word[place] != word[place + 1]:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place] + word[place:]
