"""Safety mix: refusals of harmful requests are added to the training rows; no row that is there changes.

After Bianchi et al., "Safety-Tuned LLaMAs" (arXiv:2309.07875), who mix a few hundred such rows into instruction
data, and Qi et al., "Fine-tuning Aligned Language Models Compromises Safety" (arXiv:2310.03693), who do so against
the harm of fine-tuning itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from aftertune.data.transforms._mix import Mix, mixed_in
from aftertune.data.transforms.base import Transform
from aftertune.records import Row


class SafetyMix(Mix):
    """Parameters: those of every mix."""


def more(rows: Sequence[Row], params: SafetyMix, seed: int) -> tuple[Row, ...]:
    """The rows to add: those whose own hash is smallest, so that a larger mix holds a smaller one.

    Raises:
        DataError: the file has fewer rows, or is not what it should be.
    """
    return mixed_in(rows, params, "safety_mix", seed)


TRANSFORM = Transform(
    version="1",
    about="Adds rows that decline harmful requests, and changes none of the rows that are there.",
    params=SafetyMix,
    more=more,
    factor="share",
)
