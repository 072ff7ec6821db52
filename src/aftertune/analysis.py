"""From a table of judgments to results: every contrast, on every benchmark, outcome and judge.

It decides what is compared and in which words; the arithmetic is in `stats`, the self-checks in `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from aftertune.cells import ArmCells, Block, blocks
from aftertune.describe import arm_components, arm_rates, status_counts
from aftertune.diagnose import diagnose
from aftertune.errors import TableError, did_you_mean
from aftertune.results import (
    Analysis,
    Bounds,
    Contrast,
    Lever,
    Results,
    SeedEffect,
    Spread,
)
from aftertune.seeds import generator
from aftertune.stats.arm import Claim
from aftertune.stats.budget import Budget, interval, limits, p_value
from aftertune.stats.design import advice, design_of
from aftertune.stats.facets import Array, influence
from aftertune.stats.multiplicity import benjamini_hochberg, holm
from aftertune.stats.replication import bad_seed_bound, new_run_interval, replication_probability
from aftertune.stats.scope import Facet, Scope, sampling_variance, scoped_effect
from aftertune.stats.sentences import rate_name, sentence
from aftertune.stats.spending import levers
from aftertune.stats.verdict import Verdict, Worse, verdict
from aftertune.table import INITIAL, check_table

if TYPE_CHECKING:
    import polars as pl

Multiplicity = Literal["holm", "bh", "none"]
BETTER_HIGHER = {"correct", "coherent"}


@dataclass(frozen=True, slots=True)
class _Settings:
    scope: Scope
    level: float
    margin: float
    outcome: str
    judges: Mapping[str, str]  # benchmark to its primary judge
    harmful: Mapping[str, bool]  # benchmark to whether its items should be refused

    def primary(self, block: Block) -> bool:
        return block.outcome == self.outcome and block.judge == self.judges[block.benchmark]

    def worse(self, block: Block) -> Worse:
        should_refuse = block.outcome == "refused" and self.harmful[block.benchmark]
        return "lower" if should_refuse or block.outcome in BETTER_HIGHER else "higher"


def analyze(
    table: pl.DataFrame,
    *,
    contrasts: Sequence[tuple[str, str]] | None = None,
    outcome: str = "harmful",
    claim: Claim = "recipe",
    level: float = 0.95,
    margin: float = 0.05,
    multiplicity: Multiplicity = "holm",
    primary_judge: str | None = None,
    harmful_benchmarks: Mapping[str, bool] | None = None,
    items: Facet = "random",
    formats: Facet = "fixed",
    study: str = "",
) -> Results:
    """Analyse a table of judgments.

    Every contrast is computed for every benchmark, outcome and judge; the ones with the primary outcome and
    judge are the family that p-values are adjusted in. The verdicts are per contrast, one-sided at `level`.

    Args:
        table: As `read_table` or `check_table` returns it.
        contrasts: Pairs (arm, against); by default every arm against `initial`. Two tuned arms are compared
            as independent samples of training seeds.
        outcome: The primary outcome.
        claim: "recipe" generalises over training seeds and is refused at one; "checkpoint" does not.
        level: Confidence level, a fraction.
        margin: Largest acceptable degradation, a fraction.
        multiplicity: "holm", "bh" or "none".
        primary_judge: By default, per benchmark, the judge of the primary outcome with the first name.
        harmful_benchmarks: Whether a benchmark's items should be refused. By default: whether the outcome
            `harmful` was judged on it.
        items: "random" generalises to prompts like these; "fixed" speaks of this benchmark as it is.
        formats: "fixed" speaks of these prompt formats; "random" generalises to formats like these.
        study: Name to put into the results.

    Returns:
        Results with contrasts, rates, status counts, variance components and diagnostics.

    Raises:
        TableError: the table breaks its contract, a name occurs nowhere in it, or a number is out of range.
    """
    table = check_table(table)
    _check_numbers(level, margin)
    pairs = _pairs(table, contrasts)
    _check_names(table, outcome, primary_judge)
    found = blocks(table)
    scope = Scope("random" if claim == "recipe" else "fixed", items, formats)
    settings = _settings(found, scope, level, margin, outcome, primary_judge, harmful_benchmarks)
    rows = [
        _contrast(block, settings, arm, against)
        for block in found
        for arm, against in pairs
        if arm in block.arms and against in block.arms
    ]
    adjusted = tuple(_adjusted(rows, multiplicity))
    named = primary_judge or ", ".join(sorted(set(settings.judges.values())))
    return Results(
        study=study,
        analysis=Analysis(claim, level, margin, outcome, multiplicity, named, items, formats),
        contrasts=adjusted,
        rates=tuple(rate for block in found for rate in arm_rates(block, level)),
        statuses=status_counts(table),
        components=tuple(part for block in found for part in arm_components(block)),
        diagnostics=tuple(diagnose(table, found, pairs, adjusted)),
    )


def _check_numbers(level: float, margin: float) -> None:
    if not 0.5 < level < 1:
        raise TableError(f"level is {level}", "give a fraction between 0.5 and 1, such as 0.95")
    if not 0 <= margin < 1:
        raise TableError(f"margin is {margin}", "give a fraction from 0 to 1, such as 0.05 for 5 points")


def _pairs(table: pl.DataFrame, contrasts: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    arms = sorted(table["arm"].unique())
    if contrasts is None:
        if INITIAL not in arms:
            raise TableError(
                f"the table has no arm 'initial' to compare with; it has: {', '.join(arms)}",
                "name the contrasts, or call the model before tuning 'initial'",
            )
        return [(arm, INITIAL) for arm in arms if arm != INITIAL]
    for name in dict.fromkeys(name for pair in contrasts for name in pair):
        if name not in arms:
            raise TableError(
                f"the table has no arm {name!r}{did_you_mean(name, arms)}; it has: {', '.join(arms)}",
                "name an arm of the table in the contrast",
            )
    for arm, against in contrasts:
        if arm == against:
            raise TableError(f"arm {arm!r} is compared with itself", "name two different arms")
    return [(arm, against) for arm, against in contrasts]


def _check_names(table: pl.DataFrame, outcome: str, judge: str | None) -> None:
    outcomes, judges = sorted(table["outcome"].unique()), sorted(table["judge"].unique())
    if outcome not in outcomes:
        raise TableError(
            f"the table has no outcome {outcome!r}{did_you_mean(outcome, outcomes)}; it has: {', '.join(outcomes)}",
            "name one of them as the primary outcome",
        )
    if judge is not None and judge not in judges:
        raise TableError(
            f"the table has no judge {judge!r}{did_you_mean(judge, judges)}; it has: {', '.join(judges)}",
            "name one of them as the primary judge",
        )


def _settings(
    found: list[Block],
    scope: Scope,
    level: float,
    margin: float,
    outcome: str,
    judge: str | None,
    harmful: Mapping[str, bool] | None,
) -> _Settings:
    judged = {block.benchmark for block in found if block.outcome == "harmful"}
    names = {block.benchmark for block in found}
    first = {block.benchmark: block.judge for block in reversed(found) if block.outcome == outcome}
    judges = {name: judge or first.get(name, "") for name in names}
    harm = {name: (harmful or {}).get(name, name in judged) for name in names}
    return _Settings(scope, level, margin, outcome, judges, harm)


def _contrast(block: Block, settings: _Settings, arm_name: str, against_name: str) -> Contrast:
    arm, against, cluster_I = _matched(block, arm_name, against_name)
    worse = settings.worse(block)
    budget = _budget(arm, against, cluster_I, settings.scope)
    effect = interval(budget, level=settings.level)
    decided = verdict(budget, margin=settings.margin, worse=worse, level=settings.level)
    undecided = decided == Verdict.CANNOT_TELL
    plan = advice(budget, margin=settings.margin, worse=worse, level=settings.level) if undecided else ""
    rates = _rate_or_nan(arm.y_SFI), _rate_or_nan(against.y_SFI)
    return Contrast(
        arm=arm_name,
        against=against_name,
        benchmark=block.benchmark,
        outcome=block.outcome,
        judge=block.judge,
        claim=settings.scope.claim,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        level=settings.level,
        n_seeds=budget.n_seeds,
        n_seeds_against=budget.n_seeds_against,
        n_items=budget.n_items,
        n_clusters=budget.n_clusters,
        p_value=p_value(budget),
        p_adjusted=None,
        margin=settings.margin,
        worse=worse,
        verdict=decided.value,
        parts=effect.parts,
        replication_probability=_replication(budget, block, settings, arm_name, against_name),
        reason=effect.reason,
        sentence=sentence(
            effect,
            claim=settings.scope.claim,
            arm=arm_name,
            against=None if against_name == INITIAL else against_name,
            rate=rate_name(block.outcome, harmful_items=settings.harmful[block.benchmark]),
            benchmark=block.benchmark,
            n_seeds_against=budget.n_seeds_against,
            scope=settings.scope,
        ),
        primary=settings.primary(block),
        rate_arm=rates[0],
        rate_against=rates[1],
        seeds=_seed_effects(arm, rates[1]),
        bounds=_bounds(block, arm_name, against_name),
        advice=plan or None,
        levers=tuple(
            Lever(lever.source, lever.buys, lever.half_width) for lever in levers(budget, level=settings.level)
        ),
        **_outlook(arm, against, settings, worse),
        **_reusable(budget, settings.level),
    )


def _outlook(arm: ArmCells, against: ArmCells, settings: _Settings, worse: Worse) -> dict[str, Any]:
    """Flips against a seedless model, and what the next run of a recipe may bring."""
    found: dict[str, Any] = {}
    if 0 in arm.total_SFI.shape or against.seeded:
        return found
    moved_SFI = arm.y_SFI - against.y_SFI
    found["gained"], found["lost"] = (_rate_or_nan(np.maximum(sign * moved_SFI, 0)) for sign in (1, -1))
    if settings.scope.claim == "checkpoint":
        return found
    seeds = _seed_effects(arm, _rate_or_nan(against.y_SFI))
    effect_S = np.array([seed.estimate for seed in seeds], dtype=float)
    new = new_run_interval(effect_S[~np.isnan(effect_S)], level=settings.level)
    if new.defined:
        found["new_run"] = Bounds(new.low, new.high)
    degradation_S = effect_S if worse == "higher" else -effect_S
    if len(effect_S) > 1 and (degradation_S <= settings.margin).all():
        found["bad_seed_bound"] = bad_seed_bound(len(effect_S))
    return found


def _reusable(budget: Budget, level: float) -> dict[str, Any]:
    """What judging another margin and planning another study need of a budget."""
    low, high = limits(budget, alpha=2 * (1 - level))
    if math.isnan(low):
        return {}
    sources = {part.source for part in budget.parts}
    planned = "item" in sources and sources <= {"seed", "seed_against", "item"}
    design = design_of(budget)
    return {
        "one_sided": Bounds(low, high),
        "spread": Spread(design.seed, design.item, design.both) if planned else None,
    }


def _matched(
    block: Block, arm: str, against: str, *, asked: bool = False
) -> tuple[ArmCells, ArmCells, NDArray[np.int64]]:
    """Both arms on the formats and items where both have a value somewhere, or were asked for one."""
    sides = block.arms[arm], block.arms[against]
    there = [side.n_SFI + side.missing_SFI * asked > 0 for side in sides]
    formats = np.all([cells.any(axis=(0, 2)) for cells in there], axis=0)
    items = np.all([cells[:, formats].any(axis=(0, 1)) for cells in there], axis=0)
    first, second = (side.take(formats, items) for side in sides)
    return first, second, block.labels(items)


def _budget(arm: ArmCells, against: ArmCells, cluster_I: NDArray[np.int64], scope: Scope) -> Budget:
    if 0 in arm.total_SFI.shape:
        return Budget(float("nan"), n_seeds=len(arm.seeds), refused="the arms share no item with a value")
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


def _replication(budget: Budget, block: Block, settings: _Settings, arm: str, against: str) -> float:
    rng = generator(0, "replication", arm, against, block.benchmark, block.outcome, block.judge)
    return replication_probability(
        budget, margin=settings.margin, worse=settings.worse(block), level=settings.level, rng=rng
    )


def _rate_or_nan(y_SFI: NDArray[np.float64]) -> float:
    """A rate over the formats that have a value."""
    formats = ~np.isnan(y_SFI).all(axis=(0, 2))
    return influence(y_SFI[:, formats])[0] if formats.any() else float("nan")


def _seed_effects(arm: ArmCells, rate_against: float) -> tuple[SeedEffect, ...]:
    return tuple(
        SeedEffect(seed, _rate_or_nan(arm.y_SFI[place : place + 1]) - rate_against)
        for place, seed in enumerate(arm.seeds)
    )


def _bounds(block: Block, arm_name: str, against_name: str) -> Bounds | None:
    """The estimate when missing values all help one side, then the other; on every item asked of both."""
    arm, against, _ = _matched(block, arm_name, against_name, asked=True)
    if not (arm.missing_SFI.any() or against.missing_SFI.any()):
        return None
    low = _rate_or_nan(arm.filled(0.0)) - _rate_or_nan(against.filled(1.0))
    return Bounds(low, _rate_or_nan(arm.filled(1.0)) - _rate_or_nan(against.filled(0.0)))


def _adjusted(rows: list[Contrast], multiplicity: Multiplicity) -> list[Contrast]:
    family = [place for place, row in enumerate(rows) if row.primary]
    p = np.array([rows[place].p_value for place in family], dtype=float)
    adjust = _ADJUST[multiplicity]
    out = list(rows)
    for place, value in zip(family, adjust(p), strict=True):
        out[place] = replace(rows[place], p_adjusted=float(value))
    return out


_ADJUST: dict[str, Callable[[Array], Array]] = {"holm": holm, "bh": benjamini_hochberg, "none": lambda p: p}
