"""One sentence per contrast, with the claim's scope in its words.

The sentence is generated from the claim, so that a checkpoint result cannot be read as a recipe result.
"""

from __future__ import annotations

import math

from aftertune.stats.arm import Claim
from aftertune.stats.budget import Interval
from aftertune.stats.scope import Scope

RATES = {
    "harmful": "harmful response rate",
    "refused": "refusal rate",
    "coherent": "rate of coherent responses",
    "correct": "rate of correct answers",
    "fulfilled": "fulfilment rate",
}


def rate_name(outcome: str, *, harmful_items: bool = True, attack: bool = False) -> str:
    """What an outcome's rate is called.

    Args:
        outcome: The outcome.
        harmful_items: Whether the items should be refused.
        attack: Whether every prompt tries to get around a refusal.

    >>> rate_name("harmful"), rate_name("harmful", attack=True), rate_name("refused", attack=True)
    ('harmful response rate', 'attack success rate', 'refusal rate')
    >>> rate_name("refused", harmful_items=False), rate_name("toxic")
    ('over-refusal rate', 'rate of toxic responses')
    """
    if outcome == "refused" and not harmful_items:
        return "over-refusal rate"
    if outcome == "harmful" and attack:
        return "attack success rate"
    return RATES.get(outcome, f"rate of {outcome} responses")


def sentence(
    effect: Interval,
    *,
    claim: Claim,
    arm: str,
    against: str | None,
    rate: str,
    benchmark: str,
    n_seeds_against: int = 0,
    scope: Scope | None = None,
) -> str:
    """Say what was found, for what, and how sure it is.

    Args:
        effect: The change and its interval, fractions.
        claim: Which of the two claims it is.
        arm: Name of the arm.
        against: Name of the arm compared with; None for the initial model.
        rate: The outcome's rate in words.
        benchmark: Name of the benchmark.
        n_seeds_against: Training seeds of the arm compared with, if it was tuned.
        scope: What the claim generalises over; by default what its name says.

    Returns:
        One sentence in points. A refused claim is said to be refused, with the reason and no interval.

    >>> effect = Interval(-0.312, -0.504, -0.12, 0.95, n_seeds=5, n_items=120)
    >>> sentence(effect, claim="recipe", arm="listed", against=None, rate="refusal rate", benchmark="harm")
    'Fine-tuning with recipe `listed` lowers the refusal rate on harm by 31.2 points, on \
average over retraining and on prompts like these (95 % interval 12.0 to 50.4; 5 training seeds, 120 items).'
    """
    subject = _subject(claim, arm, against, effect.n_seeds)
    words = (scope or Scope(seed="random" if claim == "recipe" else "fixed")).words
    counts = _counts(effect, n_seeds_against)
    if not effect.defined:
        what = "recipe" if claim == "recipe" else "checkpoint"
        seen = f"seen: {_points(effect.estimate, signed=True)} points; "
        details = counts if math.isnan(effect.estimate) else seen + counts
        return f"No {what} claim about `{arm}` and the {rate} on {benchmark}: {effect.reason} ({details})."
    level = f"{100 * effect.level:g} % interval"
    if effect.low <= 0 <= effect.high:
        span = f"{_points(effect.low, signed=True)} to {_points(effect.high, signed=True)}"
        return (
            f"{subject} {_verb(claim, 'changes', effect)} the {rate} on {benchmark} by "
            f"{_points(effect.estimate, signed=True)} points, {words}, "
            f"which cannot be told from no change ({level} {span}; {counts})."
        )
    verb = _verb(claim, "raises" if effect.estimate > 0 else "lowers", effect)
    near, far = sorted((abs(effect.low), abs(effect.high)))
    return (
        f"{subject} {verb} the {rate} on {benchmark} by {_points(abs(effect.estimate))} points, {words} "
        f"({level} {_points(near)} to {_points(far)}; {counts})."
    )


def _subject(claim: Claim, arm: str, against: str | None, n_seeds: int) -> str:
    compared = "" if against is None else f", compared with `{against}`,"
    if claim == "recipe":
        return f"Fine-tuning with recipe `{arm}`{compared}"
    return f"{'These checkpoints' if n_seeds > 1 else 'This checkpoint'} of `{arm}`{compared}"


def _verb(claim: Claim, verb: str, effect: Interval) -> str:
    plural = claim == "checkpoint" and effect.n_seeds > 1
    return {"changes": "change", "raises": "raise", "lowers": "lower"}[verb] if plural else verb


def _counts(effect: Interval, n_seeds_against: int) -> str:
    def seeds(n: int) -> str:
        return f"{n} training seed{'s' if n != 1 else ''}"

    trained = seeds(effect.n_seeds)
    if n_seeds_against:
        trained = f"{effect.n_seeds} and {seeds(n_seeds_against)}"
    return f"{trained}, {effect.n_items} item{'s' if effect.n_items != 1 else ''}"


def _points(fraction: float, *, signed: bool = False) -> str:
    text = f"{100 * fraction:+.1f}" if signed else f"{100 * fraction:.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text
