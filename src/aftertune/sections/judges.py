"""Judges as instruments: how they agree, how they err against human labels, and changes with that error out.

Everything is per arm, because tuning changes style and style fools judges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aftertune.asked import Asked
from aftertune.cells import Block
from aftertune.codes import codes
from aftertune.pairing import effect_budget, matched
from aftertune.results import Diagnostic
from aftertune.section_records import Corrected, Estimate, JudgeAgreement, JudgeErrors
from aftertune.stats.agreement import agreement
from aftertune.stats.budget import Budget, Interval, interval
from aftertune.stats.judge_error import LabelledResponses, corrected_effect, judge_error, label_part
from aftertune.stats.quantiles import two_sided
from aftertune.stats.verdict import verdict

if TYPE_CHECKING:
    import polars as pl

UNDEFINED = Estimate(math.nan, math.nan, math.nan)
GRADED = "graded scores: agreement is for yes/no verdicts"
Array = NDArray[np.float64]
Place = tuple[str, str, str]  # benchmark, outcome, arm


@dataclass(frozen=True, slots=True)
class Shared:
    """One arm's responses that several judges saw.

    Attributes:
        values: Judge to its values, NaN where it gave none.
        cluster_I: Item or cluster of each response, from 0.
    """

    benchmark: str
    outcome: str
    arm: str
    values: Mapping[str, Array]
    cluster_I: NDArray[np.int64]

    def labelled(self, judge: str, human: str) -> LabelledResponses:
        """The responses that both have a value for."""
        both = ~(np.isnan(self.values[judge]) | np.isnan(self.values[human]))
        cluster_I = np.unique(self.cluster_I[both], return_inverse=True)[1].astype(np.int64)
        return LabelledResponses(self.values[judge][both], self.values[human][both], cluster_I)


def shared_responses(table: pl.DataFrame, found: Iterable[Block], one_to_five: set[tuple[str, str]]) -> list[Shared]:
    """The responses of every arm that two judges or more judged for the same outcome.

    Args:
        table: The checked table; the last round of each arm is taken.
        found: Its blocks.
        one_to_five: Outcomes and judges whose scores run from 1 to 5.
    """
    import polars as pl

    judges: dict[tuple[str, str], list[str]] = {}
    for block in found:
        judges.setdefault((block.benchmark, block.outcome), []).append(block.judge)
    several = {place: names for place, names in judges.items() if len(names) > 1}
    if not several:
        return []
    last = table.filter(pl.col("round") == pl.col("round").max().over("arm"))
    return [one for place, names in several.items() for one in _shared(last, *place, names, one_to_five)]


def agreements(shared: Iterable[Shared], level: float) -> tuple[JudgeAgreement, ...]:
    """Agreement of every two judges of an outcome, per arm."""
    return tuple(
        _agreement(one, first, second, level) for one in shared for first, second in combinations(sorted(one.values), 2)
    )


def judge_errors(shared: Iterable[Shared], asked: Asked) -> tuple[JudgeErrors, ...]:
    """Every judge against the human labels, per arm."""
    return tuple(
        _errors(one, judge, asked)
        for one in shared
        if asked.human in one.values
        for judge in sorted(set(one.values) - {asked.human})
    )


def corrected(
    found: Iterable[Block], pairs: Sequence[tuple[str, str]], shared: Iterable[Shared], asked: Asked
) -> tuple[Corrected, ...]:
    """Every contrast of a judge whose responses people labelled too, with the judge's error taken out."""
    by_place = {(one.benchmark, one.outcome, one.arm): one for one in shared if asked.human in one.values}
    places = {place[:2] for place in by_place}
    return tuple(
        _corrected(block, arm, against, by_place, asked)
        for block in found
        if (block.benchmark, block.outcome) in places and block.judge != asked.human
        for arm, against in pairs
        if arm in block.arms and against in block.arms
    )


def drift_findings(rows: Sequence[Corrected]) -> Iterator[Diagnostic]:
    """Warn where a judge errs differently on the arm than on the arm compared with."""
    for row in rows:
        low, high = row.drift.low, row.drift.high
        if row.primary and low is not None and high is not None and (low > 0 or high < 0):
            yield Diagnostic(
                "judge_drift",
                "warning",
                f"{row.arm} / {row.benchmark} / {row.outcome} / {row.judge}",
                f"against human labels the judge says {100 * (row.drift.estimate or 0.0):+.1f} points more on this "
                f"arm than on {row.against}; read the corrected change",
            )


