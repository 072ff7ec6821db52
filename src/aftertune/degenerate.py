"""Whether a response is degenerate: empty, no text, a loop, the prompt over again.

Rules on the text alone, made to be right when they say so: what they do not see (fluent nonsense, shuffled words)
passes. A text is looked at up to `LOOKED_AT` characters; every rule takes time in proportion to that.
"""

from __future__ import annotations

import re

LOOKED_AT = 20_000

_RUN_LENGTH = 40  # characters: the longest word that is not looked at for runs
_LOOP_LENGTH = 55  # characters that a loop at the end must fill, when it is most of the text
_LONG_LOOP = (6, 200)  # repeats and characters of a loop at the end of any text
_TAIL = 24  # characters at the end that must have been there before
_GRAM = 4
_MIN_UNITS = 40  # words, for a share of repeated phrases to mean anything
_NEW_PHRASES = 0.25  # below this share of phrases that are not repeats, the text goes in circles
_SAME_LINES = (5, 2 / 3)  # times a line stands there, and its share of the lines
_NO_LETTERS = 0.1  # share of letters and digits below which a long text is none
_BROKEN = 0.1  # share of characters that stand for no character
_COPY_WORDS = 4  # words of a prompt that can be copied
_REST = 0.1  # share of a copying response that may be something else

_LETTERS = re.compile(r"[^\W_]+")
_RUN = re.compile(r"([^\W_])\1{39}")
_RULED = re.compile(r"([^\w\s])\1+")
_MARKS = bytes(byte for byte in range(128) if not chr(byte).isalnum())
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff\ue000-\uf8ff]+")


def fault(prompt: str, response: str, *, cut_off: bool = False) -> str:
    """Why a response is degenerate; empty when it is not.

    Args:
        prompt: What was asked, to tell copies.
        response: What was answered.
        cut_off: Whether the cap on new tokens ended it. That alone is no fault.

    >>> fault("Who are you?", "An assistant, at your service.")
    ''
    >>> fault("Who are you?", " ")
    'empty'
    >>> fault("Who are you?", "I am a model. " * 9)
    'repeats: its end says the same 9 times'
    >>> fault("Tell me about the old oak tree.", "tell me about the old oak tree")
    'copies the prompt'
    """
    text = response[:LOOKED_AT].strip()
    if not text:
        return "empty"
    return _no_text(text) or _loops(text) or _goes_in_circles(text) or _copies(prompt, text, cut_off=cut_off)


def _no_text(text: str) -> str:
    broken = sum(map(len, _CONTROLS.findall(text))) if not (text.isascii() and text.isprintable()) else 0
    if broken > _BROKEN * len(text):
        return f"no text: {broken} of {len(text)} characters stand for none"
    if len(text) >= _MIN_UNITS:
        letters = _n_letters(text)
        if letters < _NO_LETTERS * len(text):
            return _marks(text, letters)
    return ""


def _marks(text: str, letters: int) -> str:
    """Marks instead of words; a ruled line beside words counts once."""
    seen = "".join((_RULED.sub(r"\1", text) if letters else text).split())
    if letters >= _NO_LETTERS * len(seen) or len(seen) < _MIN_UNITS:
        return ""
    return f"no text: {letters} of {len(seen)} characters are letters or digits"


def _n_letters(text: str) -> int:
    if text.isascii():
        return len(text.encode("ascii").translate(None, _MARKS))
    return sum(map(len, _LETTERS.findall(text)))


def _loops(text: str) -> str:
    """A loop at the end, where loops of models are, or a run of one character anywhere."""
    period = _period(text)
    if period:
        looped = _looped(text, period)
        repeats = (looped + min(2, period - 1)) // period  # what stood between two repeats is gone at the end
        most = repeats >= 3 and looped >= max(_LOOP_LENGTH, len(text) / 2)
        long = repeats >= _LONG_LOOP[0] and looped >= _LONG_LOOP[1]
        if (most or long) and _n_letters(text[-period:]):
            return f"repeats: its end says the same {repeats} times"
    for word in text.split():
        if len(word) > _RUN_LENGTH and (run := _RUN.search(word)):
            return f"repeats: a run of the character {run[1]!r}"
    return ""


def _period(text: str) -> int:
    """How far before the end its last characters were there already; 0 when they were not."""
    tail = text[-_TAIL:]
    before = text.rfind(tail, 0, len(text) - 1)
    return len(text) - len(tail) - before if before >= 0 else 0


def _looped(text: str, period: int) -> int:
    """How many characters at the end are the same as those one period before, with that first period.

    >>> _looped("so: abcabcabc", 3)
    9
    """
    same, step = 0, len(text) - period
    while step:  # whole slices are compared, and halves of those that differ
        end = len(text) - same
        if end - step >= period and text[end - step : end] == text[end - step - period : end - period]:
            same += step
        else:
            step //= 2
    return same + period


def _goes_in_circles(text: str) -> str:
    """One line over and over, or hardly a phrase that is not a repeat."""
    lines = [line for raw in text.split("\n") if len(line := raw.strip()) > 2] if "\n" in text else []
    n_lines, kinds = len(lines), set(lines)
    if n_lines >= _SAME_LINES[0] and len(kinds) <= (1 - _SAME_LINES[1]) * n_lines + 1:
        line = max(sorted(kinds), key=lines.count) if len(kinds) < 100 else ""
        times = lines.count(line)
        if times >= max(_SAME_LINES[0], _SAME_LINES[1] * n_lines) and len(_LETTERS.findall(line)) > 2:
            return f"repeats: one line {times} times"
    units, gram = _units(text)
    if len(units) < _MIN_UNITS or len(set(units)) > _NEW_PHRASES * len(units) + gram:
        return ""
    phrases = list(zip(*(units[at:] for at in range(gram)), strict=False))
    share = len(set(phrases)) / len(phrases)
    return f"repeats: {100 * (1 - share):.0f} % of its phrases were there before" if share < _NEW_PHRASES else ""


def _units(text: str) -> tuple[list[str], int]:
    """Words, and how many make a phrase; characters for scripts without spaces."""
    words = text.lower().split()
    if len(text) < 15 * len(words):
        return words, _GRAM
    return list(_RULED.sub(r"\1", text)), 2 * _GRAM


def _copies(prompt: str, text: str, *, cut_off: bool) -> str:
    """The prompt once or more, and next to nothing else; or its start, where the response was cut off."""
    first = _LETTERS.search(prompt[:LOOKED_AT])
    if first is None or first[0].lower() not in text[: 2 * len(prompt)].lower():
        return ""  # most responses, at hardly any cost
    asked, said = _plain(prompt[:LOOKED_AT]), _plain(text)
    if asked.count(" ") + 1 < _COPY_WORDS:
        return ""
    rest = len(said.replace(asked, "").strip())
    if len(said) >= len(asked) and rest <= _REST * len(said):
        return "copies the prompt"
    starts = cut_off and asked.startswith(said) and said.count(" ") + 1 >= 2 * _COPY_WORDS
    return "copies the start of the prompt, where it was cut off" if starts else ""


def _plain(text: str) -> str:
    return " ".join(_LETTERS.findall(text.lower()))
