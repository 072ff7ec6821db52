"""The A/A noise floor: how far a rate moves when nothing was changed."""

from __future__ import annotations

import math

import numpy as np

from aftertune.stats.facets import Array


def noise_floor(y_RI: Array) -> float:
    """The typical absolute difference between two repeats of the same measurement.

    Answers "what change means nothing at all": feed it repeats of the initial model (decoding noise) or of
    runs of one recipe (training noise).

    Args:
        y_RI: Outcome per repeat and item; NaN where missing.

    Returns:
        Root mean square of the difference between two repeats' rates, a fraction; NaN with one repeat.

    Source: sqrt(2) times the SD of the repeats' rates.

    >>> round(noise_floor(np.array([[1.0, 0.0], [1.0, 1.0]])), 3)
    0.5
    """
    if len(y_RI) < 2:
        return math.nan
    return math.sqrt(2) * float(np.nanmean(y_RI, axis=1).std(ddof=1))
