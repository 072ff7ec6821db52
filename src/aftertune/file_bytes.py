"""Open a data file, gzipped or not, and decode it piece by piece, so that a bad byte has a line number."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, cast

from aftertune.errors import DataError, did_you_mean
from aftertune.file_records import Rejects, refuse

PIECE = 1 << 20
BOM = b"\xef\xbb\xbf"


def require_file(path: Path) -> None:
    """Refuse what is no file, with the nearest name there is.

    Raises:
        DataError: it is a folder, or it is not there.
    """
    if path.is_dir():
        names = sorted(p.name for p in path.iterdir() if p.is_file())[:8]
        inside = f"; it holds {', '.join(names)}" if names else ""
        raise DataError(f"{path} is a folder{inside}", "name one data file in it")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        where = "" if path.parent.is_dir() else f" (there is no folder {path.parent} either)"
        raise DataError(
            f"{path}: there is no such file{did_you_mean(path.name, sorted(near))}{where}",
            "correct the path; in a study it is relative to the study file",
        )


def cannot_read(path: Path, error: OSError) -> NoReturn:
    """Say that the operating system would not have it."""
    raise DataError(f"{path}: cannot be read ({error.strerror or error})", "check the file's permissions") from error


def is_gzipped(path: Path) -> bool:
    """Whether the name says so."""
    return path.suffix.lower() == ".gz"


def has_bom(path: Path) -> bool:
    """Whether a file, unpacked, begins with a byte order mark."""
    with gzip.open(path) if is_gzipped(path) else path.open("rb") as stream:
        return bool(stream.read(3) == BOM)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked, without a byte order mark.

    Raises:
        DataError: it cannot be read, or the packed data are broken, wherever that shows.
    """
    try:
        with path.open("rb") as raw:
            stream: IO[bytes] = raw
            if is_gzipped(path):
                stream = cast(IO[bytes], io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), PIECE))
            if cast(io.BufferedReader, stream).peek(3)[:3] == BOM:
                stream.read(3)
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: broken gzip data ({error})",
            "fetch or compress the file again; drop .gz from its name if it is not compressed",
        ) from error
    except OSError as error:
        cannot_read(path, error)


def decoded_line(path: Path, line: bytes, number: int, rejects: Rejects | None) -> str | None:
    """A line as text; None when it is not UTF-8 and was reported.

    Raises:
        DataError: it is not UTF-8, and nobody asked for rejects.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text (byte {line[error.start]:#04x} at column {error.start + 1}{_looks_like(path)})"
        refuse(path, f"line {number}", reason, "save the file as UTF-8", rejects)
        return None


def decoded_pieces(path: Path, stream: IO[bytes], *, keep_bad: bool) -> Callable[[int], tuple[str, bool]]:
    """A function that reads about so many bytes more as text, empty at the end, and says whether all was UTF-8.

    Args:
        path: The file, for the message.
        stream: Its bytes.
        keep_bad: Carry bytes that are no UTF-8 through as lone surrogates, instead of raising.
    """
    rest, line = b"", 1

    def read(n: int) -> tuple[str, bool]:
        nonlocal rest, line
        more = stream.read(n)
        data, rest = rest + more, b""
        clean = True
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            text = decoder.decode(data, final=not more)
            rest = decoder.getstate()[0]
            clean = not _has_surrogates(text)
            if not clean and not keep_bad:
                at = line + data.count(b"\n", 0, error.start)
                reason = f"not UTF-8 text (byte {data[error.start]:#04x}{_looks_like(path)})"
                raise DataError(f"{path}:{at}: {reason}", "save the file as UTF-8") from error
        line += data.count(b"\n", 0, len(data) - len(rest))
        return text, clean

    return read


def _has_surrogates(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _looks_like(path: Path) -> str:
    with path.open("rb") as raw:
        data = raw.read(2)
    if data in (b"\xff\xfe", b"\xfe\xff"):
        return "; the file looks like UTF-16"
    return "; the file is gzip data without .gz in its name" if data == b"\x1f\x8b" and not is_gzipped(path) else ""
