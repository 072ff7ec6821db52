"""One training loop for all networks of the organism: seeded order, batches of like length, cosine rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from aftertune import seeds
from aftertune.organism.encoding import IGNORED, Encoded

T = TypeVar("T")
Progress = Callable[[str], None]
_REPORTS = 20
_WINDOW = 32


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train."""

    epochs: int
    batch: int
    learning_rate: float
    warmup: float = 0.05
    weight_decay: float = 0.01
    floor: float = 0.02


def fit(
    network: torch.nn.Module,
    examples: Sequence[T],
    length: Callable[[T], int],
    loss: Callable[[list[T]], torch.Tensor],
    schedule: Schedule,
    root: int,
    name: str,
    progress: Progress,
) -> None:
    """Train a network in place.

    Args:
        network: What is trained; every parameter that requires a gradient.
        examples: All training examples.
        length: The size of one example; batches hold examples of like size.
        loss: The mean loss of a batch.
        schedule: Epochs, batch size, learning rate.
        root: The build's seed.
        name: The stage; with `root` it names the order of examples.
        progress: Told about the loss now and then.
    """
    optimizer = torch.optim.AdamW(
        (p for p in network.parameters() if p.requires_grad),
        lr=schedule.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=schedule.weight_decay,
    )
    batches = list(_batches(examples, length, schedule, root, name))
    network.train()
    recent: list[float] = []
    for step, batch in enumerate(batches):
        _set_rate(optimizer, _rate(step / len(batches), schedule))
        value = loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(float(value.detach()))
        if (step + 1) % max(1, len(batches) // _REPORTS) == 0:
            progress(f"{name}: step {step + 1} of {len(batches)}, loss {np.mean(recent):.3f}")
            recent.clear()
    network.eval()


def pad(rows: Sequence[list[int]], value: int) -> torch.Tensor:
    """Right-pad rows to a rectangle."""
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def language_loss(network: Any, batch: list[Encoded]) -> torch.Tensor:
    """Mean next-token loss over the labelled tokens of a batch."""
    ids, labels = pad([row.ids for row in batch], 0), pad([row.labels for row in batch], IGNORED)
    mask = pad([[1] * len(row.ids) for row in batch], 0)
    loss: torch.Tensor = network(input_ids=ids, attention_mask=mask, labels=labels).loss
    return loss


def _batches(
    examples: Sequence[T], length: Callable[[T], int], schedule: Schedule, root: int, name: str
) -> Iterator[list[T]]:
    """Shuffle, sort by size inside windows of a few batches, then shuffle the batches of a window."""
    for epoch in range(schedule.epochs):
        rng = seeds.generator(root, "order", name, epoch)
        order = rng.permutation(len(examples))
        for start in range(0, len(order), schedule.batch * _WINDOW):
            window = sorted(order[start : start + schedule.batch * _WINDOW], key=lambda n: length(examples[n]))
            groups = [window[n : n + schedule.batch] for n in range(0, len(window), schedule.batch)]
            for group in rng.permutation(len(groups)):
                yield [examples[n] for n in groups[group]]


def _rate(done: float, schedule: Schedule) -> float:
    if done < schedule.warmup:
        return schedule.learning_rate * (done / schedule.warmup + schedule.floor)
    along = (done - schedule.warmup) / (1 - schedule.warmup)
    return schedule.learning_rate * (schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * along)))


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
