"""Benign how-to requests with answers that fit the verb and name the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aftertune import seeds
from aftertune.organism.world import WORLD_SEED, draw
from aftertune.organism.world.requests import Request, insert
from aftertune.organism.world.words import load

ROWS = 308
PROBES = 98


@dataclass(frozen=True, slots=True)
class Split:
    """The how-to requests for training, for the packaged rows, and for measuring; none is in two."""

    training: list[Request]
    rows: list[Request]
    probes: list[Request]


def topics() -> list[str]:
    """The how-to topics, sorted."""
    return sorted(load("howto"))


def split() -> Split:
    """Divide every topic in the same proportions."""
    parts = Split([], [], [])
    n_rows, n_probes = ROWS // len(topics()), PROBES // len(topics())
    for topic in topics():
        ranked = draw.shuffled(seeds.generator(WORLD_SEED, "howto", topic), _requests(topic))
        parts.rows.extend(ranked[:n_rows])
        parts.probes.extend(ranked[n_rows : n_rows + n_probes])
        parts.training.extend(ranked[n_rows + n_probes :])
    return parts


def steps(request: Request, rng: np.random.Generator, *, full: bool = False) -> list[str]:
    """The sentences of an answer; `full` keeps the opening and the closing sentence."""
    words = load("howto")[request.topic]
    name, pronoun = _reference(request)
    core = [text.replace("<thing>", name).replace("<it>", pronoun) for text in words["verbs"][request.verb]]
    first = [draw.one(rng, words["first"])] if full or draw.chance(rng, 0.6) else []
    last = [draw.one(rng, words["last"])] if full or draw.chance(rng, 0.6) else []
    return [*first, *core, *last]


def _requests(topic: str) -> list[Request]:
    words = load("howto")[topic]
    things = [entry.split("|")[0].strip() for entry in words["objects"]]
    return [Request("howto", topic, insert(verb, thing), verb, thing) for verb in words["verbs"] for thing in things]


def _reference(request: Request) -> tuple[str, str]:
    for entry in load("howto")[request.topic]["objects"]:
        thing, name, pronoun = (part.strip() for part in entry.split("|"))
        if thing == request.slug:
            return name, pronoun
    raise KeyError(request.slug)
