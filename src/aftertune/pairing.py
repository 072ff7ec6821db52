"""Two arms of a block side by side, and the error budget of their difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aftertune.cells import ArmCells, Block
from aftertune.stats.budget import Budget
from aftertune.stats.facets import influence
from aftertune.stats.scope import Scope, sampling_variance, scoped_effect

NO_ITEM = "the arms share no item with a value"


def matched(
    block: Block, arm: str, against: str, *, asked: bool = False
) -> tuple[ArmCells, ArmCells, NDArray[np.int64]]:
    """Both arms on the formats and items where both have a value somewhere, or were asked for one."""
    sides = block.arms[arm], block.arms[against]
    there = [side.n_SFI + side.missing_SFI * asked > 0 for side in sides]
    formats = np.all([cells.any(axis=(0, 2)) for cells in there], axis=0)
    items = np.all([cells[:, formats].any(axis=(0, 1)) for cells in there], axis=0)
    first, second = (side.take(formats, items) for side in sides)
    return first, second, block.labels(items)


def effect_budget(arm: ArmCells, against: ArmCells, cluster_I: NDArray[np.int64], scope: Scope) -> Budget:
    """The change with its error budget; refused where the arms share nothing."""
    if 0 in arm.total_SFI.shape:
        return Budget(float("nan"), n_seeds=len(arm.seeds), refused=NO_ITEM)
    noise = 0.0
    if scope.item == "fixed":
        sampled = (against,) if scope.claim == "recipe" else (arm, against)
        noise = sum(sampling_variance(side.within(), int(side.n_SFI.sum())) for side in sampled)
    return scoped_effect(
        arm.y_SFI,
        against.y_SFI,
        scope,
        cluster_I=cluster_I,
        against_seeded=against.seeded,
        sampling_variance=noise,
    )


def rate_or_nan(y_SFI: NDArray[np.float64]) -> float:
    """A rate over the formats that have a value; NaN where none has."""
    formats = ~np.isnan(y_SFI).all(axis=(0, 2))
    return influence(y_SFI[:, formats])[0] if formats.any() else float("nan")
