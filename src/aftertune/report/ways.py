"""The way of every training seed over rounds of tuning, as small line charts: one per arm, benchmark and outcome.

All charts share one scale. Every mark has a title; no number is computed here but the mean line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from aftertune.report.fields import Json, number, records, words
from aftertune.report.text import clean, percent
from aftertune.stats.sentences import rate_name

_TOP, _BOTTOM, _HEIGHT = 8, 128, 153
_LEFT, _RIGHT = 12.0, 97.0  # percent of the width; room for the rates' labels
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_LABELS = 8
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Way:
    """One chart with its caption."""

    arm: str
    rate_name: str
    benchmark: str
    judge: str
    chart: Markup


@dataclass(frozen=True, slots=True)
class _Line:
    """One training seed's rates by round, in the order of rounds."""

    seed: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Axes:
    """The scales that all charts share: rounds from 0, rates from a round number below to one above."""

    last: float
    low: float
    high: float

    def x(self, place: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * place / self.last

    def y(self, rate: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * (rate - self.low) / (self.high - self.low)


def ways_view(results: Json) -> tuple[Way, ...]:
    """The charts of the primary outcome; of all outcomes where none is primary."""
    found = [row for row in records(results, "trajectories") if _line(row).points]
    chosen = [row for row in found if row.get("primary") is True] or found
    groups: dict[tuple[str, ...], list[_Line]] = {}
    for row in chosen:
        key = tuple(words(row, name) for name in ("arm", "benchmark", "outcome", "judge"))
        groups.setdefault(key, []).append(_line(row))
    if not groups:
        return ()
    axes = _axes([line for lines in groups.values() for line in lines])
    contrasts = records(results, "contrasts")
    harmful = {words(row, "benchmark"): words(row, "worse") != "higher" for row in contrasts}
    plain = {words(row, "benchmark") for row in contrasts if row.get("attack") is not True}
    attacked = set(harmful) - plain
    return tuple(
        Way(arm, _rate(outcome, harmful.get(benchmark, True), benchmark in attacked), benchmark, judge, chart)
        for (arm, benchmark, outcome, judge), lines in groups.items()
        for chart in (_chart(arm, lines, axes),)
    )


def _rate(outcome: str, falls_when_worse: bool, attack: bool) -> str:
    return rate_name(outcome or "unnamed", harmful_items=outcome != "refused" or falls_when_worse, attack=attack)


def _line(row: Json) -> _Line:
    rounds, rates = row.get("rounds"), row.get("rates")
    if not isinstance(rounds, (list, tuple)) or not isinstance(rates, (list, tuple)):
        return _Line("", ())
    pairs = [(number({"v": place}, "v"), number({"v": rate}, "v")) for place, rate in zip(rounds, rates, strict=False)]
    known = sorted(
        (place, min(max(rate, 0.0), 1.0))
        for place, rate in pairs
        if place is not None and rate is not None and 0 <= place <= _MOST_ROUNDS
    )
    return _Line(words(row, "training_seed"), tuple(known))


def _axes(lines: Sequence[_Line]) -> _Axes:
    places = [place for line in lines for place, _ in line.points]
    rates = [rate for line in lines for _, rate in line.points]
    step = _step(max(rates) - min(rates))
    low = max(0.0, math.floor(min(rates) / step - 1e-9) * step)
    high = min(1.0, math.ceil(max(rates) / step + 1e-9) * step)
    return _Axes(max([*places, 1.0]), low, high if high > low else low + step)


def _step(span: float) -> float:
    """The distance of the rates' grid lines: two to six of them."""
    return next((step for step in _STEPS if span / step <= 5), _STEPS[-1])


def _chart(arm: str, lines: Sequence[_Line], axes: _Axes) -> Markup:
    about = f"{arm}: " + "; ".join(f"training seed {line.seed or 'n/a'} {_told(line)}" for line in lines)
    marks = [_rates(axes), _rounds(lines, axes), *(_drawn(line, axes, "way") for line in lines)]
    mean = _mean(lines)
    if len(lines) > 1 and len(mean.points) > 1:
        marks.append(_drawn(mean, axes, "way mean", dots=False))
    return Markup('<svg class="ways" role="img" width="100%" height="{}"><title>{}</title>{}</svg>').format(
        _HEIGHT, escape(clean(about, 2000)), Markup("").join(marks)
    )


def _told(line: _Line) -> str:
    return ", ".join(f"{percent(rate)} at {place:g}" for place, rate in line.points)


def _mean(lines: Sequence[_Line]) -> _Line:
    """Where all seeds were measured, their mean."""
    by_place: dict[float, list[float]] = {}
    for line in lines:
        for place, rate in line.points:
            by_place.setdefault(place, []).append(rate)
    whole = {place: rates for place, rates in sorted(by_place.items()) if len(rates) == len(lines)}
    return _Line("", tuple((place, sum(rates) / len(rates)) for place, rates in whole.items()))


def _drawn(line: _Line, axes: _Axes, style: str, *, dots: bool = True) -> Markup:
    at = [(axes.x(place), axes.y(rate)) for place, rate in line.points]
    steps = Markup("").join(
        Markup('<line class="{}" x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}"/>').format(style, *one, *other)
        for one, other in zip(at, at[1:], strict=False)
    )
    if not dots:
        return steps
    circle = Markup('<circle class="dot" cx="{:.2f}%" cy="{:.1f}" r="2.6"><title>{}</title></circle>')
    return steps + Markup("").join(
        circle.format(x, y, _title(line.seed, place, rate))
        for (x, y), (place, rate) in zip(at, line.points, strict=True)
    )


def _title(seed: str, place: float, rate: float) -> str:
    where = "the initial model" if place == 0 else f"training seed {seed or 'n/a'}, round {place:g}"
    return f"{where}: {percent(rate)}"


def _rates(axes: _Axes) -> Markup:
    """Grid lines with their rates."""
    step = _step(axes.high - axes.low)
    n = round((axes.high - axes.low) / step)
    line = Markup(
        '<line class="grid" x1="{left}%" x2="{right}%" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="tick" x="{end}%" y="{text:.1f}" text-anchor="end">{shown:g} %</text>'
    )
    rates = [axes.low + place * step for place in range(n + 1)]
    return Markup("").join(
        line.format(
            left=_LEFT, right=_RIGHT, end=_LEFT - 1.5, y=axes.y(rate), text=axes.y(rate) + 4, shown=round(100 * rate, 6)
        )
        for rate in rates
    )


def _rounds(lines: Sequence[_Line], axes: _Axes) -> Markup:
    """The rounds under the chart; 0 is the initial model."""
    places = sorted({place for line in lines for place, _ in line.points})
    whole = [place for place in places if place == int(place)] or places
    shown = whole[:: max(1, math.ceil(len(whole) / _MOST_LABELS))]
    label = Markup('<text class="tick" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>')
    return Markup("").join(
        label.format(
            axes.x(place), _HEIGHT - 4, _anchor(axes.x(place)), "initial" if place == 0 else f"round {place:g}"
        )
        for place in shown
    )


def _anchor(x: float) -> str:
    """Near the right end a label is set inwards, so that it is never cut off."""
    return "end" if x > 95 else "middle"
