"""The noise floor: how far a rate moves when nothing was changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from aftertune.cells import ArmCells, Block
from aftertune.pairing import rate_or_nan
from aftertune.section_records import NoiseFloor
from aftertune.stats.noise import noise_floor


def noise_floors(found: Iterable[Block]) -> tuple[NoiseFloor, ...]:
    """Floors from repeats of the same thing: replicates of a checkpoint, and training seeds of a recipe.

    Returns:
        A row per arm and block for each kind of repeat that the table holds; none where there is none.
    """
    return tuple(row for block in found for arm in block.arms.values() for row in _floors(block, arm))


def _floors(block: Block, arm: ArmCells) -> Iterator[NoiseFloor]:
    place = (arm.arm, block.benchmark, block.outcome, block.judge)
    within = arm.within()
    if not math.isnan(within):
        # Two rates of one checkpoint, each over as many responses as here, differ by this much from sampling.
        responses = float(arm.n_SFI.sum()) / len(arm.seeds)
        yield NoiseFloor(*place, "replicate", math.sqrt(2 * within / responses), int(arm.n_SFI.max()))
    rate_S = np.array([rate_or_nan(arm.y_SFI[seed : seed + 1]) for seed in range(len(arm.seeds))])
    rate_S = rate_S[~np.isnan(rate_S)]
    if len(rate_S) > 1:
        yield NoiseFloor(*place, "training_seed", noise_floor(rate_S[:, None]), len(rate_S))
