"""Validation page of near-duplicates: pairs of texts with known similarity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from common import table

from aftertune.data.near_duplicates import group, similarity, sketch
from aftertune.data.text.letters import letters
from aftertune.seeds import generator

EDGES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
Pair = tuple[str, str]


def near_duplicates_page(n: int) -> Iterator[str]:
    """How many pairs are found, by length and true similarity."""
    yield """# Near-duplicates

How many pairs of similar rows are found, by their true Jaccard similarity (sets of 8-byte shingles, computed in full)
and the letters of a row. The second row of a pair is the first with single letters changed, or with another ending.
A pair counts as similar from 0.80 on. Entries: **joined %**, in brackets the pairs that share a band: those were
compared, and the rest of them turned down.
"""
    rows, errors = [], []
    for size in (60, 400, 4000):
        cells, error = [], []
        for pairs, truths in _pairs(generator(51, "near_duplicates", size), size, n):
            firsts, seconds = (sketch([""] * n, [pair[side] for pair in pairs]) for side in (0, 1))
            joined = group([firsts, seconds]).near.group_R
            banded = (firsts.bands_RB == seconds.bands_RB).any(axis=1)
            error.append(similarity(firsts.bins_RK, seconds.bins_RK) - truths)
            cells.append(f"{100 * np.mean(joined[:n] == joined[n:]):.1f} ({100 * banded.mean():.1f})")
        rows.append([f"{size} letters", *cells])
        errors.append([f"{size} letters", *(f"{part.mean():+.3f} +- {part.std():.3f}" for part in error)])
    head = [f"{low:.2f} to {high:.2f}" for low, high in zip(EDGES[:-1], EDGES[1:], strict=True)]
    yield table(["rows of", *head], rows)
    yield """
**The estimate** that decides, smaller errors where a row has few shingles beside the 256 bins. Entries: **mean error +-
its standard deviation**.
"""
    yield table(["rows of", *head], errors)


def _pairs(rng: np.random.Generator, size: int, n: int) -> Iterator[tuple[list[Pair], np.ndarray]]:
    """For each band of similarity `n` pairs and their similarities."""
    full: list[list[tuple[Pair, float]]] = [[] for _ in EDGES[1:]]
    while any(len(found) < n for found in full):
        wanted = min(range(len(full)), key=lambda band: len(full[band]))
        first = rng.integers(97, 123, size, dtype=np.uint8)
        second = _edited(rng, first, rng.uniform(EDGES[wanted], EDGES[wanted + 1]))
        pair = first.tobytes().decode(), second.tobytes().decode()
        true = true_similarity(*pair)
        band = int(np.searchsorted(EDGES, true, "right")) - 1
        if 0 <= band < len(full) and len(full[band]) < n:
            full[band].append((pair, true))
    for found in full:
        yield [pair for pair, _ in found], np.array([true for _, true in found])


def _edited(rng: np.random.Generator, text: np.ndarray, wanted: float) -> np.ndarray:
    """The text with about so many shingles changed that the similarity is as wanted."""
    out, lost = text.copy(), (len(text) - 7) * (1 - wanted) / (1 + wanted)
    if rng.random() < 0.5:
        places = np.arange(len(text) - max(1, round(lost)), len(text))
    else:
        places = rng.choice(len(text), max(1, round(lost / 7.5)), replace=False)
    out[places] = (out[places] - 97 + rng.integers(1, 26, len(places), dtype=np.uint8)) % 26 + 97
    return out


def true_similarity(first: str, second: str) -> float:
    """The Jaccard similarity of two texts, computed in full."""
    one, other = (
        {text[start : start + 8] for start in range(max(len(text) - 7, 1))} for text in map(letters, (first, second))
    )
    return len(one & other) / len(one | other)
