"""Validation page of areas under the ROC curve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from common import Tally, table
from scipy import special

from aftertune.seeds import generator
from aftertune.stats.auc import auc, auc_difference

AREAS = (0.5, 0.7, 0.9, 0.97)
_CUTS = np.array([-0.5, 0.3, 1.0, 1.8])  # five ratings


def auc_page(n: int) -> Iterator[str]:
    """Areas of one score, and differences of two."""
    yield """# Area under the ROC curve

How often the interval of `auc` holds the true area, by the number of items on each side. Normal: normal scores of equal
spread. Ratings: the same cut into five classes, so that many tie (true areas 0.50, 0.69, 0.89, 0.96). Uneven spread:
the positives' scores spread twice as wide. Entries: **coverage % / mean half-width in hundredths**, at 95 %; in
brackets the misses by an interval that lies too high, of 2.5 % allowed.
"""
    rows = []
    for name in ("normal", "ratings", "uneven spread"):
        for m, size in ((20, 20), (50, 50), (100, 100), (10, 100), (500, 500)):
            cells = [_cell(n, name, m, size, area) for area in AREAS]
            rows.append([f"{name}; {m} and {size}", *cells])
    yield table(["scores; positives and negatives", *(f"area {area}" for area in AREAS)], rows)
    yield """With the limit towards one half from the wider of two rules the interval is careful near 1: DeLong's limit
alone covers as little as 85 % there with 10 to 50 items on a side.
"""
    yield from _separated(n)
    yield from _differences(n)


def _cell(n: int, name: str, m: int, size: int, area: float) -> str:
    rng, tally, high, true = generator(41, "auc", name, m, size, str(area)), Tally(), 0, true_area(name, area)
    for _ in range(n):
        found = auc(*draw_scores(rng, name, m, size, area))
        tally.add_limits(found.low, found.high, true)
        high += found.low > true
    return f"{tally.short()} ({100 * high / n:.1f})"


def draw_scores(rng: np.random.Generator, name: str, m: int, n: int, area: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of positives and negatives with a known area."""
    spread = 2.0 if name == "uneven spread" else 1.0
    positive = rng.normal(np.sqrt(1 + spread**2) * special.ndtri(area), spread, m)
    negative = rng.normal(0, 1, n)
    if name == "ratings":
        return np.digitize(positive, _CUTS).astype(float), np.digitize(negative, _CUTS).astype(float)
    return positive, negative


def true_area(name: str, area: float) -> float:
    """The area of the scores as drawn; ties lose some of it."""
    if name != "ratings":
        return area
    ends = np.array([-np.inf, *_CUTS, np.inf])
    positive, negative = (np.diff(special.ndtr(ends - at)) for at in (np.sqrt(2) * special.ndtri(area), 0.0))
    return float(sum(positive[k] * (negative[:k].sum() + negative[k] / 2) for k in range(5)))


def _separated(n: int) -> Iterator[str]:
    yield """
**Sides that do not overlap.** The worst case for that limit: a share of the smaller side lies beyond all of the other
and the rest in order. Then the sample shows no overlap with probability area^k. Entries: **share of samples without
overlap % / coverage % over all samples**.
"""
    rows = []
    for size in (10, 20, 50):
        cells = []
        for area in (0.85, 0.9, 0.95, 0.99):
            rng, hits, apart = generator(42, "separated", size, str(area)), 0, 0
            for _ in range(n):
                positive = np.where(rng.random(size) < area, 1.0, -1.0) + rng.random(size) / 10
                found = auc(positive, rng.random(500) / 10)
                hits += found.low <= area <= found.high
                apart += found.estimate == 1
            cells.append(f"{100 * apart / n:.1f} / {100 * hits / n:.1f}")
        rows.append([f"{size} positives, 500 negatives", *cells])
    yield table(["size", *(f"area {area}" for area in (0.85, 0.9, 0.95, 0.99))], rows)


def _differences(n: int) -> Iterator[str]:
    yield """
**Difference of two scores** of the same items, `auc_difference`; the two correlate at 0.6 within each side. Entries:
**coverage % / mean half-width in hundredths**, at 95 %; in brackets the samples without an interval, because both
scores rank every item alike.
"""
    pairs, rows = ((0.7, 0.7), (0.8, 0.7), (0.95, 0.9)), []
    for size in (20, 50, 100):
        cells = []
        for pair in pairs:
            rng, tally = generator(43, "difference", size, str(pair)), Tally()
            for _ in range(n):
                found = auc_difference(*draw_two_scores(rng, size, pair), np.arange(2 * size) < size)
                if found.defined:
                    tally.add_limits(found.low, found.high, pair[0] - pair[1])
            cells.append(tally.short() + ("" if tally.n == n else f" ({n - tally.n} of {n})"))
        rows.append([f"{size} and {size}", *cells])
    yield table(["items on each side", *(f"{first} against {second}" for first, second in pairs)], rows)


def draw_two_scores(rng: np.random.Generator, size: int, areas: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Two correlated scores of the same items, positives first."""
    shared = rng.normal(0, np.sqrt(0.6), 2 * size)
    first, second = (
        np.repeat([np.sqrt(2) * special.ndtri(area), 0.0], size) + shared + rng.normal(0, np.sqrt(0.4), 2 * size)
        for area in areas
    )
    return first, second
