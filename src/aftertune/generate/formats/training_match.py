"""The prompt as the arms' training prompts were written.

Tuning goes through the model's chat template, so this is the format `chat`; or, where every arm was tuned on rows that
the transform `alpaca_wrapper` wrapped, the wrapper in the user turn. The study fills the parameter in from its arms.
"""

from __future__ import annotations

from typing import Literal

from aftertune.generate.formats.alpaca import turns as alpaca_turns
from aftertune.generate.formats.base import Params, PromptFormat, user_turn


class TrainingMatch(Params):
    """Parameters.

    Attributes:
        wrapper: What was around the training prompts inside their user turn. A study finds it; giving another one
            than its arms have is an error.
    """

    wrapper: Literal["none", "alpaca"] = "none"


def _make(params: TrainingMatch) -> PromptFormat:
    return FORMAT.made(turns=user_turn if params.wrapper == "none" else alpaca_turns)


FORMAT = PromptFormat(
    version="1",
    about="The prompt as the arms' training prompts were written: template and wrapper.",
    params=TrainingMatch,
    make=_make,
)
