"""A running average of the weights, which is what the run ends with.

Polyak and Juditsky 1992 (https://doi.org/10.1137/0330046), in its exponential form. The decay rises to its declared
value over the first steps, so that the start of the run does not weigh for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Average:
    """The average so far; A and B are averaged each on its own."""

    decay: float
    values: Any

    def take(self, values: Any, step: int) -> None:
        """Add the weights after a step (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        self.values.lerp_(values, 1 - decay)
