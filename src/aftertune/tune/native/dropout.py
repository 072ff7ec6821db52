"""Dropout masks by name: drawn from the adapter's stream, the step and the module, never from a shared generator.

The same mask can so be drawn again, in any company and after a restart.
"""

from __future__ import annotations

from typing import Any

from aftertune import seeds
from aftertune.extras import need
from aftertune.tune.native.context import Pass, current


def mask(shape: tuple[int, ...], rate: float, seed: int, name: str, like: Any) -> Any:
    """A mask that is 0 with probability `rate`, else 1 / (1 - rate)."""
    torch = need("torch")
    generator = torch.Generator(device=like.device).manual_seed(seeds.derive(seed, name) % 2**63)
    kept = torch.rand(shape, generator=generator, device=like.device) >= rate
    return kept.to(like.dtype) / (1 - rate)


def drop(x: Any, rate: float, name: str, this: Pass | None = None) -> Any:
    """Dropout over flat tokens, shape (..., tokens, width): each adapter's part with its own mask."""
    this = this or current()
    torch = need("torch")
    parts = [
        mask((segment.length, x.shape[-1]), rate, seed, name, x)
        for segment, seed in zip(this.layout.segments, this.seeds, strict=True)
    ]
    return x * torch.cat(parts)


def keyed_dropout(rate: float, name: str) -> Any:
    """A module that takes the place of one of the base's own `Dropout` modules."""
    nn = need("torch").nn

    class KeyedDropout(nn.Module):  # type: ignore[misc, name-defined]
        p = rate  # GPT-2 reads the rate of its attention dropout here

        def forward(self, x: Any) -> Any:
            this = current()
            return drop(x, rate, name, this) if this.training else x

    return KeyedDropout()
