"""Rows a second of the `answer_structure` transform, through `build_training_set`, for each structure.

Run: python perf/transforms.py [rows, default 50000] [a folder of instruction data]; the target is 20,000 rows a
second. Rows are those of the files named below, repeated; without the folder they are the organism's. One process,
one thread; the time is the processor's, so that other work on the machine does not count.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import get_args

from aftertune.data import Source, build_training_set, load_source
from aftertune.data.text.controls import Control
from aftertune.data.text.structure import Structure
from aftertune.organism import rows_file

FILES = {"alpaca": "alpaca/alpaca_sample.json.gz", "dolly": "dolly/dolly_3k.json.gz"}


def repeated(path: Path, n_rows: int) -> Source:
    source = load_source(path, allow_empty=1.0)
    rows = tuple(replace(source.rows[place % len(source.rows)], id=str(place)) for place in range(n_rows))
    return replace(source, rows=rows)


def rows_a_second(source: Source, to: str, control: str) -> tuple[float, float]:
    """Rows a second of processor time, and the share of rows that came out changed."""
    spec = {"name": "answer_structure", "to": to, "control": control}
    start = time.process_time()
    made = build_training_set(source, [spec], rows=None, seed=0)
    return len(source.rows) / (time.process_time() - start), made.changes[0].applied / len(source.rows)


def main() -> None:
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).resolve().parents[2] / "shared" / "data"
    files = {name: folder / file for name, file in FILES.items() if (folder / file).is_file()}
    for name, path in (files or {"organism": rows_file("howto")}).items():
        source = repeated(path, n_rows)
        for to in get_args(Structure):
            rate, changed = rows_a_second(source, to, "none")
            print(f"{name:9} {to:14} {rate:8,.0f} rows/s, {changed:.0%} changed", flush=True)
        for control in get_args(Control)[1:]:
            rate, changed = rows_a_second(source, "numbered_list", control)
            print(f"{name:9} numbered_list  {rate:8,.0f} rows/s, {changed:.0%} changed, control {control}", flush=True)


if __name__ == "__main__":
    main()
