"""Effects of data factors over the arms that differ in them, and trends over rounds of tuning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aftertune.asked import ADJUST, Asked
from aftertune.cells import ArmCells, Block, blocks
from aftertune.errors import TableError, did_you_mean
from aftertune.section_records import FactorEffect, Trend
from aftertune.stats.budget import Budget, interval, p_value
from aftertune.stats.factorial import effect_weights, trend_effect, weighted_contrast

if TYPE_CHECKING:
    import polars as pl

Level = str | int | float | bool
Factors = Mapping[str, Mapping[str, Level]]
Comparison = tuple[tuple[str, Level, Level], ...]  # per factor its name, first level and the level compared


def check_factors(factors: Factors, arms: Iterable[str]) -> None:
    """Refuse factors that cannot be compared.

    Args:
        factors: Arm to factor to level.
        arms: The arms there are.

    Raises:
        TableError: an arm is unknown, names other factors than the rest, or a factor has one level only.
    """
    known = sorted(arms)
    names = sorted({name for levels in factors.values() for name in levels})
    for arm, levels in factors.items():
        if arm not in known:
            raise TableError(
                f"factors: there is no arm {arm!r}{did_you_mean(arm, known)}; arms: {', '.join(known)}",
                "name arms that there are",
            )
        if sorted(levels) != names:
            missing = sorted(set(names) - set(levels))
            raise TableError(f"factors: arm {arm!r} lacks {', '.join(missing)}", "give every arm every factor")
    for name in names:
        seen = _levels(factors, name)
        if len(seen) < 2:
            raise TableError(f"factors: {name!r} has one level: {seen[0]}", "give every factor two levels or more")


def factor_effects(found: Iterable[Block], factors: Factors, asked: Asked) -> tuple[FactorEffect, ...]:
    """Main effects and interactions of two factors, on every benchmark, outcome and judge.

    A factor's first level is what its others are compared with: false, the smallest number, or the text that the arms
    name first. Each other level is compared over the arms that have one of the two.

    Args:
        found: The table's blocks.
        factors: As `check_factors` accepts them; empty for none.
        asked: The settings.

    Returns:
        One row per effect and block. P-values of the primary rows are adjusted together, by the study's
        method. An effect that these arms cannot tell from others has a reason and no number.
    """
    names = sorted({name for levels in factors.values() for name in levels})
    effects = [(name,) for name in names] + list(combinations(names, 2))
    asked_for = [compared for effect in effects for compared in _comparisons(factors, effect)]
    rows = [_effect(block, factors, compared, asked) for block in found for compared in asked_for]
    family = [place for place, row in enumerate(rows) if row.primary]
    adjusted = ADJUST[asked.multiplicity](np.array([rows[place].p_value for place in family], dtype=float))
    for place, p in zip(family, adjusted, strict=True):
        rows[place] = replace(rows[place], p_adjusted=float(p))
    return tuple(rows)


def trends(table: pl.DataFrame, asked: Asked, one_to_five: set[tuple[str, str]]) -> tuple[Trend, ...]:
    """The slope over rounds of every arm that has more than one.

    Args:
        table: The checked table, with all rounds.
        asked: The settings.
        one_to_five: Outcomes and judges whose scores run from 1 to 5.
    """
    import polars as pl

    if table["round"].n_unique() == 1:
        return ()
    counts = table.group_by("arm").agg(rounds=pl.col("round").unique().sort()).sort("arm")
    return tuple(
        row
        for arm, rounds in counts.iter_rows()
        if len(rounds) > 1
        for row in _arm_trends(table.filter(pl.col("arm") == arm), arm, rounds, asked, one_to_five)
    )


def _levels(factors: Factors, name: str) -> list[Level]:
    """Its levels, the one to compare with first."""
    seen = list(dict.fromkeys(levels[name] for levels in factors.values()))
    return seen if any(isinstance(level, str) for level in seen) else sorted(seen)


def _comparisons(factors: Factors, effect: Sequence[str]) -> list[Comparison]:
    """Every level but the first against the first, for one factor or for each of two."""
    pairs = [[(name, first, other) for other in rest] for name in effect for first, *rest in [_levels(factors, name)]]
    return list(product(*pairs))


def _effect(block: Block, factors: Factors, compared: Comparison, asked: Asked) -> FactorEffect:
    arms = [arm for arm in factors if arm in block.arms and _takes_part(factors[arm], compared)]
    budget, assumed = _effect_budget(block, factors, compared, arms, recipe=asked.scope.claim == "recipe")
    found = interval(budget, level=asked.level)
    return FactorEffect(
        effect=" x ".join(name for name, _, _ in compared),
        levels="; ".join(f"{name}: {other} - {first}" for name, first, other in compared),
        benchmark=block.benchmark,
        outcome=block.outcome,
        judge=block.judge,
        claim=asked.scope.claim,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        level=asked.level,
        p_value=p_value(budget),
        p_adjusted=None,
        parts=found.parts,
        arms=tuple(arms),
        n_seeds=budget.n_seeds,
        n_items=budget.n_items,
        primary=asked.primary(block),
        reason=found.reason or assumed,
    )


def _takes_part(levels: Mapping[str, Level], compared: Comparison) -> bool:
    return all(levels[name] in (first, other) for name, first, other in compared)


def _effect_budget(
    block: Block, factors: Factors, compared: Comparison, arms: Sequence[str], *, recipe: bool
) -> tuple[Budget, str]:
    nothing = Budget(float("nan"), refused=f"{len(arms)} of the declared arms are here" if len(arms) < 2 else "")
    if nothing.refused:
        return nothing, ""
    weights, assumed = _weights(_on(factors, compared, arms), [name for name, _, _ in compared])
    if not weights:
        return replace(nothing, refused=assumed), ""
    cells, labels = _common([block.arms[arm] for arm in arms], block)
    if 0 in cells[0].total_SFI.shape:
        return replace(nothing, refused="the arms share no item with a value"), ""
    return weighted_contrast([side.y_SFI for side in cells], weights, cluster_I=labels, recipe=recipe), assumed


def _on(factors: Factors, compared: Comparison, arms: Sequence[str]) -> list[dict[str, bool | float]]:
    """How each arm stands to the compared levels, and to the other factors' levels where these arms differ in them."""
    coded: list[dict[str, bool | float]] = [
        {name: factors[arm][name] == other for name, _, other in compared} for arm in arms
    ]
    for name in sorted(set(factors[arms[0]]) - {name for name, _, _ in compared}):
        seen = [level for level in _levels(factors, name) if any(factors[arm][name] == level for arm in arms)]
        for level in seen[1:]:
            for arm, on in zip(arms, coded, strict=True):
                has = factors[arm][name] == level
                on[name if len(seen) == 2 else f"{name}={level}"] = has if len(seen) == 2 else has - 1 / len(seen)
    return coded


