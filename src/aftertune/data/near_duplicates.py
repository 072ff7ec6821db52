"""Which rows repeat others: to the byte, in their prompt alone, or nearly.

Nearly means that the sets of overlapping runs of 8 bytes of two rows' letters and digits have a Jaccard similarity of
0.8 or more. Case, white space and punctuation do not count. On five public instruction sets every pair at 0.8 by
three-word shingles was one by these, and they work alike in scripts without spaces between words.

Two steps, so that worker processes can do the first: `sketch` turns rows into 400 bytes each, `group` puts sketches
together. A row's sketch depends on its text alone, and the groups on the rows alone, in whatever order they come.

Own code on NumPy, about 10 microseconds per row of 500 characters: a MinHash library has to be fed one hash per
shingle, and making those is the larger part of the work. A library's next release could also move the counts.

Source: one permutation hashing, Li, Owen and Zhang 2012; empty bins filled by walks to the next full bin as in
Shrivastava and Li 2014, but eight independent walks; bands, Leskovec, Rajaraman and Ullman 2014, chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftertune.data.text.letters import letters
from aftertune.seeds import generator

SIMILAR = 0.8
RULE = "8-byte shingles of letters and digits alone, estimated Jaccard similarity of 0.8 or more"
EXAMPLES = 5  # groups to show
SHOWN = 5  # rows of each to show
_WIDTH = 8  # bytes of a shingle; they fit into one 64-bit number
_BINS, _BANDS, _ROWS = 256, 32, 8
_BATCH = 1 << 16  # bytes at once: what is made from them fits into a processor's cache
_AT_ONCE = 128  # rows
_NEIGHBOURS = 2  # rows compared with the next ones in a band; all of them also with the band's first
_PAIRS = 1 << 16  # pairs compared at once
_ODD = tuple(np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_NONE = np.uint64(2**64 - 1)
Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """What is kept of some rows to find the repeats among them: 400 bytes per row.

    Attributes:
        prompt_R: A 64-bit hash of each row's prompt.
        whole_R: A 64-bit hash of each row's prompt and answer.
        bins_RK: The sample of shingles that similarity is estimated from, one byte per bin; 0 where it is empty.
        bands_RB: Rows that share a number in any column may be similar.
    """

    prompt_R: Words
    whole_R: Words
    bins_RK: Bytes
    bands_RB: NDArray[np.uint32]

    def __len__(self) -> int:  # noqa: D105
        return len(self.whole_R)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows that belong together.

    Attributes:
        n_rows: Rows in groups of two or more.
        n_extra: Rows beyond the first of each group: how many would go.
        n_groups: Groups of two rows or more.
        largest: Rows in the largest group; 0 without groups.
        group_R: The group of each row, numbered from 0 in the order of their first rows; a row that stands alone
            has a number of its own.
        examples: Of the largest groups, the places of the first few rows, from 0.
    """

    n_rows: int
    n_extra: int
    n_groups: int
    largest: int
    group_R: Places
    examples: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Rows that repeat others, by three rules.

    Attributes:
        near: Similar rows; equal rows are among them. A chain of similar rows is one group, so its ends may differ.
        exact: Prompt and answer equal to the byte.
        prompt: Prompts equal to the byte, whatever the answers.
    """

    near: Groups
    exact: Groups
    prompt: Groups


def sketch(prompts: Sequence[str], answers: Sequence[str]) -> Sketches:
    """Take down what is needed of some rows to find the repeats among them.

    Args:
        prompts: What comes before each row's answer.
        answers: One per prompt. Any text will do, and of any length; the time grows with the length.

    Returns:
        The sketches, in the same order; the same on every machine with one version of Unicode. Rows without
        letters or digits have no shingles and are similar to none.

    Raises:
        ValueError: there are not as many answers as prompts.

    >>> made = sketch(["Say hello.", "say HELLO"], ["Hello, world!", "hello world"])
    >>> bool(made.whole_R[0] == made.whole_R[1]), bool((made.bins_RK[0] == made.bins_RK[1]).all())
    (False, True)
    """
    if len(prompts) != len(answers):
        raise ValueError(f"one answer per prompt is needed: {len(prompts)} prompts, {len(answers)} answers")
    prompt_R, answer_R = _hashes(prompts), _hashes(answers)
    bins_RK = np.zeros((len(prompts), _BINS), np.uint8)
    start = 0
    for texts in _batches(zip(prompts, answers, strict=True)):
        bins_RK[start : start + len(texts)] = _sampled(texts)
        start += len(texts)
    return Sketches(prompt_R, _mixed(_mixed(prompt_R) + answer_R), bins_RK, _bands(bins_RK))


def group(sketches: Sequence[Sketches]) -> NearDuplicates:
    """Find the repeats among all rows.

    Args:
        sketches: All rows, chunk by chunk; a row's place is counted over all chunks in the order given.

    Returns:
        The groups by three rules. Sizes and numbers of groups do not depend on the order of rows. Where very many
        rows may be similar to one another, each is compared with a few of them only, so that a million rows
        from one template take seconds too.

    Source: how many pairs are found, by their true similarity: docs/validation/near_duplicates.md.

    >>> rows = ["the quick brown fox jumps over it"] * 2 + ["a text of its own"]
    >>> found = group([sketch([""] * 3, rows)])
    >>> found.near.n_rows, found.near.n_extra, found.near.n_groups, found.near.group_R.tolist()
    (2, 1, 1, [0, 0, 1])
    """
    parts = [part for part in sketches if len(part)]
    if not parts:
        none = _groups(np.zeros(0, np.int64))
        return NearDuplicates(none, none, none)
    whole_R = np.concatenate([part.whole_R for part in parts])
    prompt_R = np.concatenate([part.prompt_R for part in parts])
    # Equal rows go in as one, in the order of their hashes: then neither copies nor their order matter.
    _, first_U, unique_R = np.unique(whole_R, return_index=True, return_inverse=True)
    return NearDuplicates(
        _groups(_Similar(parts, first_U).components()[unique_R]),
        _groups(unique_R),
        _groups(np.unique(prompt_R, return_inverse=True)[1]),
    )


def similarity(first_K: Bytes, second_K: Bytes) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity of pairs of rows from their bins, without bias.

    Args:
        first_K: The bins of one row, or of several rows.
        second_K: Those of the row to compare with each.

    Returns:
        The estimate of each pair; its standard error is about 0.025 at 0.8. NaN where both rows have no shingles.

    Source: Li, Owen and Zhang 2012, equation 12, less the 1 in 255 bins that agree by chance.
    """
    filled = ((first_K | second_K) != 0).sum(axis=-1, dtype=np.int64)
    same = ((first_K == second_K) & (first_K != 0)).sum(axis=-1, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        return np.asarray((same / filled - 1 / 255) / (1 - 1 / 255))


def _hashes(texts: Sequence[str]) -> Words:
    from hashlib import blake2b

    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _batches(rows: Iterable[tuple[str, str]]) -> Iterator[list[bytes]]:
    """The letters of rows, a batch at a time."""
    texts: list[bytes] = []
    size = 0
    for prompt, answer in rows:
        texts.append(letters(prompt) + letters(answer))
        size += len(texts[-1])
        if size > _BATCH:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts


def _sampled(texts: Sequence[bytes]) -> Bytes:
    """Of each row's shingles, the one with the smallest hash in each bin, as a byte from 1 to 255; 0 without any."""
    least = np.full(len(texts) * _BINS, _NONE)
    for some in _in_batches(_pieces(texts)):
        hashes = _mixed(_shingles([piece for _, piece in some]))
        rows = np.repeat([row for row, _ in some], [len(piece) - _WIDTH + 1 for _, piece in some])
        # The top byte of the hash is the bin, the rest decides which is smallest.
        np.minimum.at(least, rows * _BINS + (hashes >> np.uint64(56)).astype(np.int64), hashes << np.uint64(8))
    byte = np.maximum((least >> np.uint64(8)).astype(np.uint8), 1)
    return np.asarray(byte * (least != _NONE), np.uint8).reshape(len(texts), _BINS)


def _in_batches(pieces: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Pieces together up to about a batch of bytes; a single long text is many batches."""
    some: list[tuple[int, bytes]] = []
    size = 0
    for piece in pieces:
        some.append(piece)
        size += len(piece[1])
        if size > _BATCH:
            yield some
            some, size = [], 0
    if some:
        yield some


def _pieces(texts: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The texts with their places, long ones in pieces that share no shingle and lose none; empty ones not at all."""
    for row, text in enumerate(texts):
        for start in range(0, max(len(text) - _WIDTH + 1, bool(text)), _BATCH):
            yield row, text[start : start + _BATCH + _WIDTH - 1].ljust(_WIDTH, b"\0")


def _shingles(pieces: Sequence[bytes]) -> Words:
    """Every run of 8 bytes within a piece, as a number."""
    if not pieces:
        return np.zeros(0, np.uint64)
    joined = b"".join(pieces)
    n_runs = len(joined) - _WIDTH + 1
    runs = np.ndarray((n_runs,), "<u8", joined, strides=(1,))
    inside = np.ones(len(joined), np.bool_)
    ends = np.cumsum([len(piece) for piece in pieces])
    inside[(ends[:, None] - np.arange(1, _WIDTH)).ravel()] = False
    return np.asarray(runs[inside[:n_runs]], dtype=np.uint64)


def _mixed(values: Words) -> Words:
    """Spread 64-bit numbers: every bit out depends on every bit in."""
    out = values * _ODD[0]
    for shift, odd in ((32, _ODD[1]), (29, _ODD[2])):
        out ^= out >> np.uint64(shift)
        out *= odd
    out ^= out >> np.uint64(32)
    return out


@cache
def _walks() -> Places:
    """The bins to try in turn: step x (place x band). The first step uses every bin once."""
    first = generator(0, "near_duplicates", "bands").permutation(_BINS).reshape(_ROWS, _BANDS)
    walks = np.empty((_BINS // _BANDS, _ROWS, _BANDS), np.int64)
    for place in range(_ROWS):
        others = np.setdiff1d(np.arange(_BINS), first[place])
        walks[0, place] = first[place]
        walks[1:, place] = generator(0, "near_duplicates", "walk", place).permutation(others).reshape(-1, _BANDS)
    return walks.reshape(-1, _BINS)


def _bands(bins_RK: Bytes) -> NDArray[np.uint32]:
    """A number per band of 8 bins, empty bins filled from the next full one on eight independent walks."""
    parts = [_some_bands(bins_RK[start : start + _AT_ONCE]) for start in range(0, len(bins_RK), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, _BANDS), np.uint32)


def _some_bands(bins_RK: Bytes) -> NDArray[np.uint32]:
    bins_KR = np.ascontiguousarray(bins_RK.T)  # so that taking a bin of all rows is copying one line
    value = bins_KR[_walks()[0]]
    for walk in _walks()[1:]:
        empty = np.negative((value == 0).view(np.uint8))  # 255 where it is: far faster than choosing
        value |= bins_KR[walk] & empty
    value = value.reshape(_ROWS, _BANDS, -1)
    reach = 1
    while reach < _BANDS and not value.all():
        empty = np.negative((value == 0).view(np.uint8))
        value |= np.roll(value, -reach, axis=1) & empty
        reach *= 2
    keys = np.ascontiguousarray(value.transpose(2, 1, 0)).view("<u8")[..., 0]
    return (_mixed(keys.astype(np.uint64)) >> np.uint64(32)).astype(np.uint32)


class _Similar:
    """Unequal rows, joined where their estimated similarity is high enough.

    A row's root is the number of its component so far; pairs within one are not compared again.
    """

    def __init__(self, parts: Sequence[Sketches], place_U: Places) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self._place_U = place_U
        self._root_U = np.arange(len(place_U))

    def components(self) -> Places:
        """The component of each row, as a number."""
        for band in range(_BANDS):
            found = [pair for pair in self._candidates(band) if pair.size]
            if found:
                self._join(np.concatenate(found, axis=1))
        return self._root_U

    def _candidates(self, band: int) -> Iterator[Places]:
        """Pairs of rows, by place among the unequal ones, that share this band and are not joined yet."""
        key_U = np.concatenate([part.bands_RB[:, band] for part in self._parts])[self._place_U]
        order = np.argsort(key_U, kind="stable")
        sorted_U = key_U[order]
        starts = np.flatnonzero(np.r_[True, sorted_U[1:] != sorted_U[:-1]])
        sizes = np.diff(np.r_[starts, len(order)])
        head = np.repeat(starts, sizes)
        far = np.flatnonzero(np.arange(len(order)) - head > _NEIGHBOURS)
        yield self._passing(order[head[far]], order[far])
        for step in range(1, _NEIGHBOURS + 1):
            near = np.flatnonzero(sorted_U[:-step] == sorted_U[step:])
            yield self._passing(order[near], order[near + step])

    def _passing(self, first: Places, second: Places) -> Places:
        """Those pairs that are similar enough."""
        apart = self._root_U[first] != self._root_U[second]
        first, second = first[apart], second[apart]
        keep = np.zeros(len(first), np.bool_)
        for start in range(0, len(first), _PAIRS):
            some = slice(start, start + _PAIRS)
            keep[some] = similarity(self._bins(first[some]), self._bins(second[some])) >= SIMILAR
        return np.stack([first[keep], second[keep]])

    def _bins(self, which: Places) -> Bytes:
        places = self._place_U[which]
        part_of = np.searchsorted(self._starts, places, "right") - 1
        out = np.empty((len(places), _BINS), np.uint8)
        for part in np.unique(part_of):
            here = part_of == part
            out[here] = self._parts[part].bins_RK[places[here] - self._starts[part]]
        return out

    def _join(self, pairs: Places) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self._root_U)
        ends = self._root_U[pairs[0]], self._root_U[pairs[1]]
        edges: Any = coo_array((np.ones(pairs.shape[1], np.bool_), ends), (n, n))
        self._root_U = connected_components(edges, directed=False)[1].astype(np.int64)[self._root_U]


def _groups(label_R: Places) -> Groups:
    """Count the rows that share a label."""
    _, first_L, label_R, size_L = np.unique(label_R, return_index=True, return_inverse=True, return_counts=True)
    order_L = np.argsort(first_L, kind="stable")
    number_L = np.empty(len(order_L), np.int64)
    number_L[order_L] = np.arange(len(order_L))
    group_R, size_G = number_L[label_R], size_L[order_L]
    shared = size_G > 1
    shown = np.argsort(-size_G, kind="stable")[:EXAMPLES]
    examples = tuple(_first_places(group_R, number) for number in shown if size_G[number] > 1)
    n_rows, n_groups = int(size_G[shared].sum()), int(shared.sum())
    return Groups(n_rows, n_rows - n_groups, n_groups, int(size_G[shared].max(initial=0)), group_R, examples)


def _first_places(group_R: Places, number: int) -> tuple[int, ...]:
    return tuple(int(place) for place in np.flatnonzero(group_R == number)[:SHOWN])
