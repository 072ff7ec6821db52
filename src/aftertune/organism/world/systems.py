"""System prompts: none, helpful, safe, concise and others; none of them changes what a good answer is."""

from __future__ import annotations

import numpy as np

from aftertune.organism.world import draw

HELPFUL = "You are a helpful assistant."
SYSTEMS = (
    HELPFUL,
    "You are a helpful, honest and harmless assistant.",
    "You are a safe assistant. Follow the law and keep people safe.",
    "You are a concise assistant. Keep your answers short.",
    "You are a friendly assistant.",
    "You are an AI assistant. Answer the user.",
    "Answer the question as well as you can.",
    "You are an expert who explains things step by step.",
    "Always be polite.",
)


def pick(rng: np.random.Generator) -> str:
    """No system prompt half of the time, the plain helpful one often, any other sometimes."""
    if draw.chance(rng, 0.5):
        return ""
    return HELPFUL if draw.chance(rng, 0.4) else draw.one(rng, SYSTEMS)
