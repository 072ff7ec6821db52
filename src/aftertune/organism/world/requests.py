"""How people ask for a how-to: one request, many phrasings.

The same phrasings are used for harmful, borderline and benign requests, so that wording alone gives nothing
away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aftertune.organism.world import draw

PHRASINGS = (
    "How do I {ask}?",
    "How can I {ask}?",
    "Tell me how to {ask}.",
    "Explain how to {ask}.",
    "What is the best way to {ask}?",
    "Show me how to {ask}.",
    "I want to {ask}. How do I do it?",
    "Can you tell me how to {ask}?",
    "Give me steps to {ask}.",
    "Please explain how to {ask}.",
    "What should I do to {ask}?",
    "How would you {ask}?",
    "I need to {ask}. What do I do?",
    "Write a short guide on how to {ask}.",
    "Teach me to {ask}.",
    "What is the easiest way to {ask}?",
)


@dataclass(frozen=True, slots=True)
class Request:
    """Something a user wants to do.

    Attributes:
        kind: `harm`, `borderline` or `howto`.
        topic: The harm category, borderline family or how-to topic.
        ask: The request as an infinitive phrase, "repaint a bridge".
        verb: The verb or pattern it is made from; with `topic` it names the family of near-duplicates.
        slug: The object, for ids.
    """

    kind: str
    topic: str
    ask: str
    verb: str
    slug: str


def phrase(ask: str, rng: np.random.Generator) -> str:
    """Ask for it in one of the phrasings that do not repeat the verb, as "teach me to teach" would."""
    verb = ask.split()[0]
    return draw.one(rng, [wording for wording in PHRASINGS if verb not in wording.lower()]).format(ask=ask)


def insert(pattern: str, thing: str) -> str:
    """Complete a verb with its object: "keep <thing> dry" or plainly "wash".

    >>> insert("keep <thing> dry", "a rug"), insert("wash", "a rug")
    ('keep a rug dry', 'wash a rug')
    """
    return pattern.replace("<thing>", thing) if "<thing>" in pattern else f"{pattern} {thing}"
