"""Randomness derived by name, never by order: where or when a step runs cannot change its stream."""

from __future__ import annotations

import hashlib

import numpy as np

Name = str | int


def derive(root: int, *names: Name) -> int:
    """A 63-bit seed for the stream with these names.

    Names are told apart by type and position, so ("a", "bc") and ("ab", "c") differ, and so do 1 and "1".

    >>> derive(0, "order", 1) == derive(0, "order", 1)
    True
    >>> derive(0, "order", 1) == derive(0, "order", 2)
    False
    """
    text = "\x1f".join(f"{type(name).__name__}:{name}" for name in (root, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(root: int, *names: Name) -> np.random.Generator:
    """A NumPy generator for the stream with these names."""
    return np.random.default_rng(derive(root, *names))
