"""Tables beyond single contrasts: categories, judges against each other and against people, factors, rounds.

Each is a plain grid of words made from the results; an empty one is left out of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aftertune.report.fields import Json, mapping, number, records, words
from aftertune.report.protocol import Cell, Grid
from aftertune.report.text import NA, p_words, percent, points

Column = tuple[str, Callable[[Json], str], bool]  # heading, what to print, whether it is a number
_VERDICTS = {"FAIL": "degraded", "PASS": "within margin", "CANNOT TELL": "cannot tell"}


@dataclass(frozen=True, slots=True)
class Beyond:
    """Grids by what they are about; without rows where the results hold none."""

    categories: Grid
    agreement: Grid
    judge_errors: Grid
    corrected: Grid
    factors: Grid
    trends: Grid
    noise: Grid

    @property
    def judges(self) -> bool:
        """Whether there is anything to say about judges."""
        return bool(self.agreement.rows or self.judge_errors.rows or self.corrected.rows)

    @property
    def designs(self) -> bool:
        """Whether there is anything to say about factors or rounds."""
        return bool(self.factors.rows or self.trends.rows)


def beyond_view(results: Json) -> Beyond:
    """Build every grid."""
    return Beyond(**{name: _grid(_first_asked(records(results, name)), columns) for name, columns in _COLUMNS.items()})


def _first_asked(rows: Sequence[Json]) -> list[Json]:
    """What the study asked about before the rest; otherwise in their own order."""
    return sorted(rows, key=lambda row: row.get("primary") is not True)


def _grid(rows: Sequence[Json], columns: Sequence[Column]) -> Grid:
    cells = tuple(tuple(Cell(show(row) or NA, numeric=numeric) for _, show, numeric in columns) for row in rows)
    return Grid(tuple(heading for heading, _, _ in columns), cells)


def _text(key: str) -> Callable[[Json], str]:
    return lambda row: words(row, key)


def _joined(first: str, between: str, second: str) -> Callable[[Json], str]:
    def show(row: Json) -> str:
        found = words(row, first), words(row, second)
        return between.join(found) if all(found) else ""

    return show


def _count(key: str) -> Callable[[Json], str]:
    def show(row: Json) -> str:
        n = number(row, key)
        return NA if n is None else f"{n:,.0f}"

    return show


def _change(row: Json) -> str:
    """A change with its limits in points, or why there are none."""
    low, high = number(row, "low"), number(row, "high")
    shown = points(number(row, "estimate"))
    if low is None or high is None:
        return shown
    return f"{shown} ({points(low)} to {points(high)})"


def _inner(key: str) -> Callable[[Json], str]:
    return lambda row: _change(mapping(row, key))


def _share(key: str) -> Callable[[Json], str]:
    """A share of responses with its limits, in per cent."""

    def show(row: Json) -> str:
        found = mapping(row, key)
        low, high = number(found, "low"), number(found, "high")
        shown = percent(number(found, "estimate"))
        return shown if low is None or high is None else f"{shown} ({points(low, sign=False)} to {percent(high)})"

    return show


def _coefficient(key: str) -> Callable[[Json], str]:
    """A coefficient such as kappa: no unit, two decimals."""

    def show(row: Json) -> str:
        found = mapping(row, key)
        value, low, high = (number(found, name) for name in ("estimate", "low", "high"))
        if value is None:
            return NA
        return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f} to {high:.2f})"

    return show


def _labels(row: Json) -> str:
    return f"{_count('n_labels')(row)} and {_count('n_labels_against')(row)}"


def _verdict(row: Json) -> str:
    return _VERDICTS.get(words(row, "verdict"), NA)


def _rounds(row: Json) -> str:
    found = row.get("rounds")
    known = [value for value in found if isinstance(value, (int, float))] if isinstance(found, (list, tuple)) else []
    return ", ".join(f"{value:g}" for value in known)


_CONTRAST: tuple[Column, ...] = (("arm", _text("arm"), False), ("against", _text("against"), False))
_PLACE: tuple[Column, ...] = (
    ("benchmark", _text("benchmark"), False),
    ("outcome", _text("outcome"), False),
    ("judge", _text("judge"), False),
)
_P: Column = ("p", lambda row: p_words(number(row, "p_value")), True)
_ADJUSTED: Column = ("p adjusted", lambda row: p_words(number(row, "p_adjusted")), True)
_REASON: Column = ("note", lambda row: words(row, "reason") or "\u2013", False)
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "categories": (
        ("category", _text("category"), False),
        *_CONTRAST,
        ("benchmark", _text("benchmark"), False),
        ("items", _count("n_items"), True),
        ("change, this category alone", _change, True),
        ("drawn towards the others", _inner("shrunk"), True),
        _P,
        _ADJUSTED,
        _REASON,
    ),
    "agreement": (
        ("arm", _text("arm"), False),
        ("measured", _joined("outcome", " on ", "benchmark"), False),
        ("judges", _joined("judge", ", ", "other"), False),
        ("responses", _count("n"), True),
        ("same verdict", _share("share"), True),
        ("kappa", _coefficient("kappa"), True),
        ("AC1", _coefficient("ac1"), True),
        _REASON,
    ),
    "judge_errors": (
        ("arm", _text("arm"), False),
        *_PLACE,
        ("labels", _count("n_labels"), True),
        ("sensitivity", _share("sensitivity"), True),
        ("specificity", _share("specificity"), True),
        ("says too much, points", _inner("bias"), True),
        _REASON,
    ),
    "corrected": (
        *_CONTRAST,
        *_PLACE,
        ("labels", _labels, True),
        ("taken out", _inner("drift"), True),
        ("corrected change", _change, True),
        ("verdict then", _verdict, False),
        _REASON,
    ),
    "factors": (
        ("effect", lambda row: words(row, "effect").replace("_", " "), False),
        ("levels", lambda row: words(row, "levels").replace("_", " "), False),
        *_PLACE,
        ("difference", _change, True),
        _P,
        _ADJUSTED,
        ("training seeds", _count("n_seeds"), True),
        _REASON,
    ),
    "trends": (
        ("arm", _text("arm"), False),
        *_PLACE,
        ("rounds", _rounds, False),
        ("change per round", _change, True),
        _P,
        ("training seeds", _count("n_seeds"), True),
        _REASON,
    ),
    "noise": (
        ("arm", _text("arm"), False),
        *_PLACE,
        ("repeated", lambda row: words(row, "source").replace("_", " "), False),
        ("typical difference, points", lambda row: points(number(row, "floor"), sign=False), True),
        ("repeats", _count("n"), True),
    ),
}
