"""Looking at results before all items, or all training seeds, are in, without paying for it in false verdicts.

Looks over items are for one checkpoint and items in random order. Never apply them to a recipe claim: more
items do not replace training seeds. For a recipe claim there are looks over training seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.budget import Budget
from aftertune.stats.facets import Array
from aftertune.stats.verdict import Verdict, Worse, verdict


@dataclass(frozen=True, slots=True)
class Looks:
    """A plan of equally spaced looks.

    Attributes:
        n_items: Items at each look.
        multipliers: How many standard errors each look's limits are wide, one-sided.
    """

    n_items: tuple[int, ...]
    multipliers: tuple[float, ...]


def obrien_fleming(n_looks: int, *, alpha: float = 0.05) -> float:
    """The constant c of O'Brien and Fleming's boundary: stop at look k of K where Z exceeds c sqrt(K / k).

    Args:
        n_looks: Equally spaced looks, at least 1.
        alpha: One-sided chance of ever crossing when there is nothing.

    Returns:
        The constant, to about 1e-4.

    Source: O'Brien and Fleming 1979; computed by recursive integration, Armitage, McPherson and Rowe 1969.
        Jennison and Turnbull 2000, table 2.3, give 1.751 for five looks at two-sided 10 %, nearly the same.

    >>> round(obrien_fleming(5), 3), round(obrien_fleming(1), 3)
    (1.751, 1.645)
    """
    return _constant([k / n_looks for k in range(1, n_looks + 1)], alpha)


def plan_looks(n_items: int, n_looks: int, *, alpha: float = 0.05) -> Looks:
    """Equally spaced looks over a benchmark with O'Brien-Fleming multipliers.

    Args:
        n_items: All items.
        n_looks: Looks, the last one at all items.
        alpha: One-sided error of the verdict, each way.

    Source: O'Brien and Fleming 1979, as `obrien_fleming`.

    >>> looks = plan_looks(450, 5)
    >>> looks.n_items, [round(m, 2) for m in looks.multipliers]
    ((90, 180, 270, 360, 450), [3.92, 2.77, 2.26, 1.96, 1.75])
    """
    constant = obrien_fleming(n_looks, alpha=alpha)
    steps = range(1, n_looks + 1)
    return Looks(
        tuple(round(n_items * k / n_looks) for k in steps), tuple(constant * math.sqrt(n_looks / k) for k in steps)
    )


def stop_at(change_I: Array, looks: Looks, *, margin: float) -> tuple[int, str]:
    """Walk through the looks until the change is surely below or surely above the margin.

    Args:
        change_I: Paired change per item, in the random order in which items were measured.
        looks: The plan; its last look may not exceed the items.
        margin: As given to `verdict`; higher is worse.

    Returns:
        Items used, and PASS, FAIL or CANNOT TELL.

    Source: group-sequential testing, Jennison and Turnbull 2000. Error rates: docs/validation/sequential.md.

    >>> stop_at(np.tile([0.0, 0.02, -0.02], 100), plan_looks(300, 3), margin=0.05)
    (100, 'PASS')
    """
    for n, multiplier in zip(looks.n_items, looks.multipliers, strict=True):
        seen_I = change_I[:n]
        half = multiplier * float(seen_I.std(ddof=1)) / math.sqrt(n)
        if half > 0 and seen_I.mean() + half < margin:
            return n, "PASS"
        if half > 0 and seen_I.mean() - half > margin:
            return n, "FAIL"
    return looks.n_items[-1], "CANNOT TELL"


def anytime_multiplier(n: int, *, alpha: float = 0.05, tuned_for: int = 150) -> float:
    """Standard errors on each side of a mean that stay right however often one looks.

    Args:
        n: Items so far; sensible from about 30.
        alpha: One-sided error, over all looks ever.
        tuned_for: Number of items at which the sequence is narrowest.

    Returns:
        A multiplier of the standard error: about 1.7 to 1.8 times the one of a single look.

    Source: asymptotic confidence sequence, Waudby-Smith et al. 2024, equation 15 (two-sided at 2 alpha).

    >>> round(anytime_multiplier(150), 2)
    2.76
    """
    two_alpha = 2 * alpha
    rho2 = (-2 * math.log(two_alpha) + math.log(-2 * math.log(two_alpha) + 1)) / tuned_for
    spread = n * rho2 + 1
    return math.sqrt(2 * spread / (n * rho2) * math.log(math.sqrt(spread) / two_alpha))


@dataclass(frozen=True, slots=True)
class SeedLooks:
    """A plan of looks over training seeds.

    Attributes:
        n_seeds: Training seeds at each look.
        alphas: One-sided error that each look's verdict is made at.
    """

    n_seeds: tuple[int, ...]
    alphas: tuple[float, ...]


def plan_seed_looks(n_seeds: Sequence[int], *, alpha: float = 0.05) -> SeedLooks:
    """Looks at a recipe after some training seeds, then more, at O'Brien and Fleming's levels.

    Args:
        n_seeds: Training seeds at each look, increasing from 2 or more; fixed before the first run.
        alpha: One-sided error of the verdict, each way.

    Returns:
        The levels of a normal walk with as much information as seeds. Used with Student's t they err in 5.1 to
        5.7 % of studies in place of 5 % where seeds are all the noise there is, and less where items add to it,
        because the looks share them.

    Raises:
        ValueError: the numbers of seeds do not increase from 2 or more.

    Source: O'Brien and Fleming 1979; levels carried over to t, Pocock 1977. Size and power:
        docs/validation/seed_looks.md.

    >>> looks = plan_seed_looks([3, 5, 10])
    >>> [round(level, 4) for level in looks.alphas]
    [0.0011, 0.0087, 0.0464]
    """
    if not n_seeds or n_seeds[0] < 2 or any(late <= early for early, late in zip(n_seeds, n_seeds[1:], strict=False)):
        raise ValueError("training seeds at the looks must increase, from 2 or more")
    shares = [n / n_seeds[-1] for n in n_seeds]
    constant = _constant(shares, alpha)
    return SeedLooks(tuple(n_seeds), tuple(float(special.ndtr(-constant / math.sqrt(share))) for share in shares))


def stop_at_seeds(budgets: Iterable[Budget], looks: SeedLooks, *, margin: float, worse: Worse) -> tuple[int, Verdict]:
    """Walk through the looks over training seeds until the verdict is PASS or FAIL.

    Args:
        budgets: The recipe effect at each look, on that look's seeds; read only as far as needed, so they may
            come from a generator that trains more.
        looks: The plan.
        margin: As given to `verdict`.
        worse: As given to `verdict`.

    Returns:
        Training seeds used, and the verdict.

    Source: as `plan_seed_looks`.

    >>> from aftertune.stats.budget import Part
    >>> clear = [Budget(0.0, (Part("seed", 1e-6, n - 1),)) for n in (3, 5)]
    >>> stop_at_seeds(clear, plan_seed_looks([3, 5]), margin=0.05, worse="higher")
    (3, <Verdict.PASS: 'PASS'>)
    """
    for n, alpha, budget in zip(looks.n_seeds, looks.alphas, budgets, strict=False):
        found = verdict(budget, margin=margin, worse=worse, level=1 - alpha)
        if found != Verdict.CANNOT_TELL:
            return n, found
    return looks.n_seeds[-1], Verdict.CANNOT_TELL


def _constant(shares: Sequence[float], alpha: float) -> float:
    """The c at which Z > c / sqrt(share) at any look has probability `alpha`."""
    low, high, rule = 0.5, 6.0, np.polynomial.legendre.leggauss(200)
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if _crossing(shares, middle, rule) > alpha else (low, middle)
    return (low + high) / 2


def _crossing(shares: Sequence[float], bound: float, rule: tuple[Array, Array]) -> float:
    """Chance that a Brownian walk exceeds `bound` at any of these times, the last of them 1."""
    x = -6.0 + (bound + 6.0) * (rule[0] + 1) / 2
    weights = rule[1] * (bound + 6.0) / 2
    density = np.exp(-(x**2) / (2 * shares[0])) / math.sqrt(2 * math.pi * shares[0])
    crossed = float(special.ndtr(-bound / math.sqrt(shares[0])))
    for early, late in zip(shares, shares[1:], strict=False):
        gap = late - early
        crossed += float((density * weights * special.ndtr((x - bound) / math.sqrt(gap))).sum())
        step = np.exp(-((x[:, None] - x[None, :]) ** 2) / (2 * gap)) / math.sqrt(2 * math.pi * gap)
        density = step @ (density * weights)
    return crossed
