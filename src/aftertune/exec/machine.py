"""What this machine has: cores, memory, a GPU; and how many runs it can make at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROCESS_BYTES = int(1.2e9)  # a worker with torch and transformers loaded, before any weights
PER_WEIGHT = 6  # weights, a merged copy, gradients and optimizer state of an adapter, activations


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many runs are made at the same time, and what decided it."""

    n: int
    why: str


def choose_jobs(asked: int | None, n_chains: int, weight_bytes: int) -> Jobs:
    """As many as cores, memory and the work allow; what was asked for when something was.

    >>> choose_jobs(3, 10, 0)
    Jobs(n=3, why='--jobs')
    """
    if asked is not None:
        return Jobs(asked, "--jobs")
    if has_gpu():
        return Jobs(1, "one GPU worker")
    limits = [(cores(), "CPU cores"), (max(1, n_chains), "runs to make")]
    free = available_bytes()
    if free is not None:
        limits.append((max(1, free // (PROCESS_BYTES + PER_WEIGHT * weight_bytes)), "free memory"))
    return Jobs(*min(limits, key=lambda limit: limit[0]))


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_gpu() -> bool:
    """Whether an NVIDIA GPU is visible; torch is not asked, since that takes seconds."""
    return Path("/dev/nvidia0").exists()


def available_bytes() -> int | None:
    """Memory that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return min(int(rest.split()[0]) * 1024, *_container_limit())
    return None


def _container_limit() -> Iterable[int]:
    """What is left of the control group's memory, for processes in a container."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no such group, or `max`: no limit
        return (2**63,)
    return (max(0, limit - used),)


def weight_bytes(folder: Path) -> int:
    """The size of a model's weight files."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
