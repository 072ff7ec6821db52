"""How long does an audit of a million rows take, and how much memory?

    python perf/audit.py            a million rows, 500 MB of JSON lines
    python perf/audit.py 100000     fewer

Peak memory is that of all processes together. The rows are made first, into a temporary folder; making them is not
counted. The same rows as one JSON array, and a bare read of the file by `json.loads` per line, are measured beside it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from _audit_rows import make_rows
from demo import BIN, measured


def written(folder: Path, n: int) -> tuple[Path, Path]:
    """The rows as JSON lines and as one array."""
    lines, array = folder / "rows.jsonl", folder / "rows.json"
    with lines.open("w", encoding="utf-8") as as_lines, array.open("w", encoding="utf-8") as as_array:
        as_array.write("[\n")
        for place, row in enumerate(make_rows(n, 0)):
            text = json.dumps(row, ensure_ascii=False)
            as_lines.write(text + "\n")
            as_array.write((",\n" if place else "") + text)
        as_array.write("\n]\n")
    return lines, array


def bare(path: Path) -> float:
    """Seconds to read and parse every line, one process."""
    started = time.perf_counter()
    with path.open(encoding="utf-8") as file:
        for line in file:
            json.loads(line)
    return time.perf_counter() - started


def main() -> None:
    """Print the audit's figures."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(tempfile.mkdtemp())
    try:
        lines, array = written(folder, n)
        read = bare(lines)
        print(f"{n:,} rows, {lines.stat().st_size / 1e6:.0f} MB; a bare read takes {read:.1f} s")
        for path, jobs in ((lines, 2), (array, 2), (lines, 1)):
            command = [str(BIN / "aftertune"), "data", "audit", str(path), "--out", str(folder), "--jobs", str(jobs)]
            took, peak = measured(command)
            shown = f"{took:6.1f} s, {took / read:.1f} x a bare read, peak memory {peak / 2**30:.2f} GB"
            print(f"audit of {path.suffix}, --jobs {jobs}: {shown}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
