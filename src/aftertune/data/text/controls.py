"""Controls of a change of structure: the same answer with one thing about the change held fixed, or that thing alone.

Each gets an answer and what became of it, and gives another text or the reason why there is none. Its own check of
content is apart from the making, as everywhere (`content`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from aftertune.data.text import hedges, tokens
from aftertune.data.text.content import same_but_for, same_content
from aftertune.data.text.filler import SHORTEST, filler
from aftertune.data.text.rendering import render
from aftertune.data.text.spare import SPARE, without_intensifiers, without_opening, without_stops
from aftertune.data.text.structure import JSON_KEY, Parsed, Structure, ends_sentence, kind_of, split_final

Control = Literal["none", "neutral_shuffle", "length_matched", "length_padded", "hedge_frozen"]
_LISTS = ("numbered_list", "bullets", "markdown")
CANNOT_MATCH = "length cannot be matched"
_GAP = re.compile(r"`[^`\n]+`|(\s+)")
_LINE_BREAK = re.compile(r"\n\s*")
_NO_LINE_START = re.compile(r"[-*+\u2022\u2013#|>`~]|\d{1,3}[.)]")
_DRAWS = 8  # places for line breaks are drawn again when they form a structure or are the old ones, this often
_CHOICES = 1000  # filler begins at one of so many places


@dataclass(frozen=True, slots=True)
class Change:
    """A change of structure that keeps the content.

    Attributes:
        before: The answer.
        parsed: The answer taken apart.
        to: The structure it gets.
        after: The answer in that structure.
    """

    before: str
    parsed: Parsed
    to: Structure
    after: str

    @property
    def enumerated(self) -> bool:
        """Whether the answer holds a list in one line."""
        return self.parsed.kind == "inline_list"


@dataclass(frozen=True, slots=True)
class Held:
    """What a control made: a text, or the reason why there is none."""

    text: str = ""
    reason: str = ""


def controlled(change: Change, control: Control, rng: np.random.Generator) -> Held:
    """Apply a control to a change of structure.

    >>> from aftertune.data.text.structure import parse
    >>> parsed = parse("Boil it. Add tea.")
    >>> change = Change("Boil it. Add tea.", parsed, "sentences", "Boil it.\\nAdd tea.")
    >>> controlled(change, "length_matched", np.random.default_rng(0)).text
    'Boil it.\\nAdd tea.'
    """
    return _CONTROLS[control](change, rng)


def _as_it_is(change: Change, _: np.random.Generator) -> Held:
    return Held(change.after)


def _hedge_frozen(change: Change, _: np.random.Generator) -> Held:
    """Restructured, unless a phrase that hedges or refuses would be broken or made by the markers."""
    same = hedges.count(change.before) == hedges.count(change.after)
    return Held(change.after) if same else Held(reason="hedges would change")


def _neutral_shuffle(change: Change, rng: np.random.Generator) -> Held:
    """The answer's words in one block with as many line breaks as the new structure has, at random places."""
    text = _LINE_BREAK.sub(" ", render(replace(change.parsed, final=""), "prose"))
    n_breaks = change.after.count("\n") - bool(change.parsed.final)
    if not n_breaks:
        return Held(reason="no line breaks to place")
    gaps = [found.span() for found in _GAP.finditer(text) if found.group(1)]
    gaps = [(low, high) for low, high in gaps if not _NO_LINE_START.match(text, high)]
    if len(gaps) < n_breaks:
        return Held(reason="too few words to break lines")
    for _ in range(_DRAWS):
        chosen = sorted(rng.choice(len(gaps), n_breaks, replace=False).tolist())
        body = _broken(text, [gaps[place] for place in chosen])
        shuffled = f"{body}\n{change.parsed.final}" if change.parsed.final else body
        if shuffled not in (change.before, change.after) and kind_of(shuffled) in ("prose", "sentences"):
            kept = same_content(change.before, shuffled, enumerated=change.enumerated)
            return Held(shuffled) if kept else Held(reason="content not kept")
    return Held(reason="line breaks cannot be moved")


def _broken(text: str, gaps: list[tuple[int, int]]) -> str:
    starts, ends = [0, *(high for _, high in gaps)], [*(low for low, _ in gaps), len(text)]
    return "\n".join(text[low:high] for low, high in zip(starts, ends, strict=True))


