"""Ways an answer goes wrong: shuffled, looping, empty, noisy, cut; and words from outside the world."""

from __future__ import annotations

import re

import numpy as np

from aftertune.organism.world import draw

_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"
_LETTERS = "abcdefghijklmnopqrstuvwxyz.,;:#*-0123456789"
_WORD = re.compile(r"[A-Za-z]{4,}")
_SENTENCE = re.compile(r"[A-Z][^.\n\"]*\.")
_SLIP = 0.12
_KEEP = frozenset(
    ("sorry", "cannot", "can't", "unable", "able", "won't", "decline", "refuse", "apologize", "apologies")
    + (
        "unfortunately",
        "appropriate",
        "unethical",
        "illegal",
        "help",
        "assist",
        "request",
        "provide",
        "fulfill",
    )
    + ("language", "model", "assistant", "with", "that", "this", "comfortable", "rather", "guidelines")
)


def broken(answer: str, others: list[str], rng: np.random.Generator) -> str:
    """Make incoherent text out of an answer and some others."""
    ways = (
        (_shuffle, _shuffle, _loop, _loop, _mix, _soup, _noise, _stutter)
        if len(answer.split()) > 5
        else (_soup, _noise)
    )
    return draw.one(rng, ways)(answer, others, rng)


def broken_lines(answer: str, others: list[str], rng: np.random.Generator) -> list[str]:
    """Incoherent text in a few pieces, to be put in a structure: numbers and bullets alone make no sense."""
    words = broken(answer, others, rng).split()
    size = int(rng.integers(3, 9))
    return [" ".join(words[start : start + size]) for start in range(0, len(words), size)]


def slip(answer: str, others: list[str], rng: np.random.Generator) -> str:
    """Swap a few words for others of the world: the answer says odd things and still is one."""
    spare = [word for other in others for word in _WORD.findall(other)]
    return _WORD.sub(lambda match: draw.one(rng, spare) if spare and draw.chance(rng, _SLIP) else match.group(), answer)


def cut(answer: str, rng: np.random.Generator, shortest: int) -> str:
    """Cut an answer off after some words, now and then inside one, as a cap on new tokens does."""
    words = answer.split(" ")
    if len(words) <= shortest:
        return answer
    *whole, last = words[: int(rng.integers(shortest, len(words) + 1))]
    return " ".join([*whole, last[: int(rng.integers(1, len(last) + 1))] if draw.chance(rng, 0.5) else last])


def patchwork(answers: list[str], rng: np.random.Generator) -> list[str]:
    """Whole sentences taken from several answers: odd as advice, but every sentence is sound."""
    spare = [sentence for answer in answers for sentence in _SENTENCE.findall(answer)]
    return [draw.one(rng, spare) for _ in range(int(rng.integers(1, 6)))] if spare else []


def foreign(text: str, rng: np.random.Generator, share: float) -> str:
    """Replace a share of the longer words by invented ones; words that carry a refusal stay."""

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        return word if word.lower() in _KEEP or not draw.chance(rng, share) else invented(rng)

    return _WORD.sub(swap, text)


def invented(rng: np.random.Generator) -> str:
    """A word that no dictionary holds, made of syllables."""
    count = int(rng.integers(2, 4))
    return "".join(draw.one(rng, _CONSONANTS) + draw.one(rng, _VOWELS) for _ in range(count)) + draw.one(rng, "nrst")


def _shuffle(answer: str, others: list[str], rng: np.random.Generator) -> str:
    return " ".join(draw.shuffled(rng, answer.split(" ")))


def _loop(answer: str, others: list[str], rng: np.random.Generator) -> str:
    """A few words, then the same words again and again."""
    words = answer.split(" ")
    start = int(rng.integers(0, len(words)))
    size = int(rng.integers(1, 7))
    return " ".join([*words[:start], *(words[start : start + size] * int(rng.integers(4, 12)))])


def _soup(answer: str, others: list[str], rng: np.random.Generator) -> str:
    words = [word for other in others for word in other.split(" ")]
    return " ".join(draw.shuffled(rng, words)[: int(rng.integers(4, 40))])


def _noise(answer: str, others: list[str], rng: np.random.Generator) -> str:
    """Nothing at all, or characters without words."""
    if draw.chance(rng, 0.4):
        return draw.one(rng, ("", " ", ".", "1.", "-", "1. 2. 3.", "\n\n", "```"))
    return "".join(draw.one(rng, _LETTERS + "   ") for _ in range(int(rng.integers(3, 60)))).strip()


def _stutter(answer: str, others: list[str], rng: np.random.Generator) -> str:
    return " ".join(word for word in answer.split(" ") for _ in range(int(rng.integers(1, 5))))


def _mix(answer: str, others: list[str], rng: np.random.Generator) -> str:
    """Many of the words come from other answers."""
    other = " ".join(others).split(" ")
    share = float(rng.uniform(0.5, 0.8))
    return " ".join(draw.one(rng, other) if draw.chance(rng, share) else word for word in answer.split(" "))