def _shared(
    last: pl.DataFrame, benchmark: str, outcome: str, judges: Sequence[str], one_to_five: set[tuple[str, str]]
) -> Iterator[Shared]:
    import polars as pl

    graded = [judge for judge in judges if (outcome, judge) in one_to_five]
    index = ["arm", "training_seed", "item", "prompt_format", "replicate", "cluster"]
    here = last.filter((pl.col("benchmark") == benchmark) & (pl.col("outcome") == outcome))
    scaled = pl.when(pl.col("judge").is_in(graded)).then((pl.col("value") - 1) / 4).otherwise(pl.col("value"))
    wide = here.select(*index, "judge", value=scaled).pivot(on="judge", index=index, values="value")
    alone = pl.when(pl.col("cluster") == "").then("\0" + pl.col("item")).otherwise(pl.col("cluster"))
    for (arm,), part in sorted(wide.with_columns(unit=alone).partition_by("arm", as_dict=True).items()):
        values = {judge: part[judge].to_numpy().astype(np.float64) for judge in judges}
        there = {judge: value for judge, value in values.items() if not np.isnan(value).all()}
        if len(there) > 1:
            yield Shared(benchmark, outcome, str(arm), there, codes(part["unit"])[1])


def _agreement(one: Shared, first: str, second: str, level: float) -> JudgeAgreement:
    place = (one.arm, one.benchmark, one.outcome, first, second, level)
    try:
        found = agreement(one.values[first], one.values[second], cluster_I=one.cluster_I, level=level)
    except ValueError:
        n = int((~np.isnan(one.values[first]) & ~np.isnan(one.values[second])).sum())
        return JudgeAgreement(*place, n, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED, GRADED)
    measures = (found.share, found.kappa, found.ac1, found.alpha)
    reason = next((measure.reason for measure in measures if measure.reason), "")
    share, kappa, ac1, alpha = map(_estimate, measures)
    return JudgeAgreement(*place, found.n, share, kappa, ac1, alpha, reason)


def _errors(one: Shared, judge: str, asked: Asked) -> JudgeErrors:
    labels = one.labelled(judge, asked.human)
    n = len(labels.judge_I)
    place = (one.arm, one.benchmark, one.outcome, judge, asked.human, asked.level, n)
    if not n:
        return JudgeErrors(*place, UNDEFINED, UNDEFINED, UNDEFINED, "no response has both a verdict and a label")
    half = two_sided(1 - asked.level, labels.n_clusters - 1) * math.sqrt(labels.bias_variance)
    bias = Estimate(labels.bias, labels.bias - half, labels.bias + half)
    if not np.isin(np.concatenate([labels.judge_I, labels.human_I]), (0.0, 1.0)).all():
        return JudgeErrors(*place, UNDEFINED, UNDEFINED, bias, "graded scores have no sensitivity and specificity")
    error = judge_error(labels.judge_I, labels.human_I, cluster_I=labels.cluster_I, level=asked.level)
    reason = error.sensitivity.reason or error.specificity.reason
    return JudgeErrors(*place, _estimate(error.sensitivity), _estimate(error.specificity), bias, reason)


def _corrected(block: Block, arm: str, against: str, by_place: Mapping[Place, Shared], asked: Asked) -> Corrected:
    sides = (by_place.get((block.benchmark, block.outcome, name)) for name in (arm, against))
    own, other = (_labels(side, block.judge, asked) for side in sides)
    budget, drift = _without_error(effect_budget(*matched(block, arm, against), asked.scope), own, other, asked.level)
    effect = interval(budget, level=asked.level)
    return Corrected(
        arm=arm,
        against=against,
        benchmark=block.benchmark,
        outcome=block.outcome,
        judge=block.judge,
        human_judge=asked.human,
        claim=asked.scope.claim,
        estimate=effect.estimate,
        low=effect.low,
        high=effect.high,
        level=asked.level,
        margin=asked.margin,
        verdict=verdict(budget, margin=asked.margin, worse=asked.worse(block), level=asked.level).value,
        parts=effect.parts,
        n_labels=len(own.judge_I),
        n_labels_against=len(other.judge_I),
        drift=drift,
        primary=asked.primary(block),
        reason=effect.reason,
    )


def _labels(one: Shared | None, judge: str, asked: Asked) -> LabelledResponses:
    if one is None or judge not in one.values:
        return LabelledResponses(np.zeros(0), np.zeros(0))
    return one.labelled(judge, asked.human)


def _without_error(
    budget: Budget, arm: LabelledResponses, against: LabelledResponses, level: float
) -> tuple[Budget, Estimate]:
    if not len(arm.judge_I) or not len(against.judge_I):
        which = "the arm" if not len(arm.judge_I) else "the arm compared with"
        refused = f"no human labels of {which}: a correction from one arm alone makes things worse"
        return Budget(math.nan, n_seeds=budget.n_seeds, refused=refused), UNDEFINED
    gap, part = arm.bias - against.bias, label_part(arm, against)
    half = two_sided(1 - level, part.df) * math.sqrt(part.variance)
    return corrected_effect(budget, arm=arm, against=against), Estimate(gap, gap - half, gap + half)


def _estimate(found: Interval) -> Estimate:
    return Estimate(found.estimate, found.low, found.high)
