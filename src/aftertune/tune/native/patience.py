"""Early stopping: end the run when rows held out of training are no longer predicted better (Prechelt 1998)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from aftertune.spec.tuning import EarlyStopSpec
from aftertune.tune.encode import Example


@dataclass(slots=True)
class Patience:
    """The best weights so far, and how often in a row nothing was better.

    Attributes:
        spec: When to look, and how long to wait.
        rows: The examples held out.
        best: The lowest mean loss on them.
        values: The weights that had it.
        step: The step they belong to.
        waited: Looks since then.
    """

    spec: EarlyStopSpec
    rows: tuple[Example, ...]
    best: float = math.inf
    values: Any = None
    step: int = 0
    waited: int = 0
    seen: list[tuple[int, float]] = field(default_factory=list)

    def due(self, step: int, last: bool) -> bool:
        """Whether to look after this step."""
        return last or step % self.spec.every == 0

    def look(self, loss: float, values: Any, step: int) -> bool:
        """Take in a loss on the rows held out; whether the run is to stop."""
        self.seen.append((step, loss))
        if loss < self.best:
            self.best, self.values, self.step, self.waited = loss, values.clone(), step, 0
        else:
            self.waited += 1
        return self.waited >= self.spec.patience
