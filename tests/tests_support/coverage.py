"""Bands for simulated shares: how far a share may lie from what is promised before a test fails."""

from __future__ import annotations

import math
from collections.abc import Iterable

from aftertune.stats.budget import Budget, limits


def band(low: float, high: float, n: int) -> tuple[float, float]:
    """The promised band, widened by four binomial standard errors on each side."""
    return low - 4 * math.sqrt(low * (1 - low) / n), high + 4 * math.sqrt(high * (1 - high) / n)


def inside(share: float, low: float, high: float, n: int) -> bool:
    """Whether a share of `n` studies lies in the promised band, with that tolerance."""
    wide = band(low, high, n)
    return bool(wide[0] <= share <= wide[1])


def coverage(budgets: Iterable[tuple[Budget, float]]) -> tuple[float, int]:
    """The share of 95 % intervals that hold their truth, and how many there were; undefined ones hold nothing."""
    hits = n = 0
    for budget, truth in budgets:
        low, high = limits(budget, alpha=0.05)
        hits, n = hits + (low <= truth <= high), n + 1
    return hits / n, n
