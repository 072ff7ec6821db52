"""The learning rate over a run."""

from __future__ import annotations

import math

from aftertune.spec.tuning import TuneSpec


def schedule_factor(spec: TuneSpec, step: int, n_steps: int) -> float:
    """The share of the learning rate at a step (0-based): warm-up, then linear, cosine or constant.

    >>> [round(schedule_factor(TuneSpec(), step, 4), 2) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """
    warm = round(spec.warmup * n_steps)
    if step < warm:
        return (step + 1) / warm
    progress = (step - warm) / max(1, n_steps - warm)
    if spec.schedule == "linear":
        return 1 - progress
    return 0.5 * (1 + math.cos(math.pi * progress)) if spec.schedule == "cosine" else 1.0
