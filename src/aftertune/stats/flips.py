"""Two-way flips: how many outcomes went from no to yes, and how many back.

The net change hides churn: a recipe that breaks ten items and mends ten others changes nothing on average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from aftertune.stats.budget import Interval
from aftertune.stats.effect import rate_interval
from aftertune.stats.facets import Array, Labels


@dataclass(frozen=True, slots=True)
class Flips:
    """Shares of outcomes that flipped, with intervals for these checkpoints.

    Attributes:
        gained: No before, yes after.
        lost: Yes before, no after.
    """

    gained: Interval
    lost: Interval


def flips(y_SFI: Array, against_FI: Array, *, cluster_I: Labels | None = None, level: float = 0.95) -> Flips:
    """How often given checkpoints flip the initial model's outcome, each way.

    Answers "what moved", not "how much is it in total"; the two shares differ by the change.

    Args:
        y_SFI: Outcome in [0, 1] per checkpoint, prompt format and item; NaN where missing.
        against_FI: The initial model's outcome.
        cluster_I: Cluster of each item, from 0; None where every item stands alone.
        level: Confidence level, a fraction.

    Returns:
        Both shares. For graded outcomes a flip counts by its size.

    Raises:
        ValueError: a format has no pair of values.

    Source: score interval of a share, clustered by item; `rate_interval`.

    >>> found = flips(np.array([[[1.0, 1.0, 0.0, 0.0]]]), np.array([[0.0, 1.0, 1.0, 0.0]]))
    >>> found.gained.estimate, found.lost.estimate
    (0.25, 0.25)
    """
    moved_SFI = y_SFI - against_FI
    gained, lost = np.maximum(moved_SFI, 0), np.maximum(-moved_SFI, 0)
    return Flips(*(rate_interval(share, cluster_I=cluster_I, level=level) for share in (gained, lost)))


def mcnemar(n_gained: int, n_lost: int) -> float:
    """The exact two-sided p-value that gains and losses are equally likely.

    Answers "is this checkpoint different", from the flips of one checkpoint on items that stand alone.

    Args:
        n_gained: Items that went from no to yes.
        n_lost: Items that went from yes to no.

    Returns:
        The p-value; 1 where nothing flipped.

    Source: McNemar 1947, exact binomial form.

    >>> mcnemar(5, 0)
    0.0625
    """
    n = n_gained + n_lost
    return 1.0 if n == 0 else min(1.0, 2 * float(special.bdtr(min(n_gained, n_lost), n, 0.5)))
