"""Time of the headline interval at 450 items x 5 training seeds, against a plain loop and scipy's bootstrap.

Run: python perf/stats_interval.py
"""

import math
import time

import numpy as np
from scipy import stats

from aftertune.stats.budget import interval
from aftertune.stats.effect import recipe_effect

N_SEEDS, N_ITEMS = 5, 450


def loop(y: list[list[float]], y0: list[float]) -> tuple[float, float]:
    """The same interval, written as one would on paper."""
    d = [[y[s][i] - y0[i] for i in range(N_ITEMS)] for s in range(N_SEEDS)]
    over_s = [sum(row) / N_ITEMS for row in d]
    over_i = [sum(d[s][i] for s in range(N_SEEDS)) / N_SEEDS for i in range(N_ITEMS)]
    mean = sum(over_s) / N_SEEDS
    ms_s = N_ITEMS * sum((value - mean) ** 2 for value in over_s) / (N_SEEDS - 1)
    ms_i = N_SEEDS * sum((value - mean) ** 2 for value in over_i) / (N_ITEMS - 1)
    rest = sum((d[s][i] - over_s[s] - over_i[i] + mean) ** 2 for s in range(N_SEEDS) for i in range(N_ITEMS))
    ms_is = rest / ((N_SEEDS - 1) * (N_ITEMS - 1))
    n = N_SEEDS * N_ITEMS
    half = math.sqrt(
        stats.t.ppf(0.975, N_SEEDS - 1) ** 2 * ms_s / n + stats.norm.ppf(0.975) ** 2 * max(ms_i - ms_is, 0) / n
    )
    return mean - half, mean + half


def best(function: object, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    rng = np.random.default_rng(1)
    y_SFI = (rng.random((N_SEEDS, 1, N_ITEMS)) < 0.3).astype(float)
    y0_SFI = (rng.random((1, 1, N_ITEMS)) < 0.25).astype(float)
    lists = y_SFI[:, 0].tolist(), y0_SFI[0, 0].tolist()
    found = interval(recipe_effect(y_SFI, y0_SFI), level=0.95)
    assert np.allclose((found.low, found.high), loop(*lists)), "the two ways disagree"
    ours = best(lambda: interval(recipe_effect(y_SFI, y0_SFI), level=0.95), 300)
    plain = best(lambda: loop(*lists), 30)
    print(f"headline interval, {N_ITEMS} items x {N_SEEDS} seeds: {1000 * ours:.3f} ms (target < 1 ms)")
    print(f"straightforward loop: {1000 * plain:.3f} ms; ratio {plain / ours:.1f}")
    d_I = y_SFI[:, 0].mean(axis=0) - y0_SFI[0, 0]
    drawn = best(lambda: stats.bootstrap((d_I,), np.mean, method="percentile", rng=rng), 5)
    print(f"scipy.stats.bootstrap over items alone, 9999 draws: {1000 * drawn:.1f} ms; ratio {drawn / ours:.0f}")


if __name__ == "__main__":
    main()
