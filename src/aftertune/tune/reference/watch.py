"""What happens at each optimizer step besides training: the log, progress, checkpoints, and the end of a lost run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.course import Line
from aftertune.tune.record import Progress


@dataclass(slots=True)
class Watch:
    """The steps of one run.

    Attributes:
        begin: Called right before the first step.
        tick: Called after each step.
        save: Called with a checkpoint's point when its step is done.
        tokens: Learnt tokens of each step.
        points: The shares of the run after which a checkpoint is kept.
        log: The course of the run, one line per step.
    """

    begin: Callable[[], None]
    tick: Callable[[Progress], None]
    save: Callable[[float], None]
    tokens: Sequence[int]
    points: Sequence[float]
    log: list[Line] = field(default_factory=list)

    def step(self, logs: dict[str, float]) -> None:
        """Take down a finished step.

        Raises:
            TuneError: its loss or gradient is no longer a number.
        """
        number, n_steps = len(self.log) + 1, len(self.tokens)
        loss, norm = float(logs["loss"]), float(logs["grad_norm"])
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TuneError(
                f"the loss is no longer a number at step {number} of {n_steps}",
                "lower tune.learning_rate, or raise tune.warmup",
            )
        rate, tokens = float(logs["learning_rate"]), self.tokens[number - 1]
        self.log.append({"loss": loss, "learning_rate": rate, "grad_norm": norm, "tokens": tokens})
        self.tick(Progress(number, n_steps, sum(self.tokens[:number]), loss))
        for point in self.points:
            if number == max(1, math.ceil(point * n_steps)):
                self.save(point)


def callback(watch: Watch) -> Any:
    """The watch as a callback of the trainer."""
    return _callback_class()(watch)


@cache
def _callback_class() -> Any:
    class WatchCallback(need("transformers").TrainerCallback):  # type: ignore[misc]
        def __init__(self, watch: Watch) -> None:
            self.watch = watch

        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            self.watch.begin()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any) -> None:
            if "loss" in logs:
                self.watch.step(logs)

    return WatchCallback
