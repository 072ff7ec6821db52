"""Audit an instruction data set: read it as a stream, look at every row, put the tallies together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aftertune.data.auditing.affinity import Sample, self_affinity
from aftertune.data.auditing.pool import tallies
from aftertune.data.auditing.record import Affinity, Audit, Duplicates, Rejected
from aftertune.data.auditing.shares import label_shares, lengths, ranking, share_of
from aftertune.data.auditing.tally import Placed, Tally, merged
from aftertune.data.dataset import Dataset
from aftertune.data.detectors.labelled.measured import measured_error
from aftertune.data.near_duplicates import RULE, NearDuplicates, group
from aftertune.data.ranking import RISK_ABOUT
from aftertune.data.reading import RowStream, stream_rows
from aftertune.errors import DataError
from aftertune.files import Reject
from aftertune.records import Row

SAMPLE = 2000  # rows scored under a model where there are more
_SHOWN = 20
Tick = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class _Settings:
    """How to audit, as `audit_file` takes it."""

    model: str | None = None
    sample: int = SAMPLE
    level: float = 0.95
    jobs: int = 1
    tick: Tick = lambda what, done: None


@dataclass(slots=True)
class _Read:
    """What reading the file said, beside its rows."""

    n: int = 0
    rejected: int = 0
    first: list[Rejected] = field(default_factory=list)

    def reject(self, found: Reject) -> None:
        """Count a record that could not be read, and keep the first few."""
        self.rejected += 1
        if len(self.first) < _SHOWN:
            self.first.append(Rejected(found.where, found.reason))

    def in_order(self) -> tuple[Rejected, ...]:
        """Those kept, by place: the first records of a file are read twice."""
        return tuple(sorted(self.first, key=lambda one: int("".join(filter(str.isdigit, one.where)) or 0)))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What the rows hold, which of them repeat others, where each is, and those drawn to be scored."""

    tally: Tally
    copies: NearDuplicates
    wheres: list[str]
    drawn: list[Placed]


def audit(data: Path | str | Dataset | Iterable[Row], *, name: str = "rows", **settings: Any) -> Audit:
    """What instruction data hold; of a file, a loaded data set, or conversations in memory.

    Args:
        data: A path is read as a stream; a data set's rows without an answer are looked at too.
        name: What conversations in memory are called.
        settings: As `audit_file` takes them; `layout`, `columns` and `split` of a path only.

    Raises:
        DataError, ModelError, MissingExtra: as `audit_file`.

    >>> from aftertune.records import Turn
    >>> found = audit([Row("1", (Turn("user", "Tea?"), Turn("assistant", "As an AI, I drink none.")))])
    >>> found.share("identity", "ai").rows
    1
    """
    if isinstance(data, Path | str):
        return audit_file(data, **settings)
    told = _Settings(**settings)
    if isinstance(data, Dataset):
        name, sha256, layout = Path(str(data.place)).name, data.source.sha256, data.layout
        placed = ((entry.record.where, reading.row) for entry in data.entries for reading in entry.readings)
    else:
        sha256, layout, placed = "", "rows", ((f"row {row.id}", row) for row in data)
    found = _looked_at(placed, told)
    if not found.wheres:
        raise DataError(f"{name}: there is no row", "give it some")
    return _audit(name, sha256, layout, _Read(len(found.wheres)), found, told)


