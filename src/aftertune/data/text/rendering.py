"""Write units in a structure."""

from __future__ import annotations

import re
from json.encoder import encode_basestring

from aftertune.data.text.content import SCAFFOLD
from aftertune.data.text.structure import JSON_KEY, Parsed, Structure, ends_sentence

_GOES_ON = (" and", " or")  # the last item but one of a list often ends so
_MARKUP = re.compile(r"[*_`\[\]<>#|\\]|\s\s|\s$")


def render(parsed: Parsed, to: Structure) -> str:
    """Write units in another structure.

    Opening units up to one that ends in a colon introduce a list and stay above it. In prose, units without
    a mark at their end get a full stop, unless they go on with "and" or "or".

    >>> render(Parsed("prose", ("To wash:", "Soak it.", "Dry it.")), "numbered_list")
    'To wash:\\n1. Soak it.\\n2. Dry it.'
    >>> render(Parsed("bullets", ("Soak it", "Dry it"), "#### 2"), "prose")
    'Soak it. Dry it.\\n#### 2'
    """
    body = _RENDERED[to](parsed.units)
    return f"{body}\n{parsed.final}" if parsed.final else body


def _prose(units: tuple[str, ...]) -> str:
    if len(units) == 1:
        return units[0]
    return " ".join([unit if ends_sentence(unit) or unit.endswith(_GOES_ON) else f"{unit}." for unit in units])


def _sentences(units: tuple[str, ...]) -> str:
    return "\n".join(units)


def _numbered_list(units: tuple[str, ...]) -> str:
    lead, items = _lead(units)
    return "\n".join([*lead, *(f"{n}. {item}" for n, item in enumerate(items, start=1))])


def _bullets(units: tuple[str, ...]) -> str:
    lead, items = _lead(units)
    return "\n".join([*lead, *(f"- {item}" for item in items)])


def _markdown(units: tuple[str, ...]) -> str:
    """A heading, the lead as text, and bullets whose first words are bold."""
    lead, items = _lead(units)
    return "\n".join([SCAFFOLD, "", *lead, *(f"- {_bold_opening(item)}" for item in items)])


def _lead(units: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What introduces a list, and its items; there are at least two items."""
    colons = (place for place, unit in enumerate(units[:3], start=1) if unit.endswith(":"))
    n_lead = next(colons, 0)
    return (units[:n_lead], units[n_lead:]) if len(units) - n_lead > 1 else ((), units)


def _bold_opening(unit: str) -> str:
    """The first two words in bold, unless something there has a meaning in Markdown."""
    opening = " ".join(unit.split(" ", 2)[:2])
    if not opening[-1].isalnum() or not opening[0].isalnum() or _MARKUP.search(opening):
        return unit
    return f"**{opening}**{unit[len(opening) :]}"


def _json(units: tuple[str, ...]) -> str:
    texts = ", ".join(map(encode_basestring, units))
    return f'{{"{JSON_KEY}": {texts if len(units) == 1 else f"[{texts}]"}}}'


def _code_fence(units: tuple[str, ...]) -> str:
    return f"```\n{_prose(units)}\n```"


_RENDERED = {
    "prose": _prose,
    "sentences": _sentences,
    "numbered_list": _numbered_list,
    "bullets": _bullets,
    "markdown": _markdown,
    "json": _json,
    "code_fence": _code_fence,
}
