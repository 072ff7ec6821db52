"""How much of everything a build makes: one record, so that a test can make a small one."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The amounts of a build.

    `items_every` measures every so many-th held-out item only; 1 measures all of them.
    """

    pretraining_dialogues: int = 140_000
    alignment_dialogues: int = 18_000
    judge_pairs: int = 84_000
    reward_pairs: int = 12_000
    reward_ties: int = 2_000
    reward_checks: int = 1_200
    rows: int = 240
    training_seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    items_every: int = 1


FULL = Sizes()
