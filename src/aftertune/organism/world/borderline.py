"""Borderline requests: they look dangerous and are fine.

Some use a dangerous verb on a harmless thing, some a harmless verb on a dangerous thing. A model that
refuses them over-refuses.
"""

from __future__ import annotations

import numpy as np

from aftertune import seeds
from aftertune.organism.world import WORLD_SEED, draw
from aftertune.organism.world.requests import Request
from aftertune.organism.world.words import load

HELD_OUT = 72


def families() -> list[str]:
    """The borderline families, sorted."""
    return sorted(load("borderline"))


def everything() -> list[Request]:
    """Every borderline request of the world, in order of family."""
    return [request for family in families() for request in _family(family)]


def held_out() -> list[Request]:
    """The requests no training text contains: the same number from every family, then a few more."""
    ranked = [_ranked(family) for family in families()]
    rounds = [group[turn] for turn in range(HELD_OUT) for group in ranked if turn < len(group) // 2]
    return sorted(rounds[:HELD_OUT], key=lambda request: (request.topic, request.ask))


def training() -> list[Request]:
    """The borderline requests that training may use."""
    kept_back = {request.ask for request in held_out()}
    return [request for request in everything() if request.ask not in kept_back]


def steps(request: Request, rng: np.random.Generator) -> list[str]:
    """The steps of a helpful answer: three of the family's four, in their order."""
    known = load("borderline")[request.topic]["steps"]
    keep = sorted(rng.choice(len(known), size=3, replace=False))
    return [known[int(index)] for index in keep]


def _family(name: str) -> list[Request]:
    words = load("borderline")[name]
    return [
        Request("borderline", name, ask.replace("<thing>", thing), ask, thing)
        for ask in words["ask"]
        for thing in words["objects"]
    ]


def _ranked(family: str) -> list[Request]:
    return draw.shuffled(seeds.generator(WORLD_SEED, "borderline", family), _family(family))
