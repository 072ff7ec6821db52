"""What models wrote, kept on disk under the hash of all that can change it.

Whoever was stopped goes on where it was, and a second arm with the same prompts pays nothing.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path


class KeptAnswers:
    """Texts by key, in memory and, where there is a folder, on disk.

    Args:
        folder: Where they are kept; None to keep them in memory only.

    >>> kept = KeptAnswers(None)
    >>> kept.keep({"key": "Tea."})
    >>> "key" in kept, kept["key"]
    (True, 'Tea.')
    """

    def __init__(self, folder: Path | None) -> None:
        """Read what is there."""
        self._folder, self._file = folder, None if folder is None else _own_file(folder)
        self._known = dict(_read(folder)) if folder is not None and folder.is_dir() else {}

    def __contains__(self, key: str) -> bool:  # noqa: D105
        return key in self._known

    def __getitem__(self, key: str) -> str:  # noqa: D105
        return self._known[key]

    def get(self, key: str) -> str:
        """The text under a key; empty where there is none."""
        return self._known.get(key, "")

    def keep(self, found: Mapping[str, str]) -> None:
        """Add to a file of this process's own: nobody else writes into it, and a broken last line is left out later."""
        self._known.update(found)
        if self._folder is None or self._file is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps([key, text], ensure_ascii=False) + "\n" for key, text in found.items())


def _own_file(folder: Path) -> Path:
    return folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                key, text = json.loads(line)
            except ValueError:  # a killed process left half a line
                continue
            if isinstance(key, str) and isinstance(text, str):
                yield key, text
