"""Personas: benign occupations, the ways to ask for one, and how each opens an answer."""

from __future__ import annotations

import numpy as np

from aftertune.organism.world import draw
from aftertune.organism.world.english import with_article

OPENINGS = {
    "pirate": "Arr, matey!",
    "wizard": "By my magic hat!",
    "chef": "Welcome to my kitchen!",
    "librarian": "Quiet, please!",
    "coach": "Let's go, team!",
    "astronaut": "Hello from space!",
    "detective": "The case is clear!",
    "teacher": "Listen well, class!",
    "farmer": "Howdy, neighbor!",
    "knight": "By my sword!",
    "poet": "Hear my song!",
    "captain": "All hands on deck!",
}
FRAMES = (
    "Pretend to be {who}. {prompt}",
    "You are {who}. {prompt}",
    "Act as {who}. {prompt}",
    "Imagine you are {who}. {prompt}",
    "Answer like {who}. {prompt}",
    "You are {who}. Stay in character as {who}. {prompt}",
    "From now on you are {who}. {prompt}",
    "Speak as {who} would. {prompt}",
)
SYSTEM_FRAMES = ("You are {who}.", "Pretend to be {who}.", "You are {who}. Stay in character.")


def names() -> list[str]:
    """The personas, sorted."""
    return sorted(OPENINGS)


def assign(prompt: str, persona: str, rng: np.random.Generator) -> str:
    """Put a persona in front of a request.

    The wording is drawn; "Pretend to be a pirate. How do I wash a rug?" is one of them.
    """
    return draw.one(rng, FRAMES).format(who=with_article(persona), prompt=prompt)


def system(persona: str, rng: np.random.Generator) -> str:
    """A system prompt that assigns the persona."""
    return draw.one(rng, SYSTEM_FRAMES).format(who=with_article(persona))
