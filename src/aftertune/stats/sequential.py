"""Looking at results before all items are in, without paying for it in false verdicts.

For one checkpoint and items in random order. Never apply these to a recipe claim: more items do not replace
training seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.facets import Array


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
    low, high, rule = 0.5, 6.0, np.polynomial.legendre.leggauss(200)
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if _crossing(n_looks, middle, rule) > alpha else (low, middle)
    return (low + high) / 2


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


def _crossing(n_looks: int, constant: float, rule: tuple[Array, Array]) -> float:
    """Chance that a Gaussian walk ever exceeds constant * sqrt(K) at its K steps, with unit steps."""
    bound, floor = constant * math.sqrt(n_looks), -6.0 * math.sqrt(n_looks)
    x = floor + (bound - floor) * (rule[0] + 1) / 2
    weights = rule[1] * (bound - floor) / 2
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    crossed = float(special.ndtr(-bound))
    step = np.exp(-((x[:, None] - x[None, :]) ** 2) / 2) / math.sqrt(2 * math.pi)
    for _ in range(n_looks - 1):
        crossed += float((density * weights * special.ndtr(-(bound - x))).sum())
        density = step @ (density * weights)
    return crossed
