"""All judges of an outcome taken together, for a claim about judges like these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aftertune.cells import Block, blocks
from aftertune.errors import TableError
from aftertune.pairing import effect_budget, matched
from aftertune.stats.facets import Array
from aftertune.stats.scope import FEWEST_JUDGES, Scope

if TYPE_CHECKING:
    import polars as pl

POOLED = "judges like these"


def pool_judges(
    table: pl.DataFrame, found: Sequence[Block], one_to_five: set[tuple[str, str]], *, human: str, outcome: str
) -> list[Block]:
    """One block more per benchmark and outcome, with every verdict of every judge that is not human.

    Args:
        table: The checked table.
        found: Its blocks.
        one_to_five: Outcomes and judges whose scores run from 1 to 5.
        human: The judge that stands for people; never pooled.
        outcome: The primary outcome; it is pooled however few judges there are, others from three on.

    Raises:
        TableError: the judges of an outcome use two scales, or a judge has the pool's name.
    """
    import polars as pl

    members = _members(found, human)
    _check_scales(members, one_to_five)
    chosen = [key for key, part in members.items() if key[1] == outcome or len(part) >= FEWEST_JUDGES]
    wanted = pl.DataFrame(chosen, schema=["benchmark", "outcome"], orient="row")
    rows = table.filter(pl.col("judge") != human).join(wanted, on=["benchmark", "outcome"], how="semi")
    scales = {(name, POOLED) for name, judge in one_to_five if judge != human}
    return blocks(rows.with_columns(judge=pl.lit(POOLED)), scales)


def judge_changes(block: Block, found: Sequence[Block], scope: Scope, human: str, arm: str, against: str) -> Array:
    """The change of a pooled contrast as each of its judges sees it; a judge without both arms is left out."""
    members = _members(found, human)[block.benchmark, block.outcome]
    both = [part for part in members if arm in part.arms and against in part.arms]
    changes: Array = np.array([effect_budget(*matched(part, arm, against), scope).estimate for part in both])
    known: Array = changes[~np.isnan(changes)]
    return known


def _members(found: Sequence[Block], human: str) -> dict[tuple[str, str], list[Block]]:
    members: dict[tuple[str, str], list[Block]] = {}
    for block in found:
        if block.judge == POOLED:
            raise TableError(f"a judge is called {POOLED!r}, the name of all judges together", "rename that judge")
        if block.judge != human:
            members.setdefault((block.benchmark, block.outcome), []).append(block)
    return members


def _check_scales(members: dict[tuple[str, str], list[Block]], one_to_five: set[tuple[str, str]]) -> None:
    for (_, outcome), part in members.items():
        scales = {(outcome, block.judge) in one_to_five for block in part}
        if len(scales) > 1:
            raise TableError(
                f"judges of the outcome {outcome!r} use two scales, 0 to 1 and 1 to 5, and cannot be taken together",
                "bring them to one scale, or leave `judges` fixed",
            )
