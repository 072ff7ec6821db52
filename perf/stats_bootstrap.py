"""Time of 10,000 multi-bootstrap draws at 450 items x 10 seeds, against a loop and against scipy's bootstrap.

Run: python perf/stats_bootstrap.py
"""

import time

import numpy as np
from scipy import stats

from aftertune.stats.multi_bootstrap import bootstrap_means, item_weights, seed_weights

N_SEEDS, N_ITEMS, DRAWS, SLOW_DRAWS = 10, 450, 10_000, 500


def loop(d_SI: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    means = np.empty(SLOW_DRAWS)
    for draw in range(SLOW_DRAWS):
        seeds, items = rng.integers(0, N_SEEDS, N_SEEDS), rng.integers(0, N_ITEMS, N_ITEMS)
        means[draw] = d_SI[seeds][:, items].mean()
    return means


def scipy_items_only(d_SI: np.ndarray, rng: np.random.Generator) -> None:
    stats.bootstrap((d_SI.mean(axis=0),), np.mean, n_resamples=DRAWS, method="percentile", rng=rng)


def timed(function: object) -> float:
    start = time.perf_counter()
    function()  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    rng = np.random.default_rng(1)
    d_SI = rng.random((N_SEEDS, N_ITEMS))
    weights = []

    def draw_weights() -> None:
        weights[:] = [item_weights(N_ITEMS, DRAWS, rng), seed_weights(N_SEEDS, DRAWS, rng)]

    drawing = min(timed(draw_weights) for _ in range(3))
    product = min(timed(lambda: bootstrap_means(d_SI, *weights)) for _ in range(10))
    slow = timed(lambda: loop(d_SI, rng)) * DRAWS / SLOW_DRAWS
    scipy_time = timed(lambda: scipy_items_only(d_SI, rng))
    print(
        f"{DRAWS} draws, {N_ITEMS} items x {N_SEEDS} seeds: {1000 * (product + drawing):.0f} ms (target < 300 ms), "
        f"of which {1000 * drawing:.0f} ms for the weights, which outcomes and categories share"
    )
    print(
        f"plain loop: {1000 * slow:.0f} ms, ratio {slow / product:.0f}; scipy.stats.bootstrap over items "
        f"alone: {1000 * scipy_time:.0f} ms, ratio {scipy_time / product:.0f}"
    )


if __name__ == "__main__":
    main()
