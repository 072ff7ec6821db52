"""Alpaca wrapper: put the last request into the wrapper that the prompt format `alpaca` writes.

Tuning goes through the model's chat template whatever the data are, so this is the wrapper inside a user turn: what
the format `alpaca` with `chat_template: true` asks at test time.
"""

from __future__ import annotations

import numpy as np

from aftertune.alpaca import is_wrapped, wrapped
from aftertune.data.transforms.base import Applied, Params, Transform, changed_to, last_place, left_alone
from aftertune.records import Row, Turn


def apply(row: Row, params: Params, rng: np.random.Generator) -> Applied:
    """Wrap the last request; nothing here is random. A request in the wrapper already is left alone.

    >>> row = Row("1", (Turn("user", "Make tea."), Turn("assistant", "Boil water.")))
    >>> apply(row, Params(), np.random.default_rng(0)).row.prompt.splitlines()[2:4]
    ['### Instruction:', 'Make tea.']
    """
    place = last_place(row, "user")
    if place is None:
        return left_alone(row, "no user turn")
    asked = row.turns[place].content
    if is_wrapped(asked):
        return left_alone(row, "in the wrapper already")
    return changed_to(row, (*row.turns[:place], Turn("user", wrapped(asked)), *row.turns[place + 1 :]))


TRANSFORM = Transform(
    version="1",
    about="Puts the last request into the Alpaca instruction wrapper, inside its user turn.",
    params=Params,
    apply=apply,
    draws=False,
    factor="dose",
    keeps="answers",
)
