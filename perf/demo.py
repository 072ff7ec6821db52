"""How long does the packaged study take, how much memory, and how long when nothing changed?

Peak memory is that of all processes together, sampled twenty times a second. Run with `--jobs 1` against
`--jobs 2` in one go, so that the ratio does not depend on the machine.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BIN = Path(sys.executable).parent


def tree_memory(pid: int) -> int:
    """Proportional memory of a process and its descendants, in bytes; 0 when it is gone."""
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        try:
            lines = Path(f"/proc/{current}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
            children = Path(f"/proc/{current}/task/{current}/children").read_text().split()
        except (OSError, ProcessLookupError):
            continue
        waiting.extend(int(child) for child in children)
    return total


def measured(command: list[str]) -> tuple[float, int]:
    """Wall seconds and peak memory of a command."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, tree_memory(process.pid))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return time.perf_counter() - started, peak


def main() -> None:
    """Print the demo's figures."""
    folder = Path(tempfile.mkdtemp())
    times = {}
    for jobs in (2, 1):
        out = folder / f"jobs-{jobs}"
        command = [str(BIN / "aftertune"), "demo", "--out", str(out), "--jobs", str(jobs)]
        times[jobs], peak = measured(command)
        print(f"demo, --jobs {jobs}:  {times[jobs]:6.1f} s   peak memory {peak / 2**30:.2f} GB")
        if jobs == 2:
            again, peak = measured(command)
            print(f"demo, unchanged:  {again:6.1f} s   peak memory {peak / 2**30:.2f} GB")
    print(f"two workers against one: {times[1] / times[2]:.2f} x")
    lock = json.loads((folder / "jobs-2/study.lock.json").read_text())
    print(f"steps: {lock['steps']}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
