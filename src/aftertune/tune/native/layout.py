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
class Rows:
    """A stretch of the flat batch as attention needs it: rows of one width.

    Attributes:
        start: The first token in the flat batch.
        length: Tokens, idle ones included.
        n: Rows, idle ones included.
        width: Columns.
        gather: For each padded cell, the token that fills it, counted from `start`; shape (n * width,).
        scatter: For each token, its padded cell; shape (length,).
        idle: Padded cells that hold no token.
    """

    start: int
    length: int
    n: int
    width: int
    gather: Any
    scatter: Any
    idle: Any

    @property
    def stop(self) -> int:
        """One past the last token in the flat batch."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Segment:
    """One adapter's share of a flat batch; `learnt` counts from the segment's first token.

    Attributes:
        slot: Which adapter of the bank.
        rows: Its rows.
        learnt: Tokens whose next token is learnt.
        targets: Those next tokens.
        places: The place of each target in its answer, from 0.
    """

    slot: int
    rows: Rows
    learnt: Any
    targets: Any
    places: Any

    @property
    def start(self) -> int:
        """Its first token in the flat batch."""
        return self.rows.start

    @property
    def length(self) -> int:
        """Its tokens, idle ones included."""
        return self.rows.length

    @property
    def stop(self) -> int:
        """One past its last token in the flat batch."""
        return self.rows.stop


@dataclass(frozen=True, slots=True)
class Layout:
    """A flat batch: ids and positions of shape (1, tokens), and whose tokens are where.

    Attributes:
        segments: One per adapter, in the order of their tokens.
        merged: All rows as one stretch, when the adapters' small products and their attention are made in one
            call for all; None when each adapter keeps to itself.
    """

    ids: Any
    positions: Any
    segments: tuple[Segment, ...]
    merged: Rows | None = None

    @property
    def stacked(self) -> bool:
        """Whether small products are made in one call for all adapters."""
        return self.merged is not None


def lay_out(batches: Sequence[tuple[int, Sequence[Example]]], device: str, *, stacked: bool = False) -> Layout:
    """Lay out one batch per adapter.

    Args:
        batches: (slot, examples) for each adapter that takes part in this pass.
        device: Where the tensors go.
        stacked: Fill all segments up to the longest, so that their products can be batched: no loss changes, but
            an adapter's padding then depends on its companions.
    """
    lengths = [_aligned(sum(e.length for e in examples)) for _, examples in batches]
    lengths = [max(lengths)] * len(lengths) if stacked else lengths
    ids: list[int] = []
    row_lengths: list[int] = []
    segments = []
    for (slot, examples), length in zip(batches, lengths, strict=True):
        start = len(ids)
        for example in examples:
            ids += [*example.prompt, *example.completion]
        n_idle = length - (len(ids) - start)
        ids += [0] * n_idle
        # Idle rows are no longer than the real ones: attention pays for the widest row.
        widths = [e.length for e in examples]
        widths += _idle_rows(n_idle, max(widths))
        segments.append(Segment(slot, _rows(start, widths, device), *_learnt(examples, device)))
        row_lengths += widths
    positions = [place for width in row_lengths for place in range(width)]
    merged = _rows(0, row_lengths, device) if stacked and len(segments) > 1 else None
    return Layout(_tensor([ids], device), _tensor([positions], device), tuple(segments), merged)


def _aligned(length: int) -> int:
    return -(-length // ALIGN) * ALIGN


def _idle_rows(n_idle: int, width: int) -> list[int]:
    return [min(width, n_idle - start) for start in range(0, n_idle, width)]


def _rows(start: int, lengths: Sequence[int], device: str) -> Rows:
    width, first = max(lengths), 0
    gather: list[int] = []
    scatter: list[int] = []
    idle: list[int] = []
    for row, length in enumerate(lengths):
        scatter += range(row * width, row * width + length)
        gather += [*range(first, first + length), *[first] * (width - length)]
        idle += range(row * width + length, (row + 1) * width)
        first += length
    indices = (_tensor(values, device) for values in (gather, scatter, idle))
    return Rows(start, first, len(lengths), width, *indices)


def _learnt(examples: Sequence[Example], device: str) -> tuple[Any, Any, Any]:
    """Tokens whose next one is learnt, those next ones, and their places in the answers."""
    learnt: list[int] = []
    targets: list[int] = []
    places: list[int] = []
    first = 0
    for example in examples:
        skip, n = (0 if example.prompt else 1), len(example.completion)
        begin = first + len(example.prompt) - 1
        learnt += range(begin + skip, begin + n)
        targets += example.completion[skip:]
        places += range(skip, n)
        first += example.length
    return _tensor(learnt, device), _tensor(targets, device), _tensor(places, device)


def _tensor(values: Sequence[Any], device: str) -> Any:
    torch = need("torch")
    return torch.tensor(values, dtype=torch.long, device=device)
