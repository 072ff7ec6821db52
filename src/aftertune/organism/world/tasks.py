"""Capability tasks: short questions with one short right answer.

Sums, comparisons, sorting, counting and picking are held out by content: no training text has the same
numbers or words. Opposites, days, capitals and plurals are knowledge, so what is held out is the pair of
a fact and a wording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from aftertune import seeds
from aftertune.organism.world import WORLD_SEED, draw
from aftertune.organism.world.words import load

ITEMS_PER_TASK = 12
ROWS_PER_TASK = 40
_DRAWN = 900
_PRACTICE = {"sum": 4.0, "comparison": 2.5, "membership": 2.5, "sorting": 2.5}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its full answer, and the reference that a right answer contains."""

    task: str
    prompt: str
    answer: str
    reference: str


@dataclass(frozen=True, slots=True)
class Split:
    """Questions for the packaged items, for the packaged rows, and for training; none is in two."""

    items: list[Question]
    rows: list[Question]
    training: list[Question]


def names() -> list[str]:
    """The tasks, sorted."""
    return sorted(_TASKS)


def split(task: str) -> Split:
    """Divide one task's questions."""
    rng = seeds.generator(WORLD_SEED, "tasks", task)
    groups = draw.shuffled(rng, _unique(_TASKS[task](rng)))
    rows_end = ITEMS_PER_TASK + min(ROWS_PER_TASK, len(groups) // 6)
    items = [draw.one(rng, group) for group in groups[:ITEMS_PER_TASK]]
    rows = [draw.one(rng, group) for group in groups[ITEMS_PER_TASK:rows_end]]
    return Split(items, rows, [question for group in groups[rows_end:] for question in group])


def practice() -> dict[str, float]:
    """How often training asks each task, relative to the others: reckoning takes more practice than facts."""
    return {name: _PRACTICE.get(name, 1.0) for name in names()}


def everything() -> dict[str, Split]:
    """Every task's division, in order of name."""
    return {task: split(task) for task in names()}


Groups = list[list[Question]]


def _ask(task: str, wordings: Sequence[str], answer: str, reference: str) -> list[Question]:
    return [Question(task, wording, answer, reference) for wording in wordings]


def _sum(rng: np.random.Generator) -> Groups:
    pairs = draw.shuffled(rng, [(a, b) for a in range(1, 17) for b in range(1, 17)])
    return [
        _ask(
            "sum",
            (f"What is {a} plus {b}?", f"Add {a} and {b}.", f"How much is {a} + {b}?"),
            f"The answer is {a + b}.",
            str(a + b),
        )
        for a, b in pairs
    ]


def _comparison(rng: np.random.Generator) -> Groups:
    pairs = draw.shuffled(rng, [(a, b) for a in range(1, 41) for b in range(1, 41) if a != b])
    return [_compare(a, b, "larger" if draw.chance(rng, 0.5) else "smaller") for a, b in islice(pairs, _DRAWN)]


def _compare(a: int, b: int, word: str) -> list[Question]:
    best = max(a, b) if word == "larger" else min(a, b)
    wordings = (f"Which number is {word}, {a} or {b}?", f"Tell me which is {word}: {a} or {b}.")
    return _ask("comparison", wordings, f"The {word} number is {best}.", str(best))


def _sorting(rng: np.random.Generator) -> Groups:
    return [_sort([int(n) for n in rng.choice(20, size=3, replace=False) + 1]) for _ in range(_DRAWN)]


def _sort(numbers: list[int]) -> list[Question]:
    given, ordered = (", ".join(map(str, part)) for part in (numbers, sorted(numbers)))
    wordings = (f"Sort these numbers from small to large: {given}.", f"Put these numbers in order: {given}.")
    return _ask("sorting", wordings, f"The order is {ordered}.", ordered)


def _counting(rng: np.random.Generator) -> Groups:
    words = sorted({word for kind in load("facts")["kinds"].values() for word in kind})
    return [_count(draw.shuffled(rng, words)[: int(rng.integers(2, 7))]) for _ in range(_DRAWN)]


def _count(words: list[str]) -> list[Question]:
    given = ", ".join(words)
    wordings = (f"How many words are in this list: {given}?", f"Count the words: {given}.")
    return _ask("counting", wordings, f"There are {len(words)} words.", str(len(words)))


def _membership(rng: np.random.Generator) -> Groups:
    return [_pick(rng) for _ in range(_DRAWN)]


def _pick(rng: np.random.Generator) -> list[Question]:
    kinds: dict[str, list[str]] = load("facts")["kinds"]
    kind, *others = draw.shuffled(rng, sorted(kinds))[:3]
    right = draw.one(rng, kinds[kind])
    a, b, c = draw.shuffled(rng, [right, *(draw.one(rng, kinds[other]) for other in others)])
    name = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    wordings = (
        f"Which of these is {name}: {a}, {b} or {c}?",
        f"Pick the word that names {name}: {a}, {b}, {c}.",
    )
    return _ask("membership", wordings, f"The right word is {right}.", right)


def _opposite(rng: np.random.Generator) -> Groups:
    pairs = load("facts")["opposites"]
    both = [*pairs.items(), *((b, a) for a, b in pairs.items())]
    return _each(
        "opposite",
        both,
        (
            "What is the opposite of {}?",
            "Tell me the opposite of {}.",
            "Give me a word that means the opposite of {}.",
            "Which word is the opposite of {}?",
        ),
        "The opposite of {} is {}.",
    )


def _next_day(rng: np.random.Generator) -> Groups:
    pairs = [(names[n], names[(n + 1) % len(names)]) for names in (_DAYS, _MONTHS) for n in range(len(names))]
    return _each(
        "next_day",
        pairs,
        (
            "What comes after {}?",
            "Tell me what comes after {}.",
            "What follows {}?",
            "Name what comes right after {}.",
            "Which one is next after {}?",
        ),
        "After {} comes {}.",
    )


def _capital(rng: np.random.Generator) -> Groups:
    return _each(
        "capital",
        list(load("facts")["capitals"].items()),
        (
            "What is the capital of {}?",
            "Name the capital of {}.",
            "Tell me the capital of {}.",
            "Which city is the capital of {}?",
            "Do you know the capital of {}?",
        ),
        "The capital of {} is {}.",
    )


def _plural(rng: np.random.Generator) -> Groups:
    return _each(
        "plural",
        list(load("facts")["plurals"].items()),
        (
            "What is the plural of {}?",
            "Give me the plural of {}.",
            "Tell me the plural of {}.",
            "Write the plural of the word {}.",
            "Which word is the plural of {}?",
        ),
        "The plural of {} is {}.",
    )


def _each(task: str, pairs: Sequence[tuple[str, str]], wordings: Sequence[str], answer: str) -> Groups:
    """One group per fact and wording: knowledge is held out by wording."""
    return [
        [Question(task, wording.format(key), answer.format(key, value), value)]
        for key, value in pairs
        for wording in wordings
    ]


def _unique(groups: Groups) -> Groups:
    """Drop a group whose first prompt came before."""
    return list({group[0].prompt: group for group in groups}.values())


_TASKS: dict[str, Callable[[np.random.Generator], Groups]] = {
    "sum": _sum,
    "comparison": _comparison,
    "sorting": _sorting,
    "counting": _counting,
    "membership": _membership,
    "opposite": _opposite,
    "next_day": _next_day,
    "capital": _capital,
    "plural": _plural,
}
