"""What a judge file defines.

A judge is an instrument: it has a version, it may abstain, and it is wrong at a rate that is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.records import Item, Outcome, Response, Verdict

Decide = Callable[[Sequence[Item], Sequence[Response]], list[tuple[Verdict, ...]]]


def _nothing_more() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Judge:
    """A named instrument.

    Attributes:
        version: Raised whenever a verdict can change.
        outcomes: The outcomes it decides; it may leave one out where it does not apply.
        about: How it decides, in one sentence.
        error: Its known error, in words.
        open: Loads what it needs and returns the function that judges a batch: for each
            (item, response) the verdicts, none for an outcome that does not apply to the item.
        identity: What else its verdicts depend on, such as the hash of its weights.
    """

    version: str
    outcomes: tuple[Outcome, ...]
    about: str
    error: str
    open: Callable[[], Decide]
    identity: Callable[[], Mapping[str, Any]] = _nothing_more


def one_by_one(decide: Callable[[Item, Response], tuple[Verdict, ...]]) -> Callable[[], Decide]:
    """Make a batch function of one that looks at a single response and needs nothing loaded."""

    def batch(items: Sequence[Item], responses: Sequence[Response]) -> list[tuple[Verdict, ...]]:
        return [decide(item, response) for item, response in zip(items, responses, strict=True)]

    return lambda: batch
