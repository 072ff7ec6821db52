"""Where every training seed's rate goes from round to round, as it was measured: no model of it, no interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aftertune.asked import Asked
from aftertune.cells import Block, blocks
from aftertune.pairing import rate_or_nan
from aftertune.section_records import Trajectory
from aftertune.table import INITIAL

if TYPE_CHECKING:
    import polars as pl

Place = tuple[str, str, str]  # benchmark, outcome, judge


def trajectories(table: pl.DataFrame, asked: Asked, one_to_five: set[tuple[str, str]]) -> tuple[Trajectory, ...]:
    """One row per training seed of every arm that has more than one round, on every benchmark, outcome and judge.

    Args:
        table: The checked table, with all rounds.
        asked: The settings.
        one_to_five: Outcomes and judges whose scores run from 1 to 5.

    Returns:
        Rates by round; the first is that of the initial model, at round 0, where the table has it.
    """
    import polars as pl

    if table["round"].n_unique() == 1:
        return ()
    counts = table.group_by("arm").agg(rounds=pl.col("round").unique().sort()).sort("arm")
    ways = [(arm, rounds) for arm, rounds in counts.iter_rows() if len(rounds) > 1 and arm != INITIAL]
    if not ways:
        return ()
    start = _by_place(table.filter(pl.col("arm") == INITIAL), one_to_five)
    return tuple(
        row
        for arm, rounds in ways
        for row in _arm(table.filter(pl.col("arm") == arm), arm, rounds, start, asked, one_to_five)
    )


def _by_place(rows: pl.DataFrame, one_to_five: set[tuple[str, str]]) -> dict[Place, Block]:
    if rows.height == 0:
        return {}
    return {(block.benchmark, block.outcome, block.judge): block for block in blocks(rows, one_to_five)}


def _arm(
    rows: pl.DataFrame,
    arm: str,
    rounds: Sequence[float],
    start: dict[Place, Block],
    asked: Asked,
    one_to_five: set[tuple[str, str]],
) -> Iterator[Trajectory]:
    import polars as pl

    found = [(number, _by_place(rows.filter(pl.col("round") == number), one_to_five)) for number in rounds]
    for place in sorted({place for _, there in found for place in there}):
        there = [(number, blocks_[place].arms[arm]) for number, blocks_ in found if place in blocks_]
        block = next(blocks_[place] for _, blocks_ in found if place in blocks_)
        first = [(0, rate_or_nan(start[place].arms[INITIAL].y_SFI))] if place in start else []
        for seed in dict.fromkeys(seed for _, cells in there for seed in cells.seeds):
            way = [
                (number, rate_or_nan(cells.y_SFI[[cells.seeds.index(seed)]]))
                for number, cells in there
                if seed in cells.seeds
            ]
            numbers, rates = zip(*first, *way, strict=True)
            yield Trajectory(arm, *place, seed, numbers, rates, asked.primary(block))
