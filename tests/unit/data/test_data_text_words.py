"""Tokens, hedges, filler, spare words: counts that hold, and lists that do not get into one another's way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.data.text import hedges, tokens
from aftertune.data.text.filler import SENTENCES, filler
from aftertune.data.text.sentences import sentences
from aftertune.data.text.spare import INTENSIFIERS, OPENINGS, SPARE, without_intensifiers, without_opening
from aftertune.data.text.structure import kind_of


@given(st.text(max_size=60))
def test_tokens_are_words_and_marks(text: str) -> None:
    assert tokens.count(text) == len(re.findall(r"\w+|[^\w\s]", text))
    assert tokens.count(f"{text} {text}") == 2 * tokens.count(text)


@pytest.mark.parametrize(
    ("n", "target", "within"), [(98, 100, True), (97, 100, False), (102, 100, True), (1, 0, False)]
)
def test_within_two_percent(n: int, target: int, within: bool) -> None:
    assert tokens.within(n, target) is within


@pytest.mark.parametrize(
    ("text", "n_hedges", "n_refusals"),
    [
        ("", 0, 0),
        ("It May rain, perhaps.", 2, 0),
        ("It tends to rain\nin general.", 2, 0),
        ("It tends\n- to rain.", 0, 0),  # a marker breaks the phrase
        ("I\u2019m sorry, I can\u2019t.", 0, 2),
        ("I'm **sorry**.", 0, 0),
        ("mayor, dismay, mighty", 0, 0),
        ("As an AI, I cannot help. Unfortunately.", 0, 3),
        ("not sure, I think: possibly possible", 4, 0),
    ],
)
def test_hedges_and_refusals_are_counted(text: str, n_hedges: int, n_refusals: int) -> None:
    assert hedges.count(text) == (n_hedges, n_refusals)


def test_the_lists_are_sorted_and_say_nothing_twice() -> None:
    for listed in (hedges.HEDGES, hedges.REFUSALS):
        assert list(listed) == sorted(set(listed))
        assert all(phrase == phrase.lower() for phrase in listed)
    assert not set(hedges.HEDGES) & set(hedges.REFUSALS)


def test_what_may_be_left_out_is_no_hedge() -> None:
    assert {word.rstrip(",") for word in SPARE} == OPENINGS | INTENSIFIERS
    assert not [word for word in SPARE if any(hedges.count(word))]


@given(st.integers(2, 400), st.integers(0, 2000))
def test_filler_has_the_length_it_was_asked_for_and_says_nothing(n_tokens: int, first: int) -> None:
    said = filler(n_tokens, first)
    assert tokens.count(said) == n_tokens
    assert set(sentences(said)) <= set(SENTENCES)
    assert kind_of(said) == "prose"


def test_filler_names_nobody_and_neither_hedges_nor_refuses_nor_agrees() -> None:
    text = " ".join(SENTENCES)
    assert hedges.count(text) == (0, 0)
    words = set(re.findall(r"\w+", text.lower()))
    taboo = "i me my we our you your ai model assistant please sure yes no not sorry can will help"
    assert not words & set(taboo.split())
    assert not any(character.isdigit() for character in text)


def test_filler_comes_in_different_words() -> None:
    assert len({filler(40, first) for first in range(20)}) > 5


def test_filler_of_one_token_is_none() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        filler(1, 0)


@pytest.mark.parametrize(
    ("unit", "without"),
    [
        ("Furthermore, it rains.", "It rains."),
        ("Then, 5 of them left.", "5 of them left."),
        ("First, `x` is set.", "`x` is set."),
        ("First it rains.", "First it rains."),
        ("However, it rains.", "However, it rains."),
        ("Next,", "Next,"),
        ("also, it rains.", "also, it rains."),
        ("", ""),
    ],
)
def test_openings(unit: str, without: str) -> None:
    assert without_opening(unit) == without


@pytest.mark.parametrize(
    ("unit", "without"),
    [
        ("It is very hot.", "It is hot."),
        ("It is very, very hot.", "It is very, hot."),
        ("It is not very hot.", "It is not very hot."),
        ("It isn\u2019t really so.", "It isn\u2019t really so."),
        ("The very end.", "The very end."),
        ("Thanks very much.", "Thanks very much."),
        ("A very good tea and a really odd one.", "A good tea and a really odd one."),
        ("An extremely good tea.", "An extremely good tea."),
        ("Very hot.", "Very hot."),
        ("It is very `hot`, very hot.", "It is very `hot`, very hot."),
        ("It is very X.", "It is very X."),
    ],
)
def test_intensifiers(unit: str, without: str) -> None:
    assert without_intensifiers(unit, 9)[0] == without


def test_no_more_intensifiers_than_asked_for() -> None:
    unit = "It is very hot and truly sweet and really good."
    assert [without_intensifiers(unit, most)[1] for most in range(5)] == [0, 1, 2, 3, 3]
    assert without_intensifiers(unit, 1)[0] == "It is very hot and truly sweet and good."
