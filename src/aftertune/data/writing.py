"""Write records as the file they came from is written, or in a kind of file's usual way; all of it or nothing."""

from __future__ import annotations

import gzip
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from aftertune.data.csv_style import CsvStyle, csv_style
from aftertune.data.json_style import JsonStyle, JsonText, json_style
from aftertune.data.piece import Piece
from aftertune.errors import DataError
from aftertune.file_bytes import has_bom, is_gzipped
from aftertune.files import Record, columns_of, file_kind
from aftertune.store import guard_disk

if TYPE_CHECKING:
    import polars as pl

_LINES = (".jsonl", ".ndjson")


class TextStyle(Protocol):
    """How a file of text is written."""

    def written(self, fields: Mapping[str, Any], /) -> str:
        """A record as the file would have it."""

    def parts(self, pieces: Sequence[Piece], /) -> Iterator[str]:
        """The file's text, in parts."""


@dataclass(frozen=True, slots=True)
class ParquetStyle:
    """How a Parquet file is written: the types of its columns; None for what the values suggest."""

    schema: Mapping[str, Any] | None = None


Style = TextStyle | ParquetStyle


def style_of(path: Path, records: Sequence[Record], texts: Sequence[str]) -> Style:
    """How a file is written.

    Args:
        path: The file.
        records: Its records.
        texts: Their texts; see `files.stream_texts`.
    """
    kind = file_kind(path)
    if kind in (".json", *_LINES):
        return json_style(path, texts)
    if kind in (".csv", ".tsv"):
        return csv_style(path, "," if kind == ".csv" else "\t", texts, columns_of(records[:1]), has_bom(path))
    return ParquetStyle(_schema(path)) if kind == ".parquet" else usual_style(kind)


def usual_style(kind: str) -> Style:
    """The usual way to write a kind of file.

    Raises:
        DataError: this kind is not written.
    """
    if kind == ".json":
        return JsonStyle("array", JsonText(item=",", step="  "), ends="\n]\n", gap=("\n  ", "\n  "))
    if kind == ".parquet":
        return ParquetStyle()
    if kind in (".csv", ".tsv"):
        return CsvStyle("," if kind == ".csv" else "\t")
    if kind in _LINES:
        return JsonStyle()
    raise DataError(f"files that end in {kind} are read and not written", "name a file that ends in .jsonl")


def same_kind(one: Path, other: Path) -> bool:
    """Whether two files are of one kind by their names."""
    kinds = {".ndjson" if kind in _LINES else kind for kind in (file_kind(one), file_kind(other))}
    return len(kinds) == 1


def writable(path: Path) -> None:
    """Refuse a file that could not be written, before there is any work to lose.

    Raises:
        DataError: its suffix is none that is written.
    """
    usual_style(file_kind(path))


def write_pieces(path: Path, style: Style, pieces: Sequence[Piece]) -> None:
    """Write a file in one step: other processes see the old one or the new, never half of it.

    Raises:
        DataError: this kind of file cannot hold a record.
        StoreError: the folder cannot be written, or the disk is full.
    """
    with replaced(path) as file:
        if isinstance(style, ParquetStyle):
            whole = io.BytesIO()  # polars would write to the file below a packed one
            _frame(pieces, style.schema).write_parquet(whole)
            file.write(whole.getbuffer())
        else:
            for part in style.parts(pieces):
                file.write(part.encode("utf-8"))


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file under a temporary name, packed where the name says so, that takes its name when the block ends well.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with guard_disk(path.parent):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as raw:
                if is_gzipped(path):
                    packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0)
                    with packed, io.BufferedWriter(cast(io.RawIOBase, packed), 1 << 20) as file:
                        yield file
                else:
                    yield raw
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _frame(pieces: Sequence[Piece], schema: Mapping[str, Any] | None) -> pl.DataFrame:
    import polars as pl

    rows = [dict(piece.fields) for piece in pieces]
    names = list(dict.fromkeys([*(schema or ()), *(name for row in rows for name in row)]))
    columns = {name: [row.get(name) for row in rows] for name in names}
    made = []
    for name, values in columns.items():
        try:
            made.append(pl.Series(name, values, dtype=(schema or {}).get(name), strict=True))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            made.append(_looser(name, values))
    return pl.DataFrame(made)


def _looser(name: str, values: list[Any]) -> pl.Series:
    """A column whose new values are not of its old type."""
    import polars as pl

    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"column {name!r}: its values are of several types, which Parquet cannot hold", "write a .jsonl file"
        ) from error


def _schema(path: Path) -> Mapping[str, Any]:
    import polars as pl

    if is_gzipped(path):
        return pl.read_parquet_schema(io.BytesIO(gzip.decompress(path.read_bytes())))
    return pl.read_parquet_schema(path)
