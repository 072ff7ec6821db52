"""Fetch one published file: https only, of limited size, verified before it gets its name."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from aftertune.benchmarks.base import PublishedFile
from aftertune.benchmarks.published.verify import MOST_BYTES, is_published
from aftertune.errors import DataError, NoData, StoreError

_SECONDS = 60
Open = Callable[[str], AbstractContextManager[IO[bytes]]]


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects, unless they leave https."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def open_url(url: str) -> AbstractContextManager[IO[bytes]]:
    """Open an https address.

    Raises:
        OSError: it is no https address, or cannot be reached.
    """
    _require_https(url)
    opened: AbstractContextManager[IO[bytes]] = urllib.request.build_opener(_HttpsOnly).open(url, timeout=_SECONDS)
    return opened


def fetch(file: PublishedFile, folder: Path, open: Open = open_url) -> Path:
    """Fetch a file into a folder, where it appears under its name only when it is whole and verified.

    Args:
        file: What to fetch.
        folder: Where to; made when it is not there.
        open: Opens the address; raises OSError where it cannot.

    Returns:
        The file's path.

    Raises:
        NoData: it could not be fetched.
        DataError: what came is not the published file.
        StoreError: it could not be written.
    """
    try:
        with open(file.url) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise NoData(
            f"{file.url} could not be fetched ({error})",
            f"check the network, or fetch it elsewhere and save it as {folder / file.name}",
        ) from error
    if not is_published(content, file):
        what = "more than 64 MB came" if len(content) > MOST_BYTES else hashlib.sha256(content).hexdigest()
        raise DataError(
            f"{file.url} gave another file than was published: expected sha256 {file.sha256}, found {what}; likely "
            "cause: a proxy or a sign-in page between here and there, since a commit's files do not change",
            "fetch it in a browser and give it by `path:`",
        )
    return _kept(content, folder / file.name)


def _kept(content: bytes, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror})", "free some space, or give the file by `path:`"
        ) from error
    return path


def _require_https(url: str) -> None:
    if not url.startswith("https://"):
        raise OSError(f"not an https address: {url}")
