"""What stands beside a contrast: flips both ways, ratio, tipping point, the next run, bounds for what is missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftertune.asked import Asked
from aftertune.cells import ArmCells, Block
from aftertune.pairing import matched, rate_or_nan
from aftertune.results import Bounds, SeedEffect
from aftertune.section_records import RiskRatio, TippingPoint
from aftertune.stats.budget import Budget, interval, limits
from aftertune.stats.flips import flips
from aftertune.stats.judge_error import tipping_point
from aftertune.stats.ratios import jackknife_effect, log_risk_ratio
from aftertune.stats.replication import bad_seed_bound, new_run_interval
from aftertune.stats.verdict import Worse

RARE = 0.1  # below this rate a difference in points says little, and the ratio is given too; a convention
Labels = NDArray[np.int64]


def outlook(
    arm: ArmCells, against: ArmCells, cluster_I: Labels, asked: Asked, worse: Worse, budget: Budget
) -> dict[str, Any]:
    """The optional fields of a contrast, as far as they are defined."""
    if 0 in arm.total_SFI.shape:
        return {}
    found = {
        "risk_ratio": _risk_ratio(arm, against, cluster_I, asked),
        "tipping_point": _tipping(rate_or_nan(against.y_SFI), budget, asked, worse),
    }
    if against.seeded:
        return found
    return found | _flips(arm, against, cluster_I, asked.level) | _next_run(arm, against, asked, worse)


def seed_effects(arm: ArmCells, rate_against: float) -> tuple[SeedEffect, ...]:
    """The change with each training seed."""
    return tuple(
        SeedEffect(seed, rate_or_nan(arm.y_SFI[place : place + 1]) - rate_against)
        for place, seed in enumerate(arm.seeds)
    )


def missing_bounds(block: Block, arm_name: str, against_name: str) -> Bounds | None:
    """The estimate when missing values all help one side, then the other; on every item asked of both."""
    arm, against, _ = matched(block, arm_name, against_name, asked=True)
    if not (arm.missing_SFI.any() or against.missing_SFI.any()):
        return None
    low = rate_or_nan(arm.filled(0.0)) - rate_or_nan(against.filled(1.0))
    return Bounds(low, rate_or_nan(arm.filled(1.0)) - rate_or_nan(against.filled(0.0)))


def _flips(arm: ArmCells, against: ArmCells, cluster_I: Labels, level: float) -> dict[str, Any]:
    """Both flows, on the cells where both arms have a value."""
    paired = ~np.isnan(arm.y_SFI).all(axis=0) & ~np.isnan(against.y_SFI[0])
    formats, items = paired.any(axis=1), paired.any(axis=0)
    if not paired.any():
        return {}
    labels = np.unique(cluster_I[items], return_inverse=True)[1].astype(np.int64)
    y_SFI, against_FI = arm.y_SFI[:, formats][:, :, items], against.y_SFI[0][formats][:, items]
    found = flips(y_SFI, against_FI, cluster_I=labels, level=level)
    out: dict[str, Any] = {"gained": found.gained.estimate, "lost": found.lost.estimate}
    for name, flow in (("gained_interval", found.gained), ("lost_interval", found.lost)):
        out[name] = Bounds(flow.low, flow.high) if flow.defined else None
    return out


def _risk_ratio(arm: ArmCells, against: ArmCells, cluster_I: Labels, asked: Asked) -> RiskRatio | None:
    """The ratio of the rates where the event is rare in an arm; only for random items and fixed formats."""
    usual = asked.scope.item == "random" and asked.scope.prompt_format == "fixed"
    if not usual or min(rate_or_nan(arm.y_SFI), rate_or_nan(against.y_SFI)) >= RARE:
        return None
    budget = jackknife_effect(
        arm.y_SFI,
        against.y_SFI,
        log_risk_ratio,
        cluster_I=cluster_I,
        recipe=asked.scope.claim == "recipe",
        against_seeded=against.seeded,
    )
    found = interval(budget, level=asked.level)
    return RiskRatio(_exp(found.estimate), _exp(found.low), _exp(found.high), found.reason)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _tipping(rate_against: float, budget: Budget, asked: Asked, worse: Worse) -> TippingPoint | None:
    """The extra error that brings the limit behind the verdict back to the margin; none without a verdict."""
    low, high = limits(budget, alpha=2 * (1 - asked.level))
    margin = asked.margin if worse == "higher" else -asked.margin
    if math.isnan(low) or low <= margin <= high:
        return None
    above = low > margin  # the judge may have seen too much; otherwise it may have missed some
    shift = -tipping_point(
        rate_against + (low if above else high),
        rate_against,
        margin=margin,
        sensitivity=1.0,
        specificity=1.0,
        error="specificity" if above else "sensitivity",
    )
    reachable = 0 < rate_against + margin < 1 and shift <= 1
    return TippingPoint("false_positive" if above else "false_negative", shift if reachable else None)


def _next_run(arm: ArmCells, against: ArmCells, asked: Asked, worse: Worse) -> dict[str, Any]:
    """What one more run of a recipe may bring."""
    found: dict[str, Any] = {}
    if asked.scope.claim == "checkpoint":
        return found
    seeds = seed_effects(arm, rate_or_nan(against.y_SFI))
    effect_S = np.array([seed.estimate for seed in seeds], dtype=float)
    effect_S = effect_S[~np.isnan(effect_S)]
    new = new_run_interval(effect_S, level=asked.level) if len(effect_S) else None
    if new is not None and new.defined:
        found["new_run"] = Bounds(new.low, new.high)
    degradation_S = effect_S if worse == "higher" else -effect_S
    if len(effect_S) > 1 and (degradation_S <= asked.margin).all():
        found["bad_seed_bound"] = bad_seed_bound(len(effect_S))
    return found
