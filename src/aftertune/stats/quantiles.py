"""Quantiles and tail areas, from `scipy.special` alone.

`scipy.stats` has the same functions and takes half a second to import; nothing here needs it.
"""

from __future__ import annotations

import math

from scipy import special


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t; of the normal where `df` is infinite.

    Args:
        probability: Cumulative probability, in (0, 1).
        df: Degrees of freedom; `math.inf` means a normal.

    Returns:
        The quantile; NaN where `df` is below 1, because then it means nothing.

    >>> round(t_quantile(0.975, 4), 3), round(t_quantile(0.975, math.inf), 3)
    (2.776, 1.96)
    """
    if not df >= 1:
        return math.nan
    return float(special.ndtri(probability)) if math.isinf(df) else float(special.stdtrit(df, probability))


def two_sided(alpha: float, df: float) -> float:
    """The multiplier of a two-sided interval that misses with probability `alpha`.

    >>> round(two_sided(0.05, 2), 3)
    4.303
    """
    return t_quantile(1 - alpha / 2, df)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The quantile of a beta distribution.

    >>> beta_quantile(0.5, 1, 1)
    0.5
    """
    return float(special.betaincinv(a, b, probability))
