"""What the validation pages share: studies to simulate, tallies, and Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from aftertune.stats.budget import Budget, limits
from aftertune.testing import Effects, draw
from aftertune.testing.simulate import Draw

SPREADS = (0.1, 0.3, 0.6)  # between-seed SD on the logit scale; about 1.5, 3.0 and 5.7 points here
ENTRIES = "Entries: **coverage % / mean half-width in points**, at 95 %.\n"
STILL = Effects(item_arm=0, seed=0, item_seed=0, format_arm=0, seed_format=0)  # tuning that does nothing
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass
class Tally:
    """What happened over the studies of one cell."""

    hits: int = 0
    excluded: int = 0
    width: float = 0.0
    n: int = 0

    def add(self, budget: Budget, truth: float, *, alpha: float = 0.05) -> None:
        """Count one study's interval."""
        self.add_limits(*limits(budget, alpha=alpha), truth)

    def add_limits(self, low: float, high: float, truth: float) -> None:
        """Count one study's limits; undefined ones cover nothing."""
        self.hits += low <= truth <= high
        self.excluded += low > 0 or high < 0
        self.width += (high - low) / 2
        self.n += 1

    @property
    def coverage(self) -> float:
        """Coverage in %."""
        return 100 * self.hits / self.n

    @property
    def half_width(self) -> float:
        """Mean half-width in points."""
        return 100 * self.width / self.n

    def text(self) -> str:
        """Coverage, mean half-width and share without 0, in % and points."""
        return f"{self.short()} / {100 * self.excluded / self.n:.0f}"

    def short(self, *, digits: int = 1, scale: float = 1.0) -> str:
        """Coverage and mean half-width."""
        return f"{self.coverage:.1f} / {self.half_width * scale:.{digits}f}"


def covered(budgets: Iterable[tuple[Budget, float]], *, log_scale: bool = False) -> str:
    """Coverage and mean half-width of (budget, truth), in points or on the log scale."""
    tally = Tally()
    for budget, truth in budgets:
        tally.add(budget, truth)
    return tally.short(digits=2, scale=0.01) if log_scale else tally.short()


def arrays(study: Draw) -> Arrays:
    """A simulated study as (arm, initial), replicates averaged."""
    return study.tuned_SFIR.mean(axis=3), study.initial_FIR.mean(axis=2)[None]


def main_study(rng: np.random.Generator, change: float, n_seeds: int, spread: float) -> Arrays:
    """The design's main scenario: 450 items, 4 fixed formats, the initial model decoded once per seed."""
    return arrays(
        draw(
            rng,
            change=change,
            n_items=450,
            n_seeds=n_seeds,
            n_formats=4,
            n_initial_replicates=n_seeds,
            effects=Effects(seed=spread),
        )
    )


def small_study(
    rng: np.random.Generator,
    *,
    change: float = 0.05,
    n_items: int = 200,
    n_seeds: int = 5,
    n_formats: int = 2,
    effects: Effects | None = None,
) -> Arrays:
    """A study of 200 items and two formats, one response per cell."""
    return arrays(draw(rng, change=change, n_items=n_items, n_seeds=n_seeds, n_formats=n_formats, effects=effects))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
