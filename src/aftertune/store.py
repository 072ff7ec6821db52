"""A content-addressed store: one folder per step, named by the hash of everything that can change it.

A step writes under a temporary name; its files are checksummed, a manifest is added, and the folder is
renamed once. A killed run leaves only temporary folders, which the next one sweeps away.
The store does not know what a step means and never deletes a finished one.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aftertune.canon import file_digest
from aftertune.errors import StoreError

FORMAT = 1
_MARK = "aftertune-store.json"
_MANIFEST = "manifest.json"


@dataclass(slots=True)
class Draft:
    """A step's folder while it is being written; `facts` end up in its manifest."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)


class Store:
    """Finished steps on a local disk.

    Raises:
        StoreError: the folder cannot be used: newer format, another kind of folder, not writable.
    """

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self.root = root
        if not (root / _MARK).exists():
            self._adopt(create)
        self._check_format()

    def folder(self, stage: str, key: str) -> Path:
        """Where a step's files are, or will be."""
        return self.root / "objects" / stage / key[:2] / key

    def has(self, stage: str, key: str) -> bool:
        """Whether the step is finished and all its files are there with their sizes.

        A folder that does not match its manifest (a copy cut short, a file edited) is set aside,
        so that the step is made again.
        """
        folder = self.folder(stage, key)
        if not (folder / _MANIFEST).exists():
            return False
        if _intact(folder):
            return True
        self._set_aside(folder)
        return False

    def manifest(self, stage: str, key: str) -> dict[str, Any]:
        """What produced a finished step.

        Raises:
            StoreError: the step is not there, or its manifest is unreadable.
        """
        path = self.folder(stage, key) / _MANIFEST
        try:
            loaded: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: unreadable manifest ({error})", "run the study again") from error
        return loaded

    @contextmanager
    def write(self, stage: str, key: str, about: Mapping[str, Any]) -> Iterator[Draft]:
        """Write one step: yields a temporary folder, keeps it only when the block ends well.

        Args:
            stage: The step's kind.
            key: The hash of everything that can change the output.
            about: What goes into the manifest beside checksums, wall time and environment.

        Raises:
            StoreError: the disk is full or not writable; nothing half-written is kept.
        """
        draft = Draft(self._temporary(key))
        started = time.time()
        try:
            yield draft
            self._commit(draft, stage, key, {**about, "started": started, "wall_s": time.time() - started})
        except BaseException as error:
            shutil.rmtree(draft.folder, ignore_errors=True)
            if is_disk_full(error):
                raise disk_full(self.root) from error
            raise

    def sweep(self) -> int:
        """Remove what killed runs of this machine left behind; returns how many folders."""
        stale = [path for path in (self.root / "tmp").glob("*") if _is_stale(path.name)]
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)

    def verify(self) -> list[Path]:
        """Check every file's checksum; returns the folders that do not match their manifest."""
        manifests = sorted((self.root / "objects").glob(f"*/*/*/{_MANIFEST}"))
        return [path.parent for path in manifests if not _checksums_match(path.parent)]

    def remember(self, name: str, make: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read (and, with `make`, first replace) a small disposable note such as file fingerprints."""
        path = self.root / "notes" / f"{name}.json"
        if make is not None:
            write_text(path, json.dumps(make, indent=1, sort_keys=True))
        try:
            note: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return note

    def _adopt(self, create: bool) -> None:
        if not create:
            raise StoreError(f"{self.root} is no store", "run a study first, or name its store with --store")
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            raise StoreError(
                f"{self.root} exists and is no aftertune store", "name an empty or new folder with --store"
            )
        write_text(self.root / _MARK, json.dumps({"format": FORMAT}))

    def _check_format(self) -> None:
        path = self.root / _MARK
        try:
            found = int(json.loads(path.read_text())["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}: unreadable ({error})", "restore the file, or use another folder with --store"
            ) from error
        if found > FORMAT:
            raise StoreError(
                f"{self.root} was written by a newer aftertune (store format {found}; this one "
                f"knows {FORMAT}); nothing was changed",
                "upgrade with `pip install --upgrade aftertune`, or use another folder with --store",
            )

    def _temporary(self, key: str) -> Path:
        folder = self.root / "tmp" / f"{socket.gethostname()}~{os.getpid()}~{key[:16]}~{uuid.uuid4().hex[:8]}"
        with guard_disk(self.root):
            folder.mkdir(parents=True)
        return folder

    def _commit(self, draft: Draft, stage: str, key: str, about: Mapping[str, Any]) -> None:
        files = sorted(path for path in draft.folder.rglob("*") if path.is_file())
        listed = {str(path.relative_to(draft.folder)): _file_record(path) for path in files}
        manifest = {
            "stage": stage,
            "key": key,
            "files": listed,
            "facts": draft.facts,
            "environment": environment(),
            **about,
        }
        write_text(draft.folder / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        target = self.folder(stage, key)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.folder.rename(target)
        except OSError:
            # Another process finished the same step first; its files are as good as ours.
            if not (target / _MANIFEST).exists():
                raise
            shutil.rmtree(draft.folder, ignore_errors=True)

    def _set_aside(self, folder: Path) -> None:
        with suppress(OSError):
            (self.root / "damaged").mkdir(exist_ok=True)
            folder.rename(self.root / "damaged" / f"{folder.name}-{uuid.uuid4().hex[:8]}")


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: other processes see the old text or the new, never half of it.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Like `write_text`, for bytes."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with guard_disk(path.parent):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextmanager
def guard_disk(place: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a StoreError that says where and what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        if is_disk_full(error):
            raise disk_full(place) from error
        raise StoreError(
            f"{place}: cannot write ({error.strerror or error})", "choose a folder you may write to (--out, --store)"
        ) from error


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a disk without space; libraries hide it in their own errors."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full(place: Path) -> StoreError:
    """The error for a full disk, with what is free now."""
    return StoreError(
        f"{place}: no space left on the disk ({_free_mb(place)} MB free); finished steps are kept",
        "free some space, or use another disk with --store and --out; then run the same command",
    )


def environment() -> dict[str, str]:
    """Where a step ran: recorded beside its output, never part of its key."""
    return {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}


def _free_mb(place: Path) -> int:
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free // 2**20


def _file_record(path: Path) -> dict[str, Any]:
    return {"sha256": file_digest(path), "bytes": path.stat().st_size}


def _listed(folder: Path) -> dict[str, Any]:
    try:
        files: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {"unreadable manifest": {"bytes": -1, "sha256": ""}}
    return files


def _intact(folder: Path) -> bool:
    return all(_size(folder / name) == record["bytes"] for name, record in _listed(folder).items())


def _checksums_match(folder: Path) -> bool:
    return _intact(folder) and all(
        file_digest(folder / name) == record["sha256"] for name, record in _listed(folder).items()
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -2


def _is_stale(name: str) -> bool:
    """Whether a temporary folder's process, on this machine, is gone."""
    host, _, rest = name.partition("~")
    pid = rest.partition("~")[0]
    return host == socket.gethostname() and pid.isdigit() and not is_alive(int(pid))


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is still there."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
