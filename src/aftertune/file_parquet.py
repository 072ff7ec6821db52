"""Rows of Parquet files, and of the Arrow files that the `datasets` library saves, batch by batch."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aftertune.errors import DataError
from aftertune.file_bytes import is_gzipped, opened
from aftertune.file_records import Record, Rejects

if TYPE_CHECKING:
    import polars as pl

_ROWS = 10_000


def parquet_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of a Parquet file. Its cells have types, so no single row of it can be bad."""
    return _rows(path, "Parquet")


def arrow_rows(path: Path, rejects: Rejects | None) -> Iterator[tuple[Record, str]]:
    """The rows of an Arrow stream file."""
    return _rows(path, "Arrow")


def _rows(path: Path, kind: str) -> Iterator[tuple[Record, str]]:
    import polars as pl

    number = 0
    try:
        for frame in _parquet(path) if kind == "Parquet" else _arrow(path):
            for row in frame.iter_rows(named=True):
                number += 1
                yield Record(row, f"row {number}"), ""
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        why = (str(error).splitlines() or ["no reason given"])[0]
        raise DataError(f"{path}: broken {kind} data ({why})", "write the file again") from error


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    import polars as pl

    if is_gzipped(path):
        with opened(path) as stream:
            yield pl.read_parquet(io.BytesIO(stream.read()))
    else:
        scanned = pl.scan_parquet(path, glob=False)
        if hasattr(scanned, "collect_batches"):
            yield from scanned.collect_batches(chunk_size=_ROWS)
        else:  # an older polars
            yield scanned.collect()


def _arrow(path: Path) -> Iterator[pl.DataFrame]:
    import polars as pl

    yield from pl.read_ipc_stream(path, use_pyarrow=False).iter_slices(_ROWS)
