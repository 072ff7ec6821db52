"""The weights of K adapters, stacked: one row of numbers per adapter, with a view for each module's pair.

An adapter's numbers lie side by side, so clipping, the optimizer, averaging and snapshots each work on one vector,
and an optimizer cannot reach a companion's weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.extras import need

_ALIGN = 16  # floats in 64 bytes: where an adapter lies must not change how its numbers are read


@dataclass(frozen=True, slots=True)
class Target:
    """A linear module that gets an adapter: its name in the model, and its widths."""

    name: str
    n_in: int
    n_out: int


class Bank:
    """Adapters of one shape for one model.

    Attributes:
        targets: The adapted modules, in the model's order.
        rank: The rank of every pair.
        values: Shape (adapters, numbers), float32.
        grads: The same shape.
        scales: What each adapter's output is multiplied with (alpha / rank).
        dropout: Each adapter's dropout rate.
    """

    def __init__(
        self, targets: Sequence[Target], rank: int, scales: Sequence[float], dropout: Sequence[float], device: str
    ):
        torch = need("torch")
        self.targets, self.rank = tuple(targets), rank
        self.scales, self.dropout = list(scales), list(dropout)
        self._offsets, size = [], 0
        for target in targets:
            self._offsets.append((size, size + rank * target.n_in))
            size += rank * (target.n_in + target.n_out)
        size = -(-size // _ALIGN) * _ALIGN
        self.values = torch.zeros(len(scales), size, device=device)
        self.grads = torch.zeros_like(self.values)
        self._views, self._grad_views = self._viewed(self.values), self._viewed(self.grads)

    @property
    def n(self) -> int:
        """How many adapters."""
        return len(self.scales)

    def pair(self, index: int, *, grads: bool = False) -> tuple[Any, Any]:
        """Views of a module's A, shape (adapters, rank, in), and transposed B, shape (adapters, rank, out)."""
        return self._grad_views[index] if grads else self._views[index]

    def _viewed(self, store: Any) -> list[tuple[Any, Any]]:
        """Views of every module's pair in a store, made once: they are asked for in every layer of every pass."""
        views = []
        for target, (a, b) in zip(self.targets, self._offsets, strict=True):
            first = store[:, a:b].unflatten(1, (self.rank, target.n_in))
            last = store[:, b : b + self.rank * target.n_out].unflatten(1, (self.rank, target.n_out))
            views.append((first, last))
        return views

    def read(self, slot: int) -> dict[str, tuple[Any, Any]]:
        """An adapter as PEFT shapes it: module name to (A of shape (rank, in), B of shape (out, rank)), copied."""
        found = {}
        for index, target in enumerate(self.targets):
            a, b = self.pair(index)
            found[target.name] = (a[slot].clone(), b[slot].t().contiguous())
        return found

    def write(self, slot: int, pairs: Mapping[str, tuple[Any, Any]]) -> None:
        """Take over an adapter in PEFT's shapes."""
        for index, target in enumerate(self.targets):
            a, b = self.pair(index)
            new_a, new_b = pairs[target.name]
            a[slot].copy_(new_a)
            b[slot].copy_(new_b.t())
