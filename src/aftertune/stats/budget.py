"""An estimate with its error budget, and what follows from it: limits, interval, p-value.

A budget is a sum of independent variance parts, one per source that a claim generalises over. Each part has
its own degrees of freedom, so its own multiplier; the squared half-widths add up ("facet quadrature"). The
parts are what the report draws. Nothing here knows where the parts came from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from aftertune.stats.quantiles import two_sided
from aftertune.stats.score import ScoreDifference, score_difference

_ROUNDING = 1e-20  # a variance below this is what adding up rates in floating point leaves of none


@dataclass(frozen=True, slots=True)
class Part:
    """One source of error: the variance it adds to the estimate, and the degrees of freedom behind it.

    Attributes:
        source: Name of the facet.
        variance: Estimated variance of the estimate due to it.
        df: Degrees of freedom behind that; infinite where there are many.
        floor: The share that is known to be there: the seed x item interaction, which many items pin down.
    """

    source: str
    variance: float
    df: float = math.inf
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its limits, as fractions.

    Attributes:
        parts: Source to half-width squared; they add up to the half-width squared.
        reason: Why the limits are undefined, or what they rest on; empty for the plain case.
    """

    estimate: float
    low: float
    high: float
    level: float
    parts: dict[str, float] = field(default_factory=dict)
    n_seeds: int = 0
    n_items: int = 0
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there are limits at all."""
        return not (math.isnan(self.low) or math.isnan(self.high))


@dataclass(frozen=True, slots=True)
class Budget:
    """An estimate and everything its interval needs, at any level.

    Attributes:
        estimate: A difference of rates, a fraction.
        parts: The sources of error, each with variance and degrees of freedom.
        score: Set where events are rare or nothing varied: the limits are then the wider of the two rules.
        n_seeds: Training seeds behind the estimate; 0 where the model has none.
        n_seeds_against: The same for the arm compared with.
        n_clusters: Independent units among the items; equal to `n_items` without clusters.
        refused: Why no interval can be given; empty when there is one.
        note: What the interval rests on when that is not the plain rule.
    """

    estimate: float
    parts: tuple[Part, ...] = ()
    score: ScoreDifference | None = None
    n_seeds: int = 0
    n_seeds_against: int = 0
    n_items: int = 0
    n_clusters: int = 0
    refused: str = ""
    note: str = ""


def half_widths(budget: Budget, *, alpha: float) -> dict[str, float]:
    """The squared half-width of every part, at a two-sided miss probability.

    >>> budget = Budget(0.1, (Part("seed", 0.01, 4), Part("item", 0.01)))
    >>> {source: round(part, 4) for source, part in half_widths(budget, alpha=0.05).items()}
    {'seed': 0.0771, 'item': 0.0384}
    """
    return {part.source: two_sided(alpha, part.df) ** 2 * part.variance for part in budget.parts}


def limits(budget: Budget, *, alpha: float) -> tuple[float, float]:
    """Two-sided limits that miss with probability `alpha`; each is a one-sided limit at `alpha / 2`.

    Returns:
        Lower and upper limit, the wider of quadrature and score rule where the budget asks for both;
        NaN, never zero width, where the budget is refused.

    Source: quadrature of t and normal parts, Banerjee 1961; MOVER for the score rule, Zou and Donner 2008.

    >>> low, high = limits(Budget(0.1, (Part("item", 0.0001),)), alpha=0.05)
    >>> f"{low:.4f} {high:.4f}"
    '0.0804 0.1196'
    """
    if budget.refused or budget.score is None and sum(part.variance for part in budget.parts) < _ROUNDING:
        return math.nan, math.nan
    half = math.sqrt(sum(half_widths(budget, alpha=alpha).values()))
    low, high = budget.estimate - half, budget.estimate + half
    if budget.score is not None:
        score_low, score_high = score_difference(budget.score, alpha=alpha)
        low, high = min(low, score_low), max(high, score_high)
    return (low, high) if high > low else (math.nan, math.nan)


def interval(budget: Budget, *, level: float) -> Interval:
    """The interval of a budget at a level.

    Returns:
        An `Interval` whose parts add up to its (larger) half-width squared; what the rare-event rule adds
        is the part `rare_events`. Limits may leave [-1, 1] at few seeds: that is the message.

    >>> interval(Budget(0.2, refused="one training seed"), level=0.95).defined
    False
    """
    low, high = limits(budget, alpha=1 - level)
    parts = half_widths(budget, alpha=1 - level) if not math.isnan(low) else {}
    extra = max(budget.estimate - low, high - budget.estimate) ** 2 - sum(parts.values())
    if budget.score is not None and extra > 1e-12:
        parts["rare_events"] = extra
    return Interval(
        budget.estimate,
        low,
        high,
        level,
        parts,
        budget.n_seeds,
        budget.n_items,
        _reason(budget, defined=not math.isnan(low)),
    )


def p_value(budget: Budget, *, null: float = 0.0) -> float:
    """The two-sided p-value of the hypothesis that the truth is `null`, by inversion of the interval.

    Returns:
        The smallest `alpha` whose interval leaves `null` out; NaN where there is no interval. 1e-12 stands
        for anything smaller.

    Source: duality of tests and intervals; the root is found to 1e-13 in the log.

    >>> round(p_value(Budget(0.196, (Part("item", 0.01),))), 3)
    0.05
    """
    low, high = limits(budget, alpha=0.5)
    if math.isnan(low):
        return math.nan
    small, large = math.log(1e-12), math.log1p(-1e-12)
    inside, outside = _depth(budget, null, small), _depth(budget, null, large)
    if inside < 0 or outside > 0:
        return 1e-12 if inside < 0 else 1.0
    kept = 0
    for _ in range(100):  # regula falsi with the Illinois rule; a dozen steps are usual
        middle = (small * outside - large * inside) / (outside - inside) if outside != inside else large
        depth = _depth(budget, null, middle)
        if depth > 0:
            outside, kept = (outside / 2 if kept > 0 else outside), 1
            small, inside, moved = middle, depth, middle - small
        else:
            inside, kept = (inside / 2 if kept < 0 else inside), -1
            large, outside, moved = middle, depth, large - middle
        if depth == 0 or moved < 1e-13:
            break
    return math.exp(middle)


def _depth(budget: Budget, null: float, log_alpha: float) -> float:
    """How far inside the limits a value lies; below 0 outside."""
    low, high = limits(budget, alpha=math.exp(log_alpha))
    return -abs(null - budget.estimate) if math.isnan(low) else min(null - low, high - null)


def _reason(budget: Budget, *, defined: bool) -> str:
    if budget.refused or defined:
        return budget.refused or budget.note
    return "nothing varied, so nothing can be said about uncertainty"
