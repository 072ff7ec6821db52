"""Which examples a run learns from, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aftertune.tune.encode import Example
from aftertune.tune.streams import Streams


def visiting_order(n_examples: int, batch_size: int, n_steps: int, streams: Streams) -> list[list[int]]:
    """Indices of each step's examples: every epoch a new order from the stream `order`.

    >>> [len(step) for step in visiting_order(10, 4, 4, Streams(0, 1))]
    [4, 4, 2, 4]
    """
    made: list[list[int]] = []
    epoch = 0
    while len(made) < n_steps:
        order = streams.generator("order", epoch).permutation(n_examples).tolist()
        made += [order[start : start + batch_size] for start in range(0, n_examples, batch_size)]
        epoch += 1
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
