"""How the rows of several adapters become one flat sequence of tokens, without padding between companions.

Linear layers see all tokens of all adapters at once, adapter after adapter, with no padding inside rows. Only
attention needs rows as rows, and there each adapter keeps its own padded shape. An adapter's part is filled up
to a multiple of `ALIGN` tokens by one idle row, so that vector instructions meet its numbers at the same
places whoever its companions are: that is what makes its results the same bytes in any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.extras import need
from aftertune.tune.encode import Example

ALIGN = 16


@dataclass(frozen=True, slots=True)
class Segment:
    """One adapter's share of a flat batch; all indices count from the segment's first token.

    Attributes:
        slot: Which adapter of the bank.
        start: The segment's first token in the flat batch.
        length: Its tokens, idle ones included.
        rows: Rows in attention's padded shape, the idle one included.
        width: Columns in that shape.
        gather: For each padded cell, the token that fills it; shape (rows * width,).
        scatter: For each token, its padded cell; shape (length,).
        idle: Padded cells that hold no token.
        learnt: Tokens whose next token is learnt.
        targets: Those next tokens.
        places: The place of each target in its answer, from 0.
    """

    slot: int
    start: int
    length: int
    rows: int
    width: int
    gather: Any
    scatter: Any
    idle: Any
    learnt: Any
    targets: Any
    places: Any

    @property
    def stop(self) -> int:
        """One past its last token in the flat batch."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Layout:
    """A flat batch: ids and positions of shape (1, tokens), and whose tokens are where.

    `stacked` says that all segments were filled to one length, so that their small products are made in one call.
    """

    ids: Any
    positions: Any
    segments: tuple[Segment, ...]
    stacked: bool = False


def lay_out(batches: Sequence[tuple[int, Sequence[Example]]], device: str, *, stacked: bool = False) -> Layout:
    """Lay out one batch per adapter.

    Args:
        batches: (slot, examples) for each adapter that takes part in this pass.
        device: Where the tensors go.
        stacked: Fill all segments up to the longest, so that their products can be batched: no loss changes, but
            the number of an adapter's idle tokens then depends on its companions.
    """
    torch = need("torch")
    lengths = [_aligned(sum(e.length for e in examples)) for _, examples in batches]
    lengths = [max(lengths)] * len(lengths) if stacked else lengths
    ids: list[int] = []
    positions: list[int] = []
    segments = []
    for (slot, examples), length in zip(batches, lengths, strict=True):
        start = len(ids)
        for example in examples:
            ids += [*example.prompt, *example.completion]
            positions += range(example.length)
        n_idle = length - (len(ids) - start)
        # Idle rows are no longer than the real ones: attention pays for the widest row.
        fill = _idle_rows(n_idle, max(e.length for e in examples))
        ids += [0] * n_idle
        positions += [place for row in fill for place in range(row)]
        segments.append(_segment(slot, start, examples, fill, device))
    return Layout(
        torch.tensor([ids], device=device), torch.tensor([positions], device=device), tuple(segments), stacked
    )


def _aligned(length: int) -> int:
    return -(-length // ALIGN) * ALIGN


def _idle_rows(n_idle: int, width: int) -> list[int]:
    return [min(width, n_idle - start) for start in range(0, n_idle, width)]


def _segment(slot: int, start: int, examples: Sequence[Example], fill: Sequence[int], device: str) -> Segment:
    torch = need("torch")
    lengths = [*(e.length for e in examples), *fill]
    width = max(lengths)
    gather: list[int] = []
    scatter: list[int] = []
    idle: list[int] = []
    learnt: list[int] = []
    targets: list[int] = []
    places: list[int] = []
    first = 0
    for row, length in enumerate(lengths):
        scatter += range(row * width, row * width + length)
        gather += [*range(first, first + length), *[first] * (width - length)]
        idle += range(row * width + length, (row + 1) * width)
        if row < len(examples):
            example = examples[row]
            begin = first + len(example.prompt) - 1
            skip = 0 if example.prompt else 1
            n = len(example.completion)
            learnt += range(begin + skip, begin + n)
            targets += example.completion[skip:]
            places += range(skip, n)
        first += length

    def tensor(values: list[int]) -> Any:
        return torch.tensor(values, dtype=torch.long, device=device)

    parts = (gather, scatter, idle, learnt, targets, places)
    return Segment(slot, start, first, len(lengths), width, *map(tensor, parts))
