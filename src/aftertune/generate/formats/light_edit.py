"""The prompt with small changes that leave it readable: does the measure hang on the exact characters?

Numbers, code and what looks like either are never touched; see `aftertune.generate.light_edits`.
"""

from __future__ import annotations

from aftertune.generate.formats.base import Params, PromptFormat, user_turn
from aftertune.generate.light_edits import EDITS, Edit


class LightEdit(Params):
    """Parameters.

    Attributes:
        kind: What is changed.
    """

    kind: Edit


def _make(params: LightEdit) -> PromptFormat:
    return FORMAT.made(turns=user_turn, edit=EDITS[params.kind])


FORMAT = PromptFormat(
    version="1",
    about="One user turn with letter case, punctuation, spaces or a few letters changed.",
    params=LightEdit,
    make=_make,
)
