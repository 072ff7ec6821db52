"""How fast does the command line answer? Each figure beside a bare Python start in the same run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "aftertune --help": [str(BIN / "aftertune"), "--help"],
    "aftertune run --help": [str(BIN / "aftertune"), "run", "--help"],
    "aftertune list": [str(BIN / "aftertune"), "list"],
}


def seconds(command: list[str], repeats: int = 9) -> tuple[float, float]:
    """Best and median wall time of a command as a whole process."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    return min(times), sorted(times)[repeats // 2]


def main() -> None:
    """Print best, median and the ratio to a bare Python start."""
    bare = seconds(COMMANDS["python -c pass"])[0]
    for name, command in COMMANDS.items():
        best, median = seconds(command)
        print(f"{name:24} best {best:6.3f} s   median {median:6.3f} s   {best / bare:5.1f} x a bare start")


if __name__ == "__main__":
    main()
