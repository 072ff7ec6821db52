"""The pass in progress: which tokens belong to which adapter, read by the patched modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from aftertune.tune.native.layout import Layout


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward and backward pass over a flat batch.

    Attributes:
        layout: Whose tokens are where.
        seeds: The dropout seed of each segment's part of the batch; a mask is derived from it and the module.
        training: Whether dropout is on.
        bare: Whether the adapters are left out, so that the initial model itself is seen.
    """

    layout: Layout
    seeds: tuple[int, ...]
    training: bool = True
    bare: bool = False


_current: ContextVar[Pass | None] = ContextVar("aftertune_pass", default=None)


@contextmanager
def running(this: Pass) -> Iterator[None]:
    """Make a pass the current one."""
    token = _current.set(this)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Pass:
    """The pass in progress."""
    this = _current.get()
    assert this is not None, "a patched module ran outside of a pass"
    return this
