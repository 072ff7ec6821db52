"""The crossed bootstrap over training seeds and items, for statistics that no formula reaches.

Ranks, quantiles, maxima. Its percentile interval covers 80 to 97 % below ten training seeds, so it is never
the headline; means have a closed form in `effect`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import numpy as np

from aftertune.stats.budget import Interval
from aftertune.stats.facets import Array
from aftertune.stats.verdict import Worse

_AT_ONCE = 128
ENUMERATED = 200  # with so few multisets of seeds, take all of them instead of drawing


def item_weights(n_items: int, draws: int, rng: np.random.Generator) -> Array:
    """How often each item is taken in each draw, as W_BI; reuse it over outcomes and categories.

    >>> weights = item_weights(4, 300, np.random.default_rng(1))
    >>> weights.shape, set(weights.sum(axis=1).tolist())
    ((300, 4), {4.0})
    """
    weights: Array = np.empty((draws, n_items), dtype=np.float32)
    for start in range(0, draws, _AT_ONCE):  # counting in pieces that stay in the cache; a multinomial is slower
        part = weights[start : start + _AT_ONCE]
        chosen_BI = rng.integers(0, n_items, part.shape) + n_items * np.arange(len(part))[:, None]
        part[:] = np.bincount(chosen_BI.ravel(), minlength=part.size).reshape(part.shape)
    return weights


def seed_weights(n_seeds: int, draws: int, rng: np.random.Generator) -> Array:
    """How often each training seed is taken in each draw, as V_BS.

    With few seeds every multiset appears as often as its probability says, to the nearest draw, in random
    order: no noise comes from the choice of seeds.

    >>> weights = seed_weights(3, 2700, np.random.default_rng(1))
    >>> int((weights.max(axis=1) == 3).sum())
    300
    """
    if math.comb(2 * n_seeds - 1, n_seeds) > ENUMERATED:
        return rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), draws).astype(np.float32)
    rows, chances = _multisets(n_seeds)
    ends = np.round(np.cumsum(chances) * draws).astype(int)
    weights = np.repeat(rows, np.diff(ends, prepend=0), axis=0)
    return rng.permutation(weights).astype(np.float32)


def bootstrap_means(d_SI: Array, w_BI: Array, v_BS: Array) -> Array:
    """The mean of every draw, by two matrix products.

    Args:
        d_SI: Value per training seed and item, complete.
        w_BI: From `item_weights`.
        v_BS: From `seed_weights`.

    Source: Sellam et al. 2022 (MultiBERTs), rewritten as (W D) o V.

    >>> d_SI = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> bootstrap_means(d_SI, np.array([[1.0, 1.0], [2.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 2.0]])).tolist()
    [2.5, 3.0]
    """
    per_seed_BS = w_BI @ d_SI.T.astype(w_BI.dtype)
    return np.asarray((per_seed_BS * v_BS).sum(axis=1) / d_SI.size, dtype=np.float64)


def bootstrap_interval(
    d_SI: Array,
    statistic: Callable[[Array], Array],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    draws: int = 2000,
) -> Interval:
    """A percentile interval for any statistic of the per-seed means.

    Args:
        d_SI: Value per training seed and item, complete.
        statistic: Maps per-seed means (draws x seeds, as resampled) to one value per draw, such as the
            maximum.
        rng: The generator to draw with.
        level: Confidence level, a fraction.
        draws: Number of draws.

    Returns:
        The statistic with percentile limits and a warning in `reason` below ten training seeds; NaN with one.

    Source: as `bootstrap_means`. Coverage of the mean: docs/validation/multi_bootstrap.md.

    >>> d_SI = np.random.default_rng(1).random((5, 40))
    >>> found = bootstrap_interval(d_SI, lambda m_BS: m_BS.max(axis=1), rng=np.random.default_rng(2))
    >>> found.low < found.estimate <= found.high, found.reason
    (True, 'a bootstrap over 5 training seeds covers less than it says')
    """
    n_seeds, n_items = d_SI.shape
    estimate = float(statistic(d_SI.mean(axis=1)[None])[0])
    if n_seeds < 2:
        reason = "one training seed"
        return Interval(estimate, math.nan, math.nan, level, n_seeds=1, n_items=n_items, reason=reason)
    per_seed_BS = item_weights(n_items, draws, rng) @ d_SI.T / n_items
    counts_BS = seed_weights(n_seeds, draws, rng).astype(int)
    chosen = np.repeat(np.tile(np.arange(n_seeds), draws), counts_BS.ravel())
    values = statistic(np.take_along_axis(per_seed_BS, chosen.reshape(draws, n_seeds), axis=1))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    reason = f"a bootstrap over {n_seeds} training seeds covers less than it says" if n_seeds < 10 else ""
    return Interval(estimate, float(low), float(high), level, n_seeds=n_seeds, n_items=n_items, reason=reason)


def rank_shares(
    arms: Sequence[Array], *, rng: np.random.Generator, worse: Worse = "higher", draws: int = 2000
) -> Array:
    """How often each arm takes each place when training seeds and items are drawn again.

    Answers "how sure is the order of these recipes", not "by how much do they differ" (`recipe_effect`).

    Args:
        arms: Values y_SI per arm, complete, on the same items; training seeds may differ in number.
        rng: The generator to draw with.
        worse: Which direction is a degradation; place 1 is the best.
        draws: Number of draws.

    Returns:
        Shares per arm and place; rows and columns sum to 1. Ties go to the arm named first. An arm with one
        seed is taken as it is: nothing is known of its other runs.

    Source: as `bootstrap_means`, items shared by the arms, seeds drawn per arm; deviations of the seed
        weights are scaled by sqrt(S / (S - 1)), without which few seeds look surer than they are.

    >>> arms = [np.tile([0.0, 1.0, 0.0, 0.0], (3, 1)), np.tile([0.0, 1.0, 1.0, 1.0], (3, 1))]
    >>> rank_shares(arms, rng=np.random.default_rng(1)).round(1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    w_BI = item_weights(arms[0].shape[1], draws, rng)
    means_BA = np.stack([_drawn_means(y_SI, w_BI, draws, rng) for y_SI in arms], axis=1)
    order_BK = np.argsort(means_BA if worse == "higher" else -means_BA, axis=1, kind="stable")
    return np.stack([(order_BK == arm).mean(axis=0) for arm in range(len(arms))])


def _drawn_means(y_SI: Array, w_BI: Array, draws: int, rng: np.random.Generator) -> Array:
    n_seeds = len(y_SI)
    if n_seeds == 1:
        return bootstrap_means(y_SI, w_BI, np.ones((draws, 1), dtype=np.float32))
    scaled = 1 + (seed_weights(n_seeds, draws, rng) - 1) * math.sqrt(n_seeds / (n_seeds - 1))
    return bootstrap_means(y_SI, w_BI, scaled)


def _multisets(n: int) -> tuple[Array, Array]:
    """All ways to draw n of n with replacement, as counts, and their probabilities."""
    rows = [np.bincount(chosen, minlength=n) for chosen in combinations_with_replacement(range(n), n)]
    chances = [math.factorial(n) / math.prod(map(math.factorial, row.tolist())) / n**n for row in rows]
    return np.array(rows, dtype=np.float64), np.array(chances)
