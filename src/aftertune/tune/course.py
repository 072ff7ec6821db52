"""The course of a run: one line per optimizer step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Line = dict[str, float]
_EXACT = ("learning_rate", "tokens")


def write_course(log: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write `train.jsonl`: step, loss, learning rate, norm of the gradient, and completion tokens of each step."""
    lines = [json.dumps({"step": number, **_rounded(line)}) for number, line in enumerate(log, start=1)]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")


def mean_loss(losses: Sequence[float]) -> float:
    """The mean of some steps' losses."""
    return sum(losses) / len(losses)


def _rounded(line: Mapping[str, float]) -> dict[str, float]:
    return {name: value if name in _EXACT else round(value, 6) for name, value in line.items()}
