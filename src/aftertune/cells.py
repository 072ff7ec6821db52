"""From the long table to arrays: one block per benchmark, outcome and judge.

Replicates are summed into cells here; nothing is dropped, missing values are counted beside the values. The
statistics take it from there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aftertune.codes import Codes, Places, codes, dense, joint_code
from aftertune.table import KEY

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ArmCells:
    """One arm's sums per training seed, prompt format and item.

    Attributes:
        seeds: Training seeds in order; one None for a model without.
        total_SFI: Sum of values; `squares_SFI` the sum of their squares.
        n_SFI: Number of values.
        missing_SFI: Judgments without a value. A cell the table lacks counts as one.
    """

    arm: str
    seeds: tuple[int | None, ...]
    total_SFI: Array
    squares_SFI: Array
    n_SFI: Array
    missing_SFI: Array

    @property
    def seeded(self) -> bool:
        """Whether the arm was fine-tuned with known training seeds."""
        return self.seeds != (None,)

    @cached_property
    def y_SFI(self) -> Array:
        """Mean value per cell, NaN where there is none."""
        return self.filled(None)

    def filled(self, value: float | None) -> Array:
        """Mean value per cell with every missing value set to `value`; NaN cells if that is None."""
        n = self.n_SFI if value is None else self.n_SFI + self.missing_SFI
        total = self.total_SFI if value is None else self.total_SFI + self.missing_SFI * value
        out: Array = np.full(total.shape, np.nan)
        np.divide(total, n, out=out, where=n > 0)
        return out

    def within(self) -> float:
        """Pooled variance of replicates inside a cell; NaN without replicates."""
        df = np.maximum(self.n_SFI - 1, 0).sum()
        if df == 0:
            return float("nan")
        spread = self.squares_SFI - np.divide(
            self.total_SFI**2, self.n_SFI, out=np.zeros(self.n_SFI.shape), where=self.n_SFI > 0
        )
        return float(spread.sum() / df)

    def take(self, formats: NDArray[np.bool_], items: NDArray[np.bool_]) -> ArmCells:
        """The cells of some formats and items."""
        if formats.all() and items.all():
            return self
        arrays = (self.total_SFI, self.squares_SFI, self.n_SFI, self.missing_SFI)
        return ArmCells(self.arm, self.seeds, *(array[:, formats][:, :, items] for array in arrays))


@dataclass(frozen=True, slots=True)
class Block:
    """All arms' cells of one benchmark, outcome and judge; every arm has the same formats and items."""

    benchmark: str
    outcome: str
    judge: str
    formats: tuple[str, ...]
    items: tuple[str, ...]
    clusters: tuple[str, ...]
    categories: tuple[str, ...]
    arms: dict[str, ArmCells]
    one_to_five: bool = False

    @property
    def cluster_I(self) -> Codes:
        """Cluster numbers of all items, from 0; an item without a cluster is its own."""
        names = [cluster or f"\0{item}" for cluster, item in zip(self.clusters, self.items, strict=True)]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)

    def labels(self, chosen: NDArray[np.bool_]) -> Codes:
        """Cluster numbers of the chosen items, from 0 without gaps."""
        return np.unique(self.cluster_I[chosen], return_inverse=True)[1].astype(np.int64)


def blocks(
    table: pl.DataFrame,
    one_to_five: set[tuple[str, str]] | None = None,
    *,
    sampled: str = "",
    places: Places | None = None,
) -> list[Block]:
    """Cut a checked table into blocks, in the order of their names.

    Only the last round of each arm is taken. Scores on a 1 to 5 scale become fractions of that scale.

    Args:
        table: As `check_table` returns it.
        one_to_five: Outcomes and judges whose scores run from 1 to 5; by default those of `five_point`.
        sampled: A judge that was asked about a sample of responses only: a cell it lacks is not missing.
        places: The codes of the table's key columns, where `check_coded` has made them already.
    """
    import polars as pl

    last = table
    if table["round"].n_unique() > 1:
        last, places = table.filter(pl.col("round") == pl.col("round").max().over("arm")), None
    place = places or {name: codes(last[name]) for name in KEY}
    one_to_five = five_point(table) if one_to_five is None else one_to_five
    key, size = joint_code([place[name] for name in ("benchmark", "outcome", "judge")])
    rows = _Rows(last, place, last["value"].to_numpy())
    return [_block(rows, chosen, one_to_five, sampled) for chosen in _groups(*dense(key, size))]


