"""Which examples each process trains on at each step, as a data loader that draws nothing by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import IGNORE


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part of every batch, in pieces that fit in memory."""

    rank: int
    per_process: int
    piece: int

    @classmethod
    def of(cls, spec: TuneSpec, rank: int) -> Share:
        """From the settings; `micro_batch_size` counts in each process."""
        per_process = spec.batch_size // spec.processes
        return cls(rank, per_process, min(per_process, spec.micro_batch_size or per_process))

    @property
    def n_pieces(self) -> int:
        """Forward and backward passes in one step."""
        return -(-self.per_process // self.piece)

    def pieces(self, batch: Sequence[int]) -> list[list[int]]:
        """This process's pieces of a batch: always `n_pieces`, empty ones where the batch is short.

        >>> Share(1, 4, 2).pieces([5, 6, 7, 8, 9, 10, 11])
        [[9, 10], [11]]
        >>> Share(1, 4, 2).pieces([5, 6, 7])
        [[], []]
        """
        own = list(batch[self.rank * self.per_process : (self.rank + 1) * self.per_process])
        return [own[start : start + self.piece] for start in range(0, self.per_process, self.piece)]


def loader(order: Sequence[Sequence[int]], share: Share, rows: Any, collate: Callable[[list[Any]], Any]) -> Any:
    """All steps of a run as one pass, piece by piece, in the order given.

    Args:
        order: Indices of each step's examples.
        share: Which of them are this process's.
        rows: The prepared data set.
        collate: Makes a batch of examples; an empty piece becomes one example of which nothing is learnt, so that
            every process takes part in every step.
    """

    def batch(piece: Sequence[int]) -> Any:
        return collate([rows[index] for index in piece] or [_nothing_learnt(rows[0])])

    torch = need("torch")
    pieces = [piece for step in order for piece in share.pieces(step)]
    # A generator of its own: the loader draws a number that it never uses, and dropout must not feel it.
    return torch.utils.data.DataLoader(pieces, batch_size=None, collate_fn=batch, generator=torch.Generator())


def _nothing_learnt(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "labels": [IGNORE] * len(row["labels"])}