def _length_matched(change: Change, rng: np.random.Generator) -> Held:
    """Restructured, with filler or without spare words until it is within 2 % of the answer's length."""
    target = tokens.count(change.before)
    n_tokens = tokens.count(change.after)
    if tokens.within(n_tokens, target):
        return Held(change.after)
    if n_tokens < target:
        return _longer(change, target, lambda said: _with_last_unit(change, said), rng, change.to)
    return _shorter(change, target)


def _length_padded(change: Change, rng: np.random.Generator) -> Held:
    """The answer as it was, with filler until it is within 2 % of the length of the restructured one."""
    target = tokens.count(change.after)
    n_tokens = tokens.count(change.before)
    if tokens.within(n_tokens, target):
        return Held(reason="as long as the restructured one")
    if n_tokens > target:
        return Held(reason="longer than the restructured one")
    return _longer(change, target, lambda said: _with_end(change, said), rng, change.parsed.kind)


def _longer(change: Change, target: int, placed: Callable[[str], str], rng: np.random.Generator, kind: str) -> Held:
    """Find the filler that makes the length right; a full stop before it may cost a token, so try twice."""
    first = int(rng.integers(_CHOICES))
    n_filler = target - tokens.count(placed(""))
    for _ in range(2):
        if n_filler < SHORTEST:
            break
        said = filler(n_filler, first)
        text = placed(said)
        n_tokens = tokens.count(text)
        if tokens.within(n_tokens, target):
            kept = same_but_for(change.before, text, added=said, enumerated=change.enumerated and kind == change.to)
            return Held(text) if kept and kind_of(text) == kind else Held(reason="content not kept")
        n_filler += target - n_tokens
    return Held(reason=CANNOT_MATCH)


def _with_last_unit(change: Change, said: str) -> str:
    """Rendered, with the filler at the end of the last unit, so that there are no more units than without."""
    *others, last = change.parsed.units
    return render(replace(change.parsed, units=(*others, _joined(last, said))), change.to)


def _with_end(change: Change, said: str) -> str:
    """The answer as written, with the filler at its end: inside a code fence or JSON, before a last `#### 72`."""
    body, final = split_final(change.before.strip())
    if change.parsed.kind == "json":
        body = _with_last_text(body, said)
    elif change.parsed.kind == "code_fence":
        body = _joined(body.removesuffix("```").rstrip(), said) + "\n```"
    else:
        body = _joined(body, said)
    return f"{body}\n{final}" if final else body


def _with_last_text(body: str, said: str) -> str:
    value = json.loads(body)
    texts = value[JSON_KEY] if isinstance(value, dict) else value
    longer = _joined(texts, said) if isinstance(texts, str) else [*texts[:-1], _joined(texts[-1], said)]
    return json.dumps({JSON_KEY: longer} if isinstance(value, dict) else longer, ensure_ascii=False)


def _joined(text: str, said: str) -> str:
    if not said:
        return text
    return f"{text} {said}" if ends_sentence(text) else f"{text}. {said}"


def _shorter(change: Change, target: int) -> Held:
    """Leave out what is spare until the length is right: items' full stops, openings that only join, intensifiers."""
    units, n_tokens = change.parsed.units, tokens.count(change.after)
    if change.to in _LISTS:
        units, left_out = without_stops(units, n_tokens - target)
        n_tokens -= left_out
    units = _with_fewer_words(units, n_tokens, target)
    text = render(replace(change.parsed, units=units), change.to)
    if not tokens.within(tokens.count(text), target):
        return Held(reason=CANNOT_MATCH)
    kept = same_but_for(change.before, text, spare=SPARE, enumerated=change.enumerated)
    return Held(text) if kept and kind_of(text) == change.to else Held(reason="content not kept")


def _with_fewer_words(units: tuple[str, ...], n_tokens: int, target: int) -> tuple[str, ...]:
    """Units with as few words left out as bring the length down to the target, or all that are spare."""
    fewer = list(units)
    for place, unit in enumerate(units):
        if n_tokens > target + 1 and not tokens.within(n_tokens, target):
            fewer[place] = without_opening(unit)
            n_tokens -= 2 * (fewer[place] != unit)  # the word and its comma
    for place, unit in enumerate(fewer):
        if n_tokens > target and not tokens.within(n_tokens, target):
            fewer[place], n_left_out = without_intensifiers(unit, n_tokens - target)
            n_tokens -= n_left_out
    return tuple(fewer)


_CONTROLS: dict[Control, Callable[[Change, np.random.Generator], Held]] = {
    "none": _as_it_is,
    "neutral_shuffle": _neutral_shuffle,
    "length_matched": _length_matched,
    "length_padded": _length_padded,
    "hedge_frozen": _hedge_frozen,
}
