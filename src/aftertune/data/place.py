"""Where instruction data lie: a file, a folder of files with splits, or a data set on the Hugging Face hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aftertune.canon import digest
from aftertune.errors import DataError, did_you_mean
from aftertune.files import Record, Rejects, source_digest, stream_records

DATA_SUFFIXES = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow")
_SHARD = re.compile(r"^(.+?)-\d{5}-of-\d{5}(?:-[0-9a-f]{16})?$")
_HUB = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_SPLITS = re.compile(r"(?:^|[^a-z])(train|training|test|testing|valid|validation|val|dev|eval)(?=$|[^a-z])")
_SAME = {"training": "train", "testing": "test", "valid": "validation", "val": "validation", "dev": "validation"}


class Place(Protocol):
    """Where rows come from. Its text is its name in messages."""

    def records(self, rejects: Rejects | None = None) -> Iterator[Record]:
        """Its rows, one after the other; see `files.stream_records`."""

    def at(self, record: Record) -> str:
        """The place of a row, for messages."""

    def sha256(self, hashed: Callable[[Path], str] = source_digest) -> str:
        """What tells its content from any other; `hashed` gives a file's hash."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """One data file."""

    path: Path

    def __str__(self) -> str:  # noqa: D105
        return str(self.path)

    def records(self, rejects: Rejects | None = None) -> Iterator[Record]:
        """Its rows, one after the other."""
        return stream_records(self.path, rejects)

    def at(self, record: Record) -> str:
        """File and line, or file and row."""
        return record.at(self.path)

    def sha256(self, hashed: Callable[[Path], str] = source_digest) -> str:
        """The hash of its bytes."""
        return hashed(self.path)


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """The files of one split in a folder, in the order of their names."""

    folder: Path
    files: tuple[Path, ...]

    def __str__(self) -> str:  # noqa: D105
        return str(self.folder)

    def records(self, rejects: Rejects | None = None) -> Iterator[Record]:
        """Their rows, one file after the other; a row's place names its file."""
        for path in self.files:
            for record in stream_records(path, rejects):
                yield Record(record.fields, f"{path.name} {record.where}")

    def at(self, record: Record) -> str:
        """Folder, file and row."""
        return record.at(self.folder)

    def sha256(self, hashed: Callable[[Path], str] = source_digest) -> str:
        """The hash of the files' names and hashes."""
        return digest([[path.name, hashed(path)] for path in self.files])


def place_of(path: Path | str | Place, split: str | None = None) -> Place:
    """Where a path leads.

    Args:
        path: A data file; a folder of data files, as on the hub; a folder saved by `save_to_disk`; or a data set of the
            hub at one commit, `org/name@<commit>`, whose files are fetched where they are not here.
        split: Which split, for a folder with several.

    Raises:
        DataError: the folder has no data files, or several splits and none is named, or not that one.
        NoData: a data set of the hub is not here, and could not be fetched.
        MissingExtra: a data set of the hub is named, and huggingface_hub is not installed.
    """
    if not isinstance(path, Path | str):
        return path
    path = _from_hub(str(path)) or Path(path)
    if not path.is_dir():
        if split is not None:
            raise DataError(f"{path}: a file has no splits, and {split!r} is asked for", "leave `split` out")
        return FilePlace(path)
    splits = _saved(path) or _in_folder(path)
    if not splits:
        names = ", ".join(sorted(entry.name for entry in path.iterdir())[:8])
        raise DataError(
            f"{path} is a folder without data files{f'; it holds {names}' if names else ''}",
            f"name a data file, or a folder of files that end in {', '.join(DATA_SUFFIXES)}",
        )
    files = _chosen(path, splits, split)
    return FilePlace(files[0]) if len(files) == 1 else FolderPlace(path, files)


def _from_hub(text: str) -> Path | None:
    """The folder of a hub data set's files; None for anything that is not written as one."""
    found = _HUB.fullmatch(text)
    if found is None or Path(text).exists():
        return None
    from aftertune.data.hub import find_hub_data

    return find_hub_data(found[1], found[2], fetch=True)


def _chosen(path: Path, splits: dict[str, list[Path]], split: str | None) -> tuple[Path, ...]:
    known = ", ".join(splits)
    if split is None and len(splits) > 1:
        raise DataError(
            f"{path}: has the splits {known}, and none is named",
            f"add `split: {next(iter(splits))}`, or name one of its files",
        )
    name = next(iter(splits)) if split is None else split
    if name not in splits:
        raise DataError(
            f"{path}: there is no split {name!r}{did_you_mean(name, splits)}; there are: {known}",
            "correct or remove `split`",
        )
    folders = sorted({file.parent for file in splits[name]})
    if len(folders) > 1:
        inside = ", ".join(str(folder.relative_to(path)) or "." for folder in folders)
        raise DataError(f"{path}: split {name} is in several folders: {inside}", "name one of these folders")
    return tuple(splits[name])


def _saved(path: Path) -> dict[str, list[Path]]:
    """The splits of a folder that `datasets` saved; empty when it did not."""
    several = path / "dataset_dict.json"
    if several.is_file():
        names = _read_json(several).get("splits", [])
        return {str(name): _shards(path / str(name)) for name in names}
    if not (path / "state.json").is_file():
        return {}
    return {str(_read_json(path / "state.json").get("_split") or "train"): _shards(path)}


def _shards(path: Path) -> list[Path]:
    files = _read_json(path / "state.json").get("_data_files", [])
    names = [Path(str(file.get("filename", ""))).name for file in files if isinstance(file, dict)]
    return [path / name for name in names if name]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})", "save the data set again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: is not what `save_to_disk` writes", "save the data set again")
    return found


def _in_folder(path: Path) -> dict[str, list[Path]]:
    """Data files by split, by the names of files and folders."""
    splits: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*")):
        names = file.relative_to(path).parts
        if _is_data(file) and not any(name.startswith(".") for name in names):
            splits.setdefault(_split_of(names), []).append(file)
    return splits


def _is_data(file: Path) -> bool:
    name = file.name.lower().removesuffix(".gz")
    return name.endswith(DATA_SUFFIXES) and name not in ("dataset_infos.json", "dataset_info.json") and file.is_file()


def _split_of(names: tuple[str, ...]) -> str:
    """The split that a file's name says, else a folder's; "train" where none does, as on the hub.

    >>> _split_of(("data", "test-00000-of-00002.parquet")), _split_of(("val", "a.jsonl")), _split_of(("rows.jsonl",))
    ('test', 'validation', 'train')
    """
    stem = names[-1].partition(".")[0]
    shard = _SHARD.match(stem)
    if shard:
        return shard[1]
    for name in (stem, *reversed(names[:-1])):
        found = _SPLITS.search(name.lower())
        if found:
            return _SAME.get(found[1], found[1])
    return "train"
