"""The replicate audit: are the training seeds different runs, and is a run the same when it is made again?

It looks before any statistics: two seeds that are one run would make the spread between seeds too small, and every
interval with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from aftertune.arms import Arm
from aftertune.errors import ReplicateError
from aftertune.plan import Plan, PlannedRun
from aftertune.repeats import repeat_findings
from aftertune.resolve import Resolved
from aftertune.results import Diagnostic
from aftertune.store import Store
from aftertune.varied import varied

Facts = Mapping[str, Any]


def audit_replicates(study: Resolved, plan: Plan, store: Store) -> None:
    """Refuse training seeds of one arm that ended with the same weights in one round.

    Raises:
        ReplicateError: names the arm, the seeds, the likely cause and what to do.
    """
    arms = {arm.name: arm for arm in study.arms}
    for (name, number), runs in _by_round(plan).items():
        ends: dict[str, list[PlannedRun]] = {}
        for run in runs:
            ends.setdefault(_facts(run, store)["final_sha256"], []).append(run)
        for same in ends.values():
            if len(same) > 1:
                raise _one_run(arms[name], number, same, [_facts(run, store) for run in same])


def audit_findings(study: Resolved, plan: Plan, store: Store, primary: str, outcome: str) -> Iterator[Diagnostic]:
    """What the audit has to say when nothing is wrong, in a fixed order."""
    yield from _streams(study)
    yield from _starts(study, plan, store)
    yield from repeat_findings(plan, store, primary, outcome)


def settled(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings on the table, where the audit knows better: seeds with equal outcomes are two runs all the same."""
    return tuple(
        replace(found, status="info", message=f"{found.message.partition(';')[0]}; their weights differ all the same")
        if found.check == "identical_seeds" and found.status == "error"
        else found
        for found in diagnostics
    )


def _by_round(plan: Plan) -> dict[tuple[str, int], list[PlannedRun]]:
    found: dict[tuple[str, int], list[PlannedRun]] = {}
    for run in plan.runs:
        if not run.repeat:
            found.setdefault((run.arm, run.round), []).append(run)
    return found


def _facts(run: PlannedRun, store: Store) -> Facts:
    facts: Facts = store.manifest("tune", run.key)["facts"]
    return facts


def _one_run(arm: Arm, number: int, same: Sequence[PlannedRun], facts: Sequence[Facts]) -> ReplicateError:
    seeds = " and ".join(str(run.training_seed) for run in same)
    where = f" in round {number}" if arm.tune.n_rounds > 1 else ""
    why, fix = _cause(arm, facts)
    return ReplicateError(
        f"arm {arm.name}: training seeds {seeds} ended with the same weights{where} "
        f"(sha256 {facts[0]['final_sha256'][:12]}): they are one run. {why}",
        f"{fix}; then run the same command again, finished steps are kept",
    )


def _cause(arm: Arm, facts: Sequence[Facts]) -> tuple[str, str]:
    """The likely cause, and what to do about it."""
    tune = arm.tune
    if tune.engine == "external":
        return (
            "Their folders hold the same weights, or the command does not use {seed}.",
            "give every training seed its own checkpoint",
        )
    orders = {found["order_sha256"] for found in facts}
    if len(orders) == 1 and tune.kind == "full":
        return (
            "Full fine-tuning draws the order of the rows only, and theirs is the same: there are too few rows.",
            "use more rows, a smaller `tune.batch_size`, `kind: lora`, or `training_seeds: 1`",
        )
    if len(orders) == 1 and tune.hold:
        return (f"They hold {', '.join(tune.hold)} and draw nothing else.", "hold fewer streams")
    return (
        "Nothing that they draw reached the weights: the learning rate may be too small for the precision.",
        "raise `tune.learning_rate`, or tune in float32",
    )


def _streams(study: Resolved) -> Iterator[Diagnostic]:
    """What was varied, once for all arms that agree."""
    found = [varied(arm, study.declared.spec.measure.sampling) for arm in study.arms]
    for sentence, group in groupby(sorted(found, key=lambda one: one.sentence), key=lambda one: one.sentence):
        arms = [one.arm for one in group]
        yield Diagnostic("streams", "info", "all arms" if len(arms) == len(found) else ", ".join(arms), sentence)


def _starts(study: Resolved, plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """Warn where training seeds begin with the same weights, and say so where they do not."""
    order_only, unknown = [], []
    for (name, number), runs in _by_round(plan).items():
        starts = {_facts(run, store)["initial_sha256"] for run in runs}
        if number > 1 or len(runs) < 2:
            continue
        if starts == {""}:
            unknown.append(name)
        elif len(starts) == 1:
            order_only.append(name)
    if order_only:
        yield Diagnostic("training seeds differ", "warning", ", ".join(order_only), _same_start(study, set(order_only)))
    if unknown:
        yield Diagnostic(
            "training seeds differ", "ok", ", ".join(unknown), "every external checkpoint has its own final weights"
        )
    if not order_only and not unknown:
        yield Diagnostic(
            "training seeds differ", "ok", "all arms", "every run has its own initial adapter and its own final weights"
        )


def _same_start(study: Resolved, names: set[str]) -> str:
    arms = [arm for arm in study.arms if arm.name in names]
    drawn = {stream for arm in arms for stream in varied(arm, study.declared.spec.measure.sampling).varies}
    more = sorted(drawn - {"init", "order", "decode"})
    return (
        f"seeds start from the same weights and differ in {' and '.join(['data order', *more])} only; "
        "the spread between them leaves out what a new start would bring"
    )
