"""The named streams of randomness of one training run, each of which a study can hold fixed over its seeds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from aftertune import seeds

HELD = "held"  # stands in for the training seed in a stream that all seeds share


@dataclass(frozen=True, slots=True)
class Streams:
    """Derives a run's randomness by name, so that nothing drawn elsewhere can reach it.

    Attributes:
        root: The study's seed.
        training_seed: Which of the arm's runs this is.
        hold: Streams that do not depend on the training seed.
        round: From 1; later rounds draw anew.

    Examples:
        >>> one, two = Streams(0, 1, ("order",)), Streams(0, 2, ("order",))
        >>> one.seed("order", 0) == two.seed("order", 0), one.seed("init") == two.seed("init")
        (True, False)
    """

    root: int
    training_seed: int
    hold: Collection[str] = ()
    round: int = 1

    def seed(self, stream: str, *names: seeds.Name) -> int:
        """A 63-bit seed for a stream, and a part of it."""
        who: seeds.Name = HELD if stream in self.hold else self.training_seed
        later: tuple[seeds.Name, ...] = () if self.round == 1 else ("round", self.round)
        return seeds.derive(self.root, stream, who, *later, *names)

    def generator(self, stream: str, *names: seeds.Name) -> np.random.Generator:
        """A NumPy generator for a stream, and a part of it."""
        return np.random.default_rng(self.seed(stream, *names))
