"""The change in every category of items, drawn together: exploratory, for these checkpoints.

Few training seeds cannot carry one recipe claim per category, so none is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from aftertune.asked import Asked
from aftertune.cells import Block
from aftertune.pairing import effect_budget, matched
from aftertune.section_records import CategoryEffect, Estimate
from aftertune.stats.budget import Interval, interval, p_value
from aftertune.stats.categories import shrink
from aftertune.stats.multiplicity import benjamini_hochberg
from aftertune.stats.quantiles import two_sided
from aftertune.stats.scope import Scope


def category_effects(
    found: Iterable[Block], pairs: Sequence[tuple[str, str]], asked: Asked
) -> tuple[CategoryEffect, ...]:
    """Effects per category of every primary contrast on a benchmark with two categories or more.

    Args:
        found: The table's blocks.
        pairs: The contrasts, as (arm, against).
        asked: The settings.

    Returns:
        One row per contrast and category, with p-values adjusted over all of them (Benjamini and Hochberg).
    """
    rows = [
        row
        for block in found
        if asked.primary(block) and len(set(block.categories) - {""}) > 1
        for arm, against in pairs
        if arm in block.arms and against in block.arms
        for row in _contrast(block, arm, against, asked.level)
    ]
    adjusted = benjamini_hochberg(np.array([row.p_value for row in rows], dtype=float))
    return tuple(replace(row, p_adjusted=float(p)) for row, p in zip(rows, adjusted, strict=True))


def _contrast(block: Block, arm: str, against: str, level: float) -> list[CategoryEffect]:
    names = sorted(set(block.categories) - {""})
    effects, p_values = [], []
    for name in names:
        chosen = np.array(block.categories) == name
        part = replace(
            block,
            items=tuple(np.array(block.items, dtype=object)[chosen]),
            clusters=tuple(np.array(block.clusters, dtype=object)[chosen]),
            categories=(name,) * int(chosen.sum()),
            arms={
                side: block.arms[side].take(np.ones(len(block.formats), dtype=bool), chosen) for side in (arm, against)
            },
        )
        budget = effect_budget(*matched(part, arm, against), Scope(seed="fixed"))
        effects.append(interval(budget, level=level))
        p_values.append(p_value(budget))
    return [
        CategoryEffect(
            arm,
            against,
            block.benchmark,
            block.outcome,
            block.judge,
            name,
            effect.estimate,
            effect.low,
            effect.high,
            level,
            effect.n_items,
            p,
            None,
            shrunk,
            effect.reason,
        )
        for name, effect, p, shrunk in zip(names, effects, p_values, _shrunk(effects, level), strict=True)
    ]


def _shrunk(effects: Sequence[Interval], level: float) -> list[Estimate]:
    """The effects with an interval, drawn together; the others stay undefined."""
    z = two_sided(1 - level, math.inf)
    defined = [place for place, effect in enumerate(effects) if effect.defined]
    values = np.array([effects[place].estimate for place in defined])
    error_C = np.array([(effects[place].high - effects[place].low) / (2 * z) for place in defined])
    pooled = shrink(values, error_C**2)
    out = [Estimate(math.nan, math.nan, math.nan)] * len(effects)
    for place, estimate, error in zip(defined, pooled.estimate_C, pooled.error_C, strict=True):
        out[place] = Estimate(float(estimate), float(estimate - z * error), float(estimate + z * error))
    return out
