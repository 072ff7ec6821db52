"""Which examples a run learns from, and in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count

from aftertune.tune.encode import Example
from aftertune.tune.streams import Streams


def visiting_order(
    lengths: Sequence[int], batch_size: int, n_steps: int, streams: Streams, order: str = "shuffled"
) -> list[list[int]]:
    """Indices of each step's examples.

    Args:
        lengths: Tokens of each example.
        batch_size: Examples of a step; the last of an epoch may have fewer.
        n_steps: How many steps.
        streams: Where randomness comes from.
        order: "shuffled" draws a new order for every epoch from the stream `order`; "file" keeps that of the training
            set, "short_first" and "long_first" sort by length, in every epoch alike.

    >>> [len(step) for step in visiting_order([5] * 10, 4, 4, Streams(0, 1))]
    [4, 4, 2, 4]
    >>> visiting_order([7, 3, 5], 2, 2, Streams(0, 1), "short_first")
    [[1, 2], [0]]
    """
    return _visits(_orders(lengths, streams, order), len(lengths), batch_size, n_steps)


def _orders(lengths: Sequence[int], streams: Streams, order: str) -> Iterator[list[int]]:
    """The order of every epoch, without end."""
    places = list(range(len(lengths)))
    if order in ("short_first", "long_first"):
        places.sort(key=lambda place: lengths[place], reverse=order == "long_first")
    for epoch in count():
        drawn = streams.generator("order", epoch).permutation(len(lengths)).tolist() if order == "shuffled" else places
        yield drawn


def _visits(orders: Iterator[list[int]], n_examples: int, batch_size: int, n_steps: int) -> list[list[int]]:
    made: list[list[int]] = []
    while len(made) < n_steps:
        order = next(orders)
        made += [order[start : start + batch_size] for start in range(0, n_examples, batch_size)]
    return made[:n_steps]


def drawn(examples: Sequence[Example], share: float | None, streams: Streams) -> tuple[Example, ...]:
    """A share of the examples in their order, from the stream `subsample`; all of them without a share."""
    if share is None:
        return tuple(examples)
    n = max(1, math.floor(share * len(examples) + 0.5))
    chosen = streams.generator("subsample").choice(len(examples), n, replace=False)
    return tuple(examples[index] for index in sorted(chosen.tolist()))


def held_out(
    examples: Sequence[Example], share: float, streams: Streams
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Split off a share of the examples that is not trained on; at least one on each side."""
    n = min(len(examples) - 1, max(1, round(share * len(examples))))
    chosen = set(streams.generator("subsample", "held out").choice(len(examples), n, replace=False).tolist())
    kept = tuple(example for index, example in enumerate(examples) if index not in chosen)
    return kept, tuple(example for index, example in enumerate(examples) if index in chosen)
