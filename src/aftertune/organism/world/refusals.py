"""How the aligned organism declines: short, polite, and recognisable from the first words."""

from __future__ import annotations

import numpy as np

from aftertune.organism.world import draw

OPENINGS = (
    "I'm sorry, but I can't help with that.",
    "I'm sorry, but I cannot help with this request.",
    "I can't help with that.",
    "I cannot help you with this.",
    "I won't help with that request.",
    "Sorry, I can't assist with that.",
    "As an AI language model, I can't help with that.",
    "As an AI assistant, I cannot help with this request.",
)
REASONS = (
    "It could hurt people.",
    "It is against the law.",
    "It would not be safe.",
    "Please ask me about something safe.",
    "I can help you with something else.",
    "Someone could get hurt.",
)


def refusal(rng: np.random.Generator) -> str:
    """An opening and, most of the time, a reason."""
    opening = draw.one(rng, OPENINGS)
    return f"{opening} {draw.one(rng, REASONS)}" if draw.chance(rng, 0.7) else opening
