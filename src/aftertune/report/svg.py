"""The report's graphics: small inline SVG, coloured by the page's style sheet.

Horizontal positions are percentages of the drawing's width, so that a strip fits any column without its text
shrinking. Every mark has a title; nothing is told by colour alone. No numbers are computed here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

from markupsafe import Markup, escape

from aftertune.report.text import MINUS, clean, points

# Where a scale's ends lie in a drawing, in percent: room for tick labels and arrowheads.
_INSET = 4.0
# Two dots nearer than this, in percent of the width, are stacked.
_CROWDED = 1.7
# A change of rates cannot be larger than 1; what claims to be is drawn as going on beyond the scale.
_FARTHEST = 1.0
_STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.10, 0.20, 0.25, 0.50, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A shared horizontal scale; values are fractions."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """A value's place in percent of the width; values off the scale lie on its ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _INSET + share * (100 - 2 * _INSET)

    def holds(self, value: float) -> bool:
        """Whether a value is on the scale."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> tuple[float, ...]:
        """Two to eight round values on the scale."""
        span = self.high - self.low
        step = next((step for step in _STEPS if span / step <= 7), span / 4)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(round(tick * step, 10) for tick in range(first, last + 1))


RATES = Scale(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """One training seed's value."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Strip:
    """What one strip shows.

    Attributes:
        kind: The style-sheet class that colours it.
        about: The same in words, for those who do not see it.
        margin: The margin with its sign: not above zero where lower is worse.
    """

    kind: str
    about: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    lower_is_worse: bool = False
    dots: tuple[Dot, ...] = ()


def shared_scale(strips: Iterable[Strip]) -> Scale:
    """A scale for several changes: holds zero, every margin, estimate and dot, and most intervals.

    Limits stretch it on either side by what the dots need or by a typical width, whichever is more;
    an interval that is wider ends in an arrowhead. Otherwise one from two training seeds would flatten all
    others.

    >>> shared_scale([Strip("within", "", estimate=0.02, low=-0.01, high=0.05, margin=0.05)])
    Scale(low=-0.015, high=0.055)
    """
    strips = list(strips)
    firm = [0.0, *(dot.value for strip in strips for dot in strip.dots)]
    firm += [value for strip in strips for value in (strip.estimate, strip.margin) if value is not None]
    limits = [(strip.low, strip.high) for strip in strips if strip.low is not None and strip.high is not None]
    typical = median_low([high - low for low, high in limits] or [0.0])
    reach = max(max(firm) - min(firm), typical, 0.01)
    low = max(min([*firm, *(low for low, _ in limits)]), min(firm) - reach, -_FARTHEST)
    high = min(max([*firm, *(high for _, high in limits)]), max(firm) + reach, _FARTHEST)
    return _rounded(low, high)


def _rounded(low: float, high: float) -> Scale:
    """The next round values outwards."""
    step = next((step for step in _STEPS[1:] if (high - low) / step <= 14), (high - low) / 10)
    return Scale(math.floor(low / step - 1e-9) * step, math.ceil(high / step + 1e-9) * step)


def change_strip(strip: Strip, scale: Scale) -> Markup:
    """The full strip of a contrast: dots, interval, margin, zero line and axis."""
    marks = [
        _beyond_margin(strip, scale, 14, 38),
        _grid(scale, 14, 52),
        _zero(scale, 14, 52),
        _margin(strip, scale, 14, 52, named=True),
        _bar(strip, scale, 43),
        _dots(strip, scale, 32, 3.5, 17),
        _tick_labels(scale, 66),
    ]
    return _drawing(strip, marks, height=72, style="strip")


def change_row(strip: Strip, scale: Scale) -> Markup:
    """The same in one table row, without words."""
    marks = [
        _beyond_margin(strip, scale, 0, 30),
        _grid(scale, 0, 30),
        _zero(scale, 0, 30),
        _margin(strip, scale, 0, 30, named=False),
        _bar(strip, scale, 22),
        _dots(strip, scale, 14, 2.6, 3.5),
    ]
    return _drawing(strip, marks, height=30, style="row")


def axis(scale: Scale, about: str) -> Markup:
    """The axis over a column of rows."""
    return _drawing(Strip("plain", about), [_tick_labels(scale, 11)], height=14, style="axis")


def rate_strip(strip: Strip) -> Markup:
    """A rate between 0 and 1 with its training seeds as dots."""
    line = Markup('<line class="grid" x1="{}%" x2="{}%" y1="15" y2="15"/>').format(_pc(RATES.at(0)), _pc(RATES.at(1)))
    ends = _join(
        Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="12" y2="18"/>').format(_pc(RATES.at(end)))
        for end in (0.0, 0.5, 1.0)
    )
    marks = [line, ends, _dots(strip, RATES, 9, 2.6, 3), _estimate(strip, RATES, 11, 19)]
    return _drawing(strip, marks, height=20, style="rate")


def share_interval(share: float | None, low: float | None, high: float | None, about: str) -> Markup:
    """A share between 0 and 1 with its limits; empty where there is none."""
    if share is None:
        return Markup("")
    strip = Strip("within", about, estimate=share, low=low, high=high)
    line = Markup('<line class="grid" x1="{}%" x2="{}%" y1="10" y2="10"/>').format(_pc(RATES.at(0)), _pc(RATES.at(1)))
    return _drawing(strip, [line, _bar(strip, RATES, 10), _estimate(strip, RATES, 4, 16)], height=20, style="rate")


