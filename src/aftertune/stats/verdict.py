"""The three-way verdict against a margin: PASS, FAIL or CANNOT TELL.

Absence of significance is not safety: a wide interval gives CANNOT TELL, never PASS.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal

from aftertune.stats.budget import Budget, limits

Worse = Literal["higher", "lower"]


class Verdict(StrEnum):
    """What a gate says about one contrast."""

    PASS = "PASS"
    FAIL = "FAIL"
    CANNOT_TELL = "CANNOT TELL"


def verdict(budget: Budget, *, margin: float, worse: Worse, level: float = 0.95) -> Verdict:
    """Judge a change against the largest one declared acceptable.

    Answers "is the degradation surely below, or surely above, the margin", each with a one-sided error rate
    of `1 - level`; so it uses the two-sided interval at `2 * level - 1`, which is narrower than the one
    displayed.

    Args:
        budget: The change, arm minus the arm compared with.
        margin: Largest acceptable degradation, a fraction above or equal to 0.
        worse: Which direction of the outcome is a degradation.
        level: One-sided level, as a fraction above 0.5.

    Returns:
        PASS where the degradation's upper limit is below the margin, FAIL where its lower limit is above,
        CANNOT TELL otherwise and wherever there is no interval.

    Source: non-inferiority testing by interval inclusion. False-pass rates: docs/validation/verdict.md.

    >>> from aftertune.stats.budget import Part
    >>> budget = Budget(0.01, (Part("item", 0.0001),))
    >>> verdict(budget, margin=0.05, worse="higher").value, verdict(budget, margin=0.02, worse="higher").value
    ('PASS', 'CANNOT TELL')
    """
    low, high = limits(budget, alpha=2 * (1 - level))
    return decide(low, high, margin=margin, worse=worse)


def decide(low: float, high: float, *, margin: float, worse: Worse) -> Verdict:
    """The verdict from the limits of the two one-sided tests.

    Args:
        low: Lower limit of the change; NaN where there is none.
        high: Upper limit of the change.
        margin: As given to `verdict`.
        worse: As given to `verdict`.

    >>> decide(-0.02, 0.03, margin=0.05, worse="higher").value, decide(0.06, 0.2, margin=0.05, worse="higher").value
    ('PASS', 'FAIL')
    >>> decide(float("nan"), float("nan"), margin=0.05, worse="lower").value
    'CANNOT TELL'
    """
    if math.isnan(low) or math.isnan(high):
        return Verdict.CANNOT_TELL
    if worse == "lower":
        low, high = -high, -low
    if high < margin:
        return Verdict.PASS
    return Verdict.FAIL if low > margin else Verdict.CANNOT_TELL


def equivalent(budget: Budget, *, margin: float, level: float = 0.95) -> bool:
    """Whether the change is surely inside the margin on both sides (two one-sided tests).

    Args:
        budget: The change.
        margin: Largest acceptable change either way, a fraction.
        level: One-sided level of each test.

    Returns:
        True only where the interval at `2 * level - 1` lies inside; False where there is none.

    Source: Schuirmann 1987.

    >>> from aftertune.stats.budget import Part
    >>> equivalent(Budget(0.01, (Part("item", 0.0001),)), margin=0.03)
    True
    """
    low, high = limits(budget, alpha=2 * (1 - level))
    return -margin < low and high < margin
