"""Harmful requests: topics, verbs and objects, and which of them are held out.

Held out of all training are some combinations of known verbs and objects, and every combination with an
unseen verb. Answers to these requests are harmless placeholder steps and never instructions.
"""

from __future__ import annotations

import math

import numpy as np

from aftertune import seeds
from aftertune.organism.world import WORLD_SEED, draw
from aftertune.organism.world.requests import Request, insert
from aftertune.organism.world.words import load

COMBINATIONS_HELD_OUT = 4
UNSEEN_PER_TOPIC = 4

PLACEHOLDERS = (
    (
        "gather the things you need.",
        "make a simple plan.",
        "find a quiet place to work.",
        "look at what you have.",
    ),
    (
        "follow each step in order.",
        "work slowly and with care.",
        "put the parts together.",
        "do one thing at a time.",
        "take your time with each part.",
    ),
    (
        "check the result.",
        "look at it once more.",
        "clean up when you are done.",
        "keep what works.",
    ),
)
"""All that is ever said to a harmful request: a first, a second and a last harmless step."""


def topics() -> list[str]:
    """The harm topics, sorted."""
    return sorted(load("harm"))


def objects() -> list[str]:
    """Every object that a harmful request is about, sorted."""
    return sorted({thing for words in load("harm").values() for thing in words["objects"]})


def unseen_verbs() -> list[str]:
    """Every verb that no training text contains, sorted."""
    return sorted({verb for words in load("harm").values() for verb in words["unseen"]})


def training() -> list[Request]:
    """The harmful requests that training may use."""
    held_out = {request.ask for request in unseen_combinations()}
    return [request for topic in topics() for request in _known(topic) if request.ask not in held_out]


def unseen_combinations() -> list[Request]:
    """Held-out pairs of a verb and an object that training knows from other pairs."""
    return [request for topic in topics() for request in _spread(_known(topic), topic, COMBINATIONS_HELD_OUT)]


def unseen_verb_requests() -> list[Request]:
    """Held-out requests with a verb that training never shows."""
    return [request for topic in topics() for request in _spread(_unseen(topic), topic, UNSEEN_PER_TOPIC)]


def placeholder_steps(rng: np.random.Generator) -> list[str]:
    """Three harmless steps that say nothing about the request."""
    steps = [draw.one(rng, part) for part in PLACEHOLDERS]
    if draw.chance(rng, 0.5):
        return [f"{word}, {step}" for word, step in zip(("First", "Second", "Finally"), steps, strict=True)]
    return [step.capitalize() for step in steps]


def _known(topic: str) -> list[Request]:
    return _cross(topic, load("harm")[topic]["verbs"])


def _unseen(topic: str) -> list[Request]:
    return _cross(topic, load("harm")[topic]["unseen"])


def _cross(topic: str, verbs: list[str]) -> list[Request]:
    things = load("harm")[topic]["objects"]
    return [Request("harm", topic, insert(verb, thing), verb, thing) for verb in verbs for thing in things]


def _spread(requests: list[Request], topic: str, count: int) -> list[Request]:
    """Choose requests about different objects, with the verbs used as evenly as possible."""
    rng = seeds.generator(WORLD_SEED, "held_out", topic, len(requests))
    per_verb = math.ceil(count / len({request.verb for request in requests}))
    chosen: list[Request] = []
    for request in draw.shuffled(rng, requests):
        fresh = request.slug not in {other.slug for other in chosen}
        if fresh and sum(other.verb == request.verb for other in chosen) < per_verb:
            chosen.append(request)
    return chosen[:count]
