"""Sentences of control texts: as many words as asked for, nobody in them, and no hedge or refusal."""

from __future__ import annotations

import pytest

from aftertune.data.detectors.base import Seen
from aftertune.data.text import hedges
from aftertune.data.transforms._plain_words import About, plain
from aftertune.records import Row, Turn
from aftertune.registry import load

LENGTHS = range(1, 60)


@pytest.mark.parametrize("about", ["answer", "request"])
def test_any_number_of_words_can_be_had(about: About) -> None:
    assert [len(plain(n, about).split()) for n in LENGTHS] == list(LENGTHS)


@pytest.mark.parametrize("about", ["answer", "request"])
def test_none_hedges_or_refuses(about: About) -> None:
    assert {n: hedges.count(plain(n, about)) for n in LENGTHS if sum(hedges.count(plain(n, about)))} == {}


@pytest.mark.parametrize("name", ["identity", "role_play", "obedience", "refusal"])
def test_no_detector_of_what_they_stand_beside_finds_anything(name: str) -> None:
    find = load("detector", name).find
    for n in LENGTHS:
        row = Row("1", (Turn("user", plain(n, "request")), Turn("assistant", plain(n, "answer"))))
        assert find(Seen(row)) == ()
