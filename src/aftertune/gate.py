"""Judge the contrasts of a results.json against a margin: PASS, FAIL or CANNOT TELL for each, and for all.

The limits of the one-sided tests stand in the results and do not depend on the margin, so a verdict at
another margin is exactly the one that a new analysis would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aftertune.errors import TableError, did_you_mean
from aftertune.results import Contrast, Results, read_results
from aftertune.stats.budget import Budget, Part
from aftertune.stats.design import advice
from aftertune.stats.verdict import Verdict, Worse, decide

FILE_NAME = "results.json"
_WRITTEN_BY = f"name a {FILE_NAME}: `aftertune analyze TABLE` and `aftertune run STUDY` write one"


@dataclass(frozen=True, slots=True)
class Decision:
    """One contrast judged against a margin.

    Attributes:
        verdict: PASS, FAIL or CANNOT TELL.
        low: The change for the worse is at least this, one-sided at the results' level; None where there is
            no interval.
        high: It is at most this.
        reason: Why, in words.
        advice: What would decide it; empty unless CANNOT TELL.
    """

    arm: str
    against: str
    benchmark: str
    outcome: str
    judge: str
    claim: str
    estimate: float | None
    verdict: str
    low: float | None
    high: float | None
    reason: str
    advice: str = ""


def find_results(path: Path) -> tuple[Results, Path]:
    """Read results from a results.json or from the folder that holds one.

    Raises:
        TableError: there is none, or it cannot be read; the message names the file.
    """
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        where = f"{path}: the folder has no {FILE_NAME}" if path.is_dir() else f"{path}: there is no such file"
        raise TableError(where, _WRITTEN_BY)
    if file.suffix != ".json":
        raise TableError(f"{file}: this is no {FILE_NAME}", _WRITTEN_BY)
    try:
        return read_results(file), file
    except TableError as error:
        raise TableError(f"{file}: {error.message.removeprefix(f'{file}: ')}", error.fix) from error


def choose(results: Results, *, arm: str | None = None, claim: str | None = None) -> tuple[Contrast, ...]:
    """The primary contrasts, of one arm where it is named.

    Raises:
        TableError: there are none, the arm is unknown, or the results make the other claim.
    """
    primary = [row for row in results.contrasts if row.primary]
    if not primary:
        raise TableError(
            "the results have no primary contrast, so there is nothing to decide",
            "analyse again with an outcome and a judge that the table has: `aftertune analyze TABLE --outcome NAME`",
        )
    _check_claim(primary, claim)
    arms = list(dict.fromkeys(row.arm for row in primary))
    if arm is not None and arm not in arms:
        raise TableError(
            f"no primary contrast is of arm {arm!r}{did_you_mean(arm, arms)}; there are: {', '.join(arms)}",
            "name one of them with --arm, or leave --arm out",
        )
    return tuple(row for row in primary if arm is None or row.arm == arm)


def _check_claim(rows: Iterable[Contrast], claim: str | None) -> None:
    found = sorted({row.claim for row in rows})
    if claim is not None and found != [claim]:
        raise TableError(
            f"the results make the {' and '.join(found)} claim, not the {claim} claim, and cannot be turned into it",
            f"analyse the table again: `aftertune analyze TABLE --claim {claim}` (a run leaves it as table.parquet "
            f"beside its results), or set `analysis.claim: {claim}` in the study and `aftertune run` it",
        )


def judge(results: Results, rows: Iterable[Contrast], *, margin: float) -> tuple[Decision, ...]:
    """Judge contrasts against a margin, a fraction.

    A self-check that ended in an error speaks against the machinery behind every number, so no contrast can
    pass beside one.

    Raises:
        TableError: the margin is out of range, or the results are of a version that kept too little.
    """
    if not 0 <= margin < 1:
        raise TableError(f"the margin is {100 * margin:g} points", "give a number of points from 0 to below 100")
    broken = next((found for found in results.diagnostics if found.status == "error"), None)
    doubt = f"self-check {broken.check.replace('_', ' ')} found an error: {broken.message}" if broken else ""
    return tuple(_judged(row, margin, doubt) for row in rows)


def overall(verdicts: Iterable[str]) -> Verdict:
    """FAIL where any is FAIL, PASS where all are PASS, CANNOT TELL otherwise.

    >>> overall(["PASS", "CANNOT TELL"]).value, overall(["CANNOT TELL", "FAIL"]).value, overall(["PASS"]).value
    ('CANNOT TELL', 'FAIL', 'PASS')
    """
    found = set(verdicts)
    if Verdict.FAIL in found:
        return Verdict.FAIL
    return Verdict.PASS if found == {Verdict.PASS} else Verdict.CANNOT_TELL


def _judged(row: Contrast, margin: float, doubt: str) -> Decision:
    worse = _worse(row)
    low, high = _degradation(row, worse)
    verdict = decide(low, high, margin=margin, worse="higher")
    reason, plan = _reason(row, verdict, low, high), ""
    if verdict == Verdict.CANNOT_TELL:
        plan = advice(_budget(row), margin=margin, worse=worse, level=row.level)
    if verdict == Verdict.PASS and doubt:
        verdict, reason = Verdict.CANNOT_TELL, f"{reason}, but {doubt}"
    return Decision(
        row.arm,
        row.against,
        row.benchmark,
        row.outcome,
        row.judge,
        row.claim,
        row.estimate,
        verdict.value,
        None if math.isnan(low) else low,
        None if math.isnan(high) else high,
        reason,
        plan,
    )


def _worse(row: Contrast) -> Worse:
    if row.worse == "higher":
        return "higher"
    if row.worse == "lower":
        return "lower"
    raise TableError(
        f"contrast {row.arm} against {row.against}: `worse` is {row.worse!r}", "run `aftertune analyze` again"
    )


def _degradation(row: Contrast, worse: Worse) -> tuple[float, float]:
    """Limits of the change for the worse; NaN where there is no interval."""
    if row.low is None or row.high is None:
        return math.nan, math.nan
    if row.one_sided is None or row.one_sided.low is None or row.one_sided.high is None:
        raise TableError(
            f"contrast {row.arm} against {row.against}: the results keep no limits of the one-sided tests",
            "they are of an earlier version: run `aftertune analyze` on the table again, or `aftertune run` the study",
        )
    low, high = row.one_sided.low, row.one_sided.high
    return (low, high) if worse == "higher" else (-high, -low)


def _reason(row: Contrast, verdict: Verdict, low: float, high: float) -> str:
    if math.isnan(low):
        return f"no interval: {row.reason or 'the results give none'}"
    words = {
        Verdict.PASS: f"the change for the worse is at most {_points(high)} points",
        Verdict.FAIL: f"the change for the worse is at least {_points(low)} points",
        Verdict.CANNOT_TELL: f"the change for the worse may be {_points(low)} to {_points(high)} points",
    }[verdict]
    return f"{words} ({row.reason})" if row.reason else words


def _points(fraction: float) -> str:
    text = f"{100 * fraction:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def _budget(row: Contrast) -> Budget:
    """The error budget as far as advice needs it: made again from the spread."""
    estimate = math.nan if row.estimate is None else row.estimate
    if row.low is None or row.spread is None or math.isnan(estimate):
        return Budget(estimate, refused=row.reason or "nothing to plan with", n_seeds=row.n_seeds)
    item = Part("item", row.spread.item**2 / row.n_clusters)
    floor = row.spread.both**2 / (row.n_seeds * row.n_clusters)
    seed = Part("seed", row.spread.seed**2 / row.n_seeds + floor, row.n_seeds - 1, floor)
    parts = (item,) if row.claim == "checkpoint" else (seed, item)
    return Budget(estimate, parts, n_seeds=row.n_seeds, n_items=row.n_items, n_clusters=row.n_clusters)
