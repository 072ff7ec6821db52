"""What to expect when the fine-tuning is run again: the same verdict, one new run, one bad run.

These speak of new training seeds on the same items; they are no substitute for more seeds.
"""

from __future__ import annotations

import math

import numpy as np

from aftertune.stats.budget import Budget, Interval, half_widths
from aftertune.stats.facets import Array
from aftertune.stats.quantiles import two_sided
from aftertune.stats.verdict import Verdict, Worse, verdict


def replication_probability(
    budget: Budget,
    *,
    margin: float,
    worse: Worse,
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 600,
) -> float:
    """The chance that re-running the whole fine-tuning with as many new training seeds gives the same
    verdict.

    Args:
        budget: A recipe budget; its parts called `seed` and `seed_against` are drawn anew.
        margin: As given to `verdict`.
        worse: As given to `verdict`.
        rng: The generator to draw with.
        level: As given to `verdict`.
        draws: Number of imagined re-runs.

    Returns:
        A probability; NaN where the recipe claim is refused or there is no seed part. The seed variance
        itself is drawn too, so few seeds do not make it over-confident.

    Source: own derivation: scaled inverse chi-square for the seed variance, flat prior on the seed SD as in
        Gelman 2006. The usual prior, flat on its log, said 0.75 where 0.72 was true at three seeds.
        Calibration: docs/validation/replication.md.

    >>> from aftertune.stats.budget import Part
    >>> sure = Budget(0.5, (Part("seed", 1e-6, 4), Part("item", 1e-6)), n_seeds=5)
    >>> replication_probability(sure, margin=0.05, worse="higher", rng=np.random.default_rng(1))
    1.0
    """
    seeds = [part for part in budget.parts if part.source.startswith("seed")]
    if budget.refused or not seeds:
        return math.nan
    alpha = 2 * (1 - level)
    widths = half_widths(budget, alpha=alpha)
    rest = sum(part for source, part in widths.items() if not source.startswith("seed"))
    moved, half2 = np.zeros(draws), np.full(draws, rest)
    for part, n_seeds in zip(seeds, (budget.n_seeds, budget.n_seeds_against), strict=False):
        df = n_seeds - 1
        flat_sd = max(df - 1, 1)  # a flat prior on the seed SD costs one degree of freedom
        likely = np.maximum(part.variance * df / rng.chisquare(flat_sd, draws), part.floor)
        moved += 2 * likely
        half2 += two_sided(alpha, part.df) ** 2 * likely * rng.chisquare(df, draws) / df
    again = budget.estimate + rng.standard_normal(draws) * np.sqrt(moved)
    now = verdict(budget, margin=margin, worse=worse, level=level)
    return float(np.mean(_verdicts(again, np.sqrt(half2), margin, worse) == now))


def new_run_interval(effect_S: Array, *, level: float = 0.95) -> Interval:
    """Where the change of one more run of the recipe, on the same items, will probably lie.

    Args:
        effect_S: Change of each run so far, one per training seed.
        level: Confidence level, a fraction.

    Returns:
        Mean plus or minus t(S-1) s sqrt(1 + 1/S); limits NaN with fewer than two seeds or no spread.

    Source: the normal prediction interval. Coverage: docs/validation/replication.md.

    >>> new = new_run_interval(np.array([0.0, 0.1, 0.2]))
    >>> f"{new.estimate:.2f} {new.low:.2f} {new.high:.2f}"
    '0.10 -0.40 0.60'
    """
    n, mean = len(effect_S), float(effect_S.mean())
    if n < 2 or np.ptp(effect_S) == 0:
        reason = "one training seed" if n < 2 else "no spread between training seeds"
        return Interval(mean, math.nan, math.nan, level, n_seeds=n, reason=reason)
    half = two_sided(1 - level, n - 1) * float(effect_S.std(ddof=1)) * math.sqrt(1 + 1 / n)
    return Interval(mean, mean - half, mean + half, level, {"seed": half**2}, n_seeds=n)


def bad_seed_bound(n_seeds: int, *, level: float = 0.95) -> float:
    """How often a run may still go bad, when none of `n_seeds` runs did.

    Args:
        n_seeds: Runs seen, all of them within the limit.
        level: Confidence level, a fraction.

    Returns:
        The largest share of bad runs that such luck does not rule out. Assumes nothing about their
        distribution.

    Source: 1 - (1 - level)^(1/S), the exact binomial bound at zero events.

    >>> [round(bad_seed_bound(n), 2) for n in (3, 5, 10, 59)]
    [0.63, 0.45, 0.26, 0.05]
    """
    return float(1 - (1 - level) ** (1 / n_seeds))


def _verdicts(estimate: Array, half: Array, margin: float, worse: Worse) -> np.ndarray:
    degradation = estimate if worse == "higher" else -estimate
    passed, failed = degradation + half < margin, degradation - half > margin
    return np.select([passed, failed], [Verdict.PASS, Verdict.FAIL], Verdict.CANNOT_TELL)
