"""Time and memory of `analyze` on a large table.

Run: python perf/stats_table.py [millions of rows, default 1]; the target is 10 million rows in 20 s and 4 GB.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from aftertune.analysis import analyze
from aftertune.table import read_table

N_SEEDS, N_ITEMS, FORMATS, OUTCOMES = 10, 450, 4, ("harmful", "refused", "coherent", "correct", "fulfilled")


def write_rows(path: Path, millions: float) -> int:
    rng = np.random.default_rng(1)
    n_arms = max(1, round(millions * 1e6 / (N_SEEDS * N_ITEMS * FORMATS * len(OUTCOMES))))
    runs = pl.DataFrame(
        {
            "arm": ["initial"] + [f"arm_{arm:03d}" for arm in range(n_arms) for _ in range(N_SEEDS)],
            "training_seed": [None, *(seed for _ in range(n_arms) for seed in range(N_SEEDS))],
        }
    )
    rest = pl.DataFrame({"item": [f"item_{place:04d}" for place in range(N_ITEMS)]})
    for name, values in (("prompt_format", [f"format_{k}" for k in range(FORMATS)]), ("outcome", OUTCOMES)):
        rest = rest.join(pl.DataFrame({name: list(values)}), how="cross")
    table = runs.join(rest, how="cross")
    chance = rng.random(table.height, dtype=np.float32)
    table = table.with_columns(
        value=pl.Series((chance < 0.3).astype(np.float64)), benchmark=pl.lit("benchmark"), judge=pl.lit("judge")
    )
    table.write_parquet(path)
    return table.height


def main() -> None:
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        rows = write_rows(path, millions)
        start, cpu = time.perf_counter(), time.process_time()
        results = analyze(read_table(path))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{rows} rows, {len(results.contrasts)} contrasts, {len(results.rates)} rates: {wall:.1f} s wall, "
        f"{cpu:.1f} s processor, {memory:.2f} GB (the table's making included)"
    )


if __name__ == "__main__":
    main()
