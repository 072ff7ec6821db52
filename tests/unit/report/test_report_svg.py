"""Scales and strips: marks are where their values are, and nothing leaves the drawing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.report.svg import (
    RATES,
    Dot,
    Scale,
    Strip,
    change_row,
    change_strip,
    rate_strip,
    share_bar,
    shared_scale,
)
from unit.report.reading import read

SHARE = st.floats(-1, 1)


def places(svg: str, tag: str, style: str, attribute: str) -> list[float]:
    return [float((e.attributes[attribute] or "").rstrip("%")) for e in read(svg).all(tag, style=style)]


@given(st.lists(SHARE, min_size=1, max_size=9), SHARE, st.floats(-50, 50), st.floats(-50, 50))
def test_a_shared_scale_holds_zero_and_what_matters(values: list[float], margin: float, low: float, high: float):
    strip = Strip("x", "", values[0], low, high, margin, margin < 0, tuple(Dot("1", value) for value in values))
    scale = shared_scale([strip])
    assert scale.low < scale.high
    assert all(scale.holds(value) for value in [0.0, margin, *values])
    assert 2 <= len(scale.ticks) <= 8
    assert 0.0 in scale.ticks
    assert all(scale.holds(tick) for tick in scale.ticks)
    for place in places(change_strip(strip, scale), "circle", "dot", "cx"):
        assert 0 <= place <= 100


@given(st.lists(st.floats(0, 0.02), max_size=60))
def test_dots_stay_in_their_strip(values: list[float]):
    strip = Strip("x", "", dots=tuple(Dot(str(place), value) for place, value in enumerate(values)))
    heights = places(change_strip(strip, Scale(-0.5, 0.5)), "circle", "dot", "cy")
    assert len(heights) == len(values)
    assert all(13 <= height <= 40 for height in heights)
    for height in places(change_row(strip, Scale(-0.5, 0.5)), "circle", "dot", "cy"):
        assert 0 < height < 26
    for height in places(rate_strip(strip), "circle", "dot", "cy"):
        assert 0 < height < 20


def test_equal_dots_are_stacked_not_hidden():
    strip = Strip("x", "", dots=(Dot("1", 0.1), Dot("2", 0.1), Dot("3", 0.1)))
    assert len(set(places(change_strip(strip, Scale(0, 0.2)), "circle", "dot", "cy"))) == 3


def test_one_wild_interval_does_not_flatten_the_others():
    calm = Strip("x", "", 0.02, 0.0, 0.04, 0.05)
    wild = Strip("x", "", 0.03, -3.0, 3.0, 0.05)
    assert shared_scale([calm, wild]).high <= 0.15


def test_marks_are_where_their_values_are():
    scale = Scale(-0.1, 0.1)
    assert scale.at(0.0) == pytest.approx(50)
    assert scale.at(0.1) - scale.at(0.05) == pytest.approx(scale.at(0.05) - scale.at(0.0))
    assert scale.at(7.0) == scale.at(0.1)


def test_nothing_to_show_is_an_empty_scale_around_zero():
    scale = shared_scale([])
    assert scale.low < 0 < scale.high or scale.low == 0 or scale.high == 0
    assert change_strip(Strip("none", "nothing"), scale)


@pytest.mark.parametrize(("share", "width"), [(None, 0), (0.25, 25), (7.0, 100), (-1.0, 0)])
def test_a_share_is_a_width(share: float | None, width: float):
    assert places(share_bar(share, "about"), "rect", "fill", "width") == [width]


def test_titles_are_escaped():
    svg = change_strip(Strip("x", "<b>&\"'", dots=(Dot("<i>", 0.1),)), RATES)
    assert "<b>" not in svg
    assert "<i>" not in svg
