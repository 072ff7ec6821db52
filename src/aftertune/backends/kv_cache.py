"""Keys and values of rows that come and go, in memory that is set aside once.

The cache of transformers grows by concatenation at every token and keeps the rows it began with. This one writes
into place, every row from its own first column on, lets finished rows be overwritten and new ones be appended.
Sliding layers keep all columns too: the mask hides what lies before the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from aftertune.extras import need

_SPARE = 32  # columns added at least when room is made: few copies for long texts, little memory for short ones


class KVCache:
    """The cache of one model, and where the coming forward pass reads and writes in it.

    `past_key_values` goes into the forward pass, after `read` or `add` has said what it will do.
    """

    def __init__(self, model: Any) -> None:
        kinds = need("transformers").DynamicCache(config=model.config).layers
        self._layers = [_layer_class()(self, kind.is_sliding) for kind in kinds]
        self.past_key_values = need("transformers").Cache(layers=self._layers)
        self.columns: Any = None  # where a forward pass adds its token to each row; None when it reads prompts
        self.rows: Any = None
        self.first_row = self.width = self.used = 0
        self.runs: list[tuple[int, int, int]] = []  # prompts of one length: first, last, length

    def read(self, first_row: int, lengths: Sequence[int]) -> None:
        """The coming pass reads left-padded prompts into the rows from `first_row` on."""
        self.first_row, self.width, self.columns = first_row, max(lengths), None
        self.used, self.runs, first = max(self.used, self.width), [], 0
        for length, same in groupby(lengths):
            last = first + len(list(same))
            self.runs.append((first, last, length))
            first = last

    def add(self, columns: Any, width: int) -> None:
        """The coming pass adds a token to each row, at these columns, and looks at the first `width` columns."""
        self.columns, self.width, self.used = columns, width, max(self.used, width)
        self.rows = need("torch").arange(len(columns), device=columns.device)

    def move(self, sources: Sequence[int], places: Sequence[int]) -> None:
        """Copy rows over others."""
        if sources:
            for layer in (layer for layer in self._layers if layer.keys is not None):
                layer.move(list(sources), list(places))


class _Layer:
    """What one layer keeps, in (rows, heads, columns, size of a head); completed by the base of transformers."""

    keys: Any
    values: Any

    def __init__(self, owner: KVCache, is_sliding: bool) -> None:
        super().__init__()
        self.owner, self.is_sliding, self.is_initialized = owner, is_sliding, True

    def get_seq_length(self) -> int:
        """How many columns the coming forward pass sees before its own."""
        return 0 if self.owner.columns is None else self.owner.width - 1

    def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Keep what a forward pass computed; return what its attention looks at."""
        owner = self.owner
        self._make_room(owner.first_row + keys.shape[0] if owner.columns is None else 0, keys, values)
        if owner.columns is None:
            self._place(self.keys, keys)
            self._place(self.values, values)
            return keys, values
        self.keys[owner.rows, :, owner.columns] = keys[:, :, 0]
        self.values[owner.rows, :, owner.columns] = values[:, :, 0]
        n_rows = keys.shape[0]
        return self.keys[:n_rows, :, : owner.width], self.values[:n_rows, :, : owner.width]

    def move(self, sources: list[int], places: list[int]) -> None:
        """Copy rows over others, all that was ever used of them."""
        with need("torch").inference_mode():
            for kept in (self.keys, self.values):
                kept[places, :, : self.owner.used] = kept[sources, :, : self.owner.used]

    def _place(self, kept: Any, new: Any) -> None:
        """Put each prompt at the first columns; behind it nothing that is not a number may show through the mask."""
        owner = self.owner
        rows = kept[owner.first_row : owner.first_row + new.shape[0]]
        for first, last, length in owner.runs:
            rows[first:last, :, :length] = new[first:last, :, new.shape[2] - length :]
            rows[first:last, :, length : owner.used] = 0

    def _make_room(self, n_rows: int, keys: Any, values: Any) -> None:
        if self.keys is None:
            self.keys, self.values = keys[:0, :, :0], values[:0, :, :0]
        has_rows, has_columns, wanted = self.keys.shape[0], self.keys.shape[2], self.owner.used
        if n_rows > has_rows or wanted > has_columns:
            n_columns = wanted + max(_SPARE, wanted // 2) if wanted > has_columns else has_columns
            self.keys = _enlarged(self.keys, max(n_rows, has_rows), n_columns)
            self.values = _enlarged(self.values, max(n_rows, has_rows), n_columns)


def _enlarged(kept: Any, n_rows: int, n_columns: int) -> Any:
    larger = kept.new_zeros(n_rows, kept.shape[1], n_columns, kept.shape[3])
    larger[: kept.shape[0], :, : kept.shape[2]] = kept
    return larger


@cache
def _layer_class() -> type[Any]:
    return type("Layer", (_Layer, need("transformers.cache_utils").DynamicLayer), {})