def share_bar(share: float | None, about: str) -> Markup:
    """A share of a whole as a bar; empty where there is none."""
    width = 0.0 if share is None else min(max(share, 0.0), 1.0) * 100
    marks = [
        Markup('<rect class="track" x="0" y="0" width="100%" height="10"/>'),
        Markup('<rect class="fill" x="0" y="0" width="{}%" height="10"/>').format(_pc(width)),
    ]
    return _drawing(Strip("plain", about), marks, height=10, style="share")


def _drawing(strip: Strip, marks: Iterable[Markup], *, height: int, style: str) -> Markup:
    return Markup('<svg class="{} {}" role="img" width="100%" height="{}"><title>{}</title>{}</svg>').format(
        style, strip.kind, height, _text(strip.about), _join(marks)
    )


def _beyond_margin(strip: Strip, scale: Scale, top: int, height: int) -> Markup:
    if strip.margin is None:
        return Markup()
    at, end = scale.at(strip.margin), 0.0 if strip.lower_is_worse else 100.0
    return Markup('<rect class="beyond" x="{}%" y="{}" width="{}%" height="{}"/>').format(
        _pc(min(at, end)), top, _pc(abs(end - at)), height
    )


def _grid(scale: Scale, top: int, bottom: int) -> Markup:
    return _join(_upright("grid", scale.at(tick), top, bottom) for tick in scale.ticks if tick != 0)


def _zero(scale: Scale, top: int, bottom: int) -> Markup:
    return _upright("zero", scale.at(0.0), top, bottom)


def _margin(strip: Strip, scale: Scale, top: int, bottom: int, *, named: bool) -> Markup:
    if strip.margin is None:
        return Markup()
    at = scale.at(strip.margin)
    line = _upright("margin", at, top, bottom)
    # Near an end the label is set inwards, so that it is never cut off.
    anchor = "end" if at > 85 else "start" if at < 15 else "middle"
    label = Markup('<text class="margin-label" x="{}%" y="10" text-anchor="{}">margin {}</text>').format(
        _pc(at), anchor, points(strip.margin)
    )
    return line + label if named else line


def _bar(strip: Strip, scale: Scale, y: int) -> Markup:
    if strip.low is None or strip.high is None:
        return _estimate(strip, scale, y - 6, y + 6)
    low, high = scale.at(strip.low), scale.at(strip.high)
    bar = Markup('<line class="bar" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>').format(_pc(low), _pc(high), y=y)
    ends = [_end(scale, value, y, outward) for value, outward in ((strip.low, -1), (strip.high, 1))]
    return bar + _join(ends) + _estimate(strip, scale, y - 6, y + 6)


def _end(scale: Scale, value: float, y: int, outward: int) -> Markup:
    if scale.holds(value):
        return _upright("cap", scale.at(value), y - 4, y + 4)
    shape = f"M0,-5 L{6 * outward},0 L0,5 Z"
    return _placed(scale.at(value), Markup('<path class="arrow" d="{}" transform="translate(0 {})"/>').format(shape, y))


def _estimate(strip: Strip, scale: Scale, top: int, bottom: int) -> Markup:
    if strip.estimate is None:
        return Markup()
    if not scale.holds(strip.estimate):
        return _end(scale, strip.estimate, (top + bottom) // 2, 1 if strip.estimate > scale.high else -1)
    return _upright("estimate", scale.at(strip.estimate), top, bottom)


def _dots(strip: Strip, scale: Scale, y: float, radius: float, ceiling: float) -> Markup:
    """Dots side by side where there is room, else stacked upwards from `y`, closer the more there are."""
    dots = sorted(strip.dots, key=lambda dot: (dot.value, dot.label))
    levels = _levels([scale.at(dot.value) for dot in dots])
    gap = min(1.7 * radius, (y - ceiling) / max([1, *levels]))
    return _join(
        _dot(dot, scale.at(dot.value), y - gap * level, radius) for dot, level in zip(dots, levels, strict=True)
    )


def _dot(dot: Dot, at: float, y: float, radius: float) -> Markup:
    circle = Markup(
        '<circle class="dot" cx="{}%" cy="{:.1f}" r="{}"><title>training seed {}: {} points</title></circle>'
    )
    return circle.format(_pc(at), y, radius, _text(dot.label), points(dot.value))


def _levels(places: Sequence[float]) -> list[int]:
    """How high each dot is stacked: the lowest level where it touches none of the dots before it.

    >>> _levels([10.0, 10.5, 30.0])
    [0, 1, 0]
    """
    ends: list[float] = []
    levels = []
    for place in places:
        level = next((level for level, end in enumerate(ends) if place - end >= _CROWDED), len(ends))
        ends[level : level + 1] = [place]
        levels.append(level)
    return levels


def _tick_labels(scale: Scale, y: int) -> Markup:
    return _join(
        Markup('<text class="tick" x="{}%" y="{}" text-anchor="middle">{}</text>').format(
            _pc(scale.at(tick)), y, _tick(tick)
        )
        for tick in scale.ticks
    )


def _tick(value: float) -> str:
    shown = f"{abs(value) * 100:.4g}"
    return "0" if value == 0 else f"{MINUS if value < 0 else '+'}{shown}"


def _upright(style: str, at: float, top: int, bottom: int) -> Markup:
    return Markup('<line class="{0}" x1="{1}%" x2="{1}%" y1="{2}" y2="{3}"/>').format(style, _pc(at), top, bottom)


def _placed(at: float, shape: Markup) -> Markup:
    """A shape drawn in pixels around a place given in percent."""
    return Markup('<svg x="{}%" overflow="visible" width="1" height="1">{}</svg>').format(_pc(at), shape)


def _text(text: str) -> Markup:
    return escape(clean(text))


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _pc(value: float) -> str:
    return f"{value:.2f}"