def _weights(on: Sequence[Mapping[str, bool | float]], effect: Sequence[str]) -> tuple[list[float], str]:
    """Weights with interactions in the model, else without; and what is then assumed, or why there are none."""
    try:
        return effect_weights(on, effect), ""
    except ValueError:
        try:
            if len(effect) > 1:
                raise
            return effect_weights(on, effect, interactions=False), "assumes that the factors' effects add up"
        except ValueError:
            return [], "these arms cannot tell this effect from others"


def _common(sides: Sequence[ArmCells], block: Block) -> tuple[list[ArmCells], NDArray[np.int64]]:
    """All arms on the formats and items where every one has a value somewhere."""
    formats = np.all([(side.n_SFI > 0).any(axis=(0, 2)) for side in sides], axis=0)
    items = np.all([(side.n_SFI[:, formats] > 0).any(axis=(0, 1)) for side in sides], axis=0)
    return [side.take(formats, items) for side in sides], block.labels(items)


def _arm_trends(
    rows: pl.DataFrame, arm: str, rounds: Sequence[float], asked: Asked, one_to_five: set[tuple[str, str]]
) -> Iterator[Trend]:
    import polars as pl

    per_round = [
        {(block.benchmark, block.outcome, block.judge): block for block in blocks(part, one_to_five)}
        for part in (rows.filter(pl.col("round") == number) for number in rounds)
    ]
    for key in sorted({key for found in per_round for key in found}):
        there = [(number, found[key]) for number, found in zip(rounds, per_round, strict=True) if key in found]
        budget = _trend_budget(there, arm, recipe=asked.scope.claim == "recipe")
        found = interval(budget, level=asked.level)
        yield Trend(
            arm,
            *key,
            asked.scope.claim,
            tuple(number for number, _ in there),
            found.estimate,
            found.low,
            found.high,
            asked.level,
            p_value(budget),
            found.parts,
            budget.n_seeds,
            budget.n_items,
            asked.primary(there[0][1]),
            found.reason,
        )


def _trend_budget(there: Sequence[tuple[float, Block]], arm: str, *, recipe: bool) -> Budget:
    nothing = Budget(float("nan"))
    if len(there) < 2:
        return replace(nothing, refused="measured in one round only")
    sides = [block.arms[arm] for _, block in there]
    names = [_shared([getattr(block, facet) for _, block in there]) for facet in ("formats", "items")]
    seeds = _shared([side.seeds for side in sides])
    if not seeds or not all(names):
        return replace(nothing, refused="the rounds share no training seed, prompt format or item")
    y_RSFI = np.stack([_values_at(block, side, seeds, *names) for (_, block), side in zip(there, sides, strict=True)])
    known: NDArray[np.bool_] = np.asarray(~np.isnan(y_RSFI).any(axis=0))
    formats, items = known.any(axis=(0, 2)), known.any(axis=(0, 1))
    if not known.any():
        return replace(nothing, refused="no cell has a value in every round")
    first = there[0][1]
    chosen = np.isin(np.array(first.items, dtype=object), np.array(names[1], dtype=object)[items])
    y_RSFI = y_RSFI[:, :, formats][:, :, :, items]
    return trend_effect(y_RSFI, [number for number, _ in there], cluster_I=first.labels(chosen), recipe=recipe)


def _shared(levels: Sequence[Sequence[object]]) -> list[object]:
    """What all of them have, in the order of the first."""
    return [level for level in levels[0] if all(level in other for other in map(set, levels[1:]))]


def _values_at(
    block: Block, side: ArmCells, seeds: Sequence[object], formats: Sequence[object], items: Sequence[object]
) -> NDArray[np.float64]:
    places = (
        _places(all_levels, wanted)
        for all_levels, wanted in ((side.seeds, seeds), (block.formats, formats), (block.items, items))
    )
    return side.y_SFI[np.ix_(*places)]


def _places(levels: Sequence[object], wanted: Sequence[object]) -> list[int]:
    place = {level: number for number, level in enumerate(levels)}
    return [place[level] for level in wanted]
