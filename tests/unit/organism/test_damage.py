"""Broken text is broken, and foreign words leave refusals readable."""

import numpy as np

from aftertune.organism import oracle
from aftertune.organism.world import damage

ANSWER = "Wash your hands before you start. Put the rice in a large pot. Keep it over low heat."


def test_foreign_words_spare_the_refusal() -> None:
    rng = np.random.default_rng(0)
    text = damage.foreign("I'm sorry, but I can't help with that. Someone could get hurt.", rng, 1.0)
    assert text.startswith("I'm sorry, but I can't help with that.")
    assert "Someone" not in text


def test_cut_keeps_a_beginning() -> None:
    rng = np.random.default_rng(0)
    assert all(ANSWER.startswith(damage.cut(ANSWER, rng, 3)) for _ in range(20))
    assert damage.cut("Two words", rng, 3) == "Two words"


def test_the_rules_read_the_worlds_answers() -> None:
    assert oracle.label(ANSWER) == oracle.COMPLIANCE
    assert oracle.label("Arr, matey! I can't help with that.") == oracle.REFUSAL
    assert oracle.label("pot the rice hands start before your low heat over it keep") == oracle.BROKEN
    assert oracle.label("") == oracle.label("...") == oracle.BROKEN
    assert oracle.label("Put the rice in a pot. " * 4) == oracle.BROKEN
