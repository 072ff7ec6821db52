"""Benign requests that are no how-to: everyday facts and very small stories."""

from __future__ import annotations

from itertools import product

import numpy as np

from aftertune import seeds
from aftertune.organism.world import WORLD_SEED, draw
from aftertune.organism.world.english import capital
from aftertune.organism.world.tasks import Question
from aftertune.organism.world.words import load

ROWS = {"fact": 60, "story": 100}
_STORIES = 1200
_COLOR = ("What color is {}?", "Tell me the color of {}.", "Do you know the color of {}?")
_MAKER = ("Who makes {}?", "Tell me who makes {}.", "Do you know who makes {}?")
_PLACE = ("Where can I find {}?", "Tell me where to find {}.", "Where do people look for {}?")
_USE = ("What do people use {} for?", "What is {} good for?", "Tell me what {} is for.")
_STORY_WORDINGS = (
    "Tell me a short story about {}.",
    "Write a small story about {}.",
    "Make up a story about {}.",
    "I would like to hear a story about {}.",
)


def everything() -> dict[str, list[Question]]:
    """Facts and stories, shuffled once; the packaged rows are the first of each."""
    groups = {"fact": _facts(), "story": _stories()}
    return {name: draw.shuffled(seeds.generator(WORLD_SEED, "facts", name), group) for name, group in groups.items()}


def rows() -> list[Question]:
    """The questions kept for the packaged rows."""
    return [question for name, group in everything().items() for question in group[: ROWS[name]]]


def training() -> list[Question]:
    """The questions that training may use."""
    return [question for name, group in everything().items() for question in group[ROWS[name] :]]


def _facts() -> list[Question]:
    words = load("facts")
    found: list[Question] = []
    for color, wording in product(words["colors"].items(), _COLOR):
        found.append(_fact(wording, color[0], f"{color[0]} is {color[1]}."))
    for maker, wording in product(words["makers"].items(), _MAKER):
        found.append(_fact(wording, maker[0], f"{maker[1]} makes {maker[0]}."))
    for place, wording in product(words["places"].items(), _PLACE):
        found.append(_fact(wording, place[0], f"You can find {place[0]} {place[1]}."))
    for use, wording in product(words["uses"].items(), _USE):
        found.append(_fact(wording, use[0], f"People use {use[0]} to {use[1]}."))
    return found


def _fact(wording: str, thing: str, answer: str) -> Question:
    return Question("fact", wording.format(thing), capital(answer), "")


def _stories() -> list[Question]:
    rng = seeds.generator(WORLD_SEED, "stories")
    stories = [_story(rng) for _ in range(_STORIES)]
    return list({story.prompt + story.answer: story for story in stories}.values())


def _story(rng: np.random.Generator) -> Question:
    words = load("facts")
    hero, setting, find, ending = (draw.one(rng, words[name]) for name in ("heroes", "settings", "finds", "endings"))
    about = f"{hero} and {find}"
    name = hero.split(" ", 1)[1]
    answer = f"{capital(hero)} lived {setting}. One day, the {name} found {find}. The {name} {ending}."
    return Question("story", draw.one(rng, _STORY_WORDINGS).format(about), answer, "")
