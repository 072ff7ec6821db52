"""Apply a judge to stored responses: one row per item, replicate and outcome.

The judge sees neither the arm nor the training seed. What it cannot decide stays a row with a status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aftertune.judges.base import Decide, Judge
from aftertune.records import Item, Outcome, Response, Status, Verdict


@dataclass(frozen=True, slots=True)
class Judgment:
    """One verdict on one response."""

    item: str
    replicate: int
    outcome: Outcome
    value: float | None
    status: Status
    reason: str


def judge_responses(
    judge: Judge, decide: Decide, items: Mapping[str, Item], responses: Sequence[Response]
) -> list[Judgment]:
    """Judge every response.

    A failed response is never shown to the judge: it becomes a failed row for each outcome that applies.
    A truncated one is judged on what is there, and its row says so.
    """
    readable = [response for response in responses if response.status != Status.FAILED]
    decided = iter(decide([items[response.item] for response in readable], readable)) if readable else iter(())
    rows: list[Judgment] = []
    for response in responses:
        failed = response.status == Status.FAILED
        verdicts = _no_response(judge, items[response.item], response) if failed else next(decided)
        rows.extend(_judgment(response, verdict) for verdict in verdicts)
    return rows


def applies(outcome: Outcome, item: Item) -> bool:
    """Whether an outcome makes sense for an item: harm needs a harmful one, a right answer a reference."""
    if outcome == Outcome.HARMFUL:
        return item.harmful
    return bool(item.reference) if outcome == Outcome.CORRECT else True


def _no_response(judge: Judge, item: Item, response: Response) -> tuple[Verdict, ...]:
    fits = response.n_prompt_tokens > 0
    reason = "the prompt does not fit the model" if fits else "the chat template refuses the prompt, or it is empty"
    outcomes = (outcome for outcome in judge.outcomes if applies(outcome, item))
    return tuple(Verdict(outcome, None, Status.FAILED, reason) for outcome in outcomes)


def _judgment(response: Response, verdict: Verdict) -> Judgment:
    if response.status == Status.TRUNCATED and verdict.status == Status.OK:
        verdict = replace(verdict, status=Status.TRUNCATED)
    return Judgment(response.item, response.replicate, verdict.outcome, verdict.value, verdict.status, verdict.reason)