def _groups(there: Codes, place: Codes) -> list[Codes]:
    """The rows of every group, in order."""
    small = len(there) < 2**16  # numbers of 16 bits are sorted by radix, in one pass
    order = np.argsort(place.astype(np.uint16) if small else place, kind="stable")
    return np.split(order, np.cumsum(np.bincount(place))[:-1])


def five_point(table: pl.DataFrame, declared: Collection[str] = ()) -> set[tuple[str, str]]:
    """Outcomes and judges whose scores run from 1 to 5: those declared, and those with a value above 1.

    Args:
        table: As `check_table` returns it.
        declared: Outcomes that are scores from 1 to 5 whatever values occur. Without it scores that are all 1
            cannot be told from a yes every time.
    """
    import polars as pl

    high = table.group_by("outcome", "judge").agg(pl.col("value").max())
    return {
        (outcome, judge)
        for outcome, judge, value in high.iter_rows()
        if outcome in declared or (value is not None and value > 1)
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table's key columns as codes: levels and each row's place among them."""

    table: pl.DataFrame
    place: Places
    value: Array

    def name(self, column: str, row: int) -> str:
        levels, place = self.place[column]
        return str(levels[place[row]])


def _block(rows: _Rows, chosen: Codes, one_to_five: set[tuple[str, str]], sampled: str) -> Block:
    names = ("benchmark", "outcome", "judge")
    benchmark, outcome, judge = (rows.name(column, chosen[0]) for column in names)
    items, item = _present(rows.place["item"][1][chosen])
    formats, form = _present(rows.place["prompt_format"][1][chosen])
    seeds, seed = rows.place["training_seed"]
    runs, run = _present(rows.place["arm"][1][chosen] * len(seeds) + seed[chosen])
    scaled = (outcome, judge) in one_to_five
    value = (rows.value[chosen] - 1) / 4 if scaled else rows.value[chosen]
    shape = (len(runs), len(formats), len(items))
    sums = _sums((run * shape[1] + form) * shape[2] + item, value, shape)
    arm_of_run = runs // len(seeds)
    arms = {}
    for code in np.unique(arm_of_run):
        mine = np.flatnonzero(arm_of_run == code)
        trained = tuple(seeds[run % len(seeds)] for run in runs[mine])
        name = rows.place["arm"][0][code]
        parts = [values[mine] for values in sums]
        arms[name] = ArmCells(name, trained, *(parts if judge == sampled else _owed(*parts)))
    first = np.empty(len(items), dtype=np.int64)
    first[item[::-1]] = chosen[::-1]
    named = rows.table[first]
    return Block(
        benchmark,
        outcome,
        judge,
        formats=tuple(rows.place["prompt_format"][0][code] for code in formats),
        items=tuple(rows.place["item"][0][code] for code in items),
        clusters=tuple(named["cluster"]),
        categories=tuple(named["category"]),
        arms=arms,
        one_to_five=scaled,
    )


def _present(place: Codes) -> tuple[Codes, Codes]:
    """The codes that occur, and each row's place among them."""
    there = np.bincount(place) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[place]


def _sums(flat: Codes, value: Array, shape: tuple[int, int, int]) -> list[Array]:
    """Sum, sum of squares, number and missing number of values per cell."""
    known = ~np.isnan(value)
    seen, value = flat[known], value[known]
    size = shape[0] * shape[1] * shape[2]
    sums = [np.bincount(seen, weights=weights, minlength=size) for weights in (value, value**2)]
    sums += [np.bincount(places, minlength=size) for places in (seen, flat[~known])]
    return [np.asarray(values, dtype=np.float64).reshape(shape) for values in sums]


def _owed(total: Array, squares: Array, n: Array, missing: Array) -> tuple[Array, Array, Array, Array]:
    asked_FI = (n + missing).any(axis=0)  # asked of some seed, so owed by every seed
    return total, squares, n, missing + (asked_FI & (n + missing == 0))