def audit_file(
    path: Path | str,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    model: str | None = None,
    sample: int = SAMPLE,
    level: float = 0.95,
    jobs: int = 1,
    tick: Tick = lambda what, done: None,
) -> Audit:
    """What an instruction data file holds: structure, identity, role-play, refusals, repeats, lengths and more.

    The file is read as a stream and never held; records that cannot be read are counted and named.

    Args:
        path: The file, of any kind and layout that a study reads.
        layout: The layout's name, or "auto".
        columns: Which column is what, for files in no known layout.
        split: Which split, for a folder with several.
        model: Also score answers under this model: `organism`, or a folder.
        sample: The most rows to score; they are drawn at random where there are more.
        level: Confidence level of all limits, a fraction.
        jobs: Worker processes; the result does not depend on them. More than one needs the caller's script to be
            importable, as `multiprocessing` asks.
        tick: Called with what is being done ("rows" or "scored") and how much of it is done.

    Raises:
        DataError: the file cannot be read at all, is in no layout, or has no row with a conversation.
        ModelError, MissingExtra: the model cannot be loaded.
    """
    read, told = _Read(), _Settings(model, sample, level, jobs, tick)
    try:
        stream = stream_rows(path, layout=layout, columns=columns, split=split, rejects=read.reject)
        found = _looked_at(_placed(stream, read), told)
    except DataError as error:
        if read.n or not read.rejected:
            raise
        raise _nothing_read(path, read) from error
    if not read.n:
        raise _nothing_read(path, read)
    return _audit(Path(path).name, stream.place.sha256(), stream.layout, read, found, told)


def _nothing_read(path: Path | str, read: _Read) -> DataError:
    first = read.in_order()[0]
    return DataError(
        f"{path}: not one row can be read: {first.where}, {first.reason}",
        "correct the file, or say which column is what with `columns`",
    )


def _placed(stream: RowStream, read: _Read) -> Iterator[Placed]:
    for reading in stream:
        read.n += 1
        yield reading.record.where, reading.row


def _looked_at(rows: Iterable[Placed], told: _Settings) -> _Found:
    """Everything about the rows; their places are kept, to name those that repeat one another."""
    wheres: list[str] = []
    sample = Sample(told.sample if told.model else 0)

    def kept() -> Iterator[Placed]:
        for placed in sample.of(rows):
            wheres.append(placed[0])
            yield placed

    parts = tallies(kept(), jobs=told.jobs, tick=lambda n: told.tick("rows", n))
    sketches = [part.sketches for part in parts if part.sketches is not None]
    return _Found(merged(parts), group(sketches), wheres, sample.rows)


def _scored(found: _Found, told: _Settings) -> Affinity | None:
    if told.model is None:
        return None
    return self_affinity(found.drawn, told.model, level=told.level, tick=lambda n: told.tick("scored", n))


def _audit(name: str, sha256: str, layout: str, read: _Read, found: _Found, told: _Settings) -> Audit:
    tally, copies, level = found.tally, found.copies, told.level
    group_N = copies.near.group_R if copies.near.n_groups else None
    return Audit(
        name=name,
        sha256=sha256,
        layout=layout,
        n_records=read.n + read.rejected,
        n_rows=len(tally.risk_N),
        rejected=read.rejected,
        reject_examples=read.in_order(),
        labels=label_shares(tally, group_N, level, measured_error),
        lengths=lengths(tally),
        duplicates=_duplicates(copies, found.wheres, level),
        ranking=ranking(tally, "structure_maths_length", RISK_ABOUT),
        affinity=_scored(found, told),
        level=level,
        notes=_notes(copies, len(tally.risk_N)),
    )


def _duplicates(copies: NearDuplicates, wheres: Sequence[str], level: float) -> Duplicates:
    """Rows beyond the first of each group, and the places of some."""
    near = copies.near
    extra_N = np.zeros(len(near.group_R), np.bool_)
    _, first = np.unique(near.group_R, return_index=True)
    extra_N[:] = True
    extra_N[first] = False
    examples = tuple(tuple(wheres[place] for place in places) for places in near.examples)
    return Duplicates(
        copies.exact.n_extra,
        copies.prompt.n_extra,
        share_of(extra_N, near.group_R if near.n_groups else None, level),
        near.n_groups,
        near.largest,
        RULE,
        examples,
    )


def _notes(copies: NearDuplicates, n: int) -> tuple[str, ...]:
    notes = [
        "Counts are exact for this file. Limits are for the share among rows from where these come, as if these "
        "were drawn from there at random; near-duplicates count as drawn together.",
        "Detectors are rules for English text, each with the error on its card: `aftertune show detector <name>`.",
    ]
    if copies.near.n_rows > n / 10:
        notes.append(f"{copies.near.n_rows:,} of {n:,} rows nearly repeat another: limits are wider for it.")
    return tuple(notes)
