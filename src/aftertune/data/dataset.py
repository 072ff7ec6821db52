"""A loaded data set: its rows, beside the records they came from, so that it can be changed and written back.

Rows that do not change are written as they were read, to the byte where their file has text; of a changed row only
the columns whose text changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from aftertune.data.build import Changes, Difference, Writer, build_training_set
from aftertune.data.difference import diff_text
from aftertune.data.layouts import Known, chosen_layout
from aftertune.data.piece import Piece
from aftertune.data.place import FilePlace, Place, place_of
from aftertune.data.reading import PEEKED, Reading, reader_of, whole
from aftertune.data.source import Source, repeated_prompts, source_of, with_ids
from aftertune.data.transforms.base import Answer
from aftertune.data.writing import ParquetStyle, Style, replaced, same_kind, style_of, usual_style, write_pieces
from aftertune.errors import DataError
from aftertune.files import Record, file_kind, stream_texts
from aftertune.records import Row


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its rows.

    Attributes:
        record: The record.
        readings: Its rows, without an answer or with.
        number: Which record of the file it is, from 0; None for a new one.
        text: Its text in the file, where that is not how its style writes it.
    """

    record: Record
    readings: tuple[Reading, ...]
    number: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Instruction data, loaded.

    Attributes:
        place: Where they come from.
        source: The rows with an answer, with what there is to say about them.
        entries: All records in file order with their rows, those without an answer included; new ones at the end.
        known: The layout.
        style: How the file is written; None where it was no single file.
    """

    place: Place
    source: Source
    entries: tuple[Entry, ...]
    known: Known
    style: Style | None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows with an answer."""
        return self.source.rows

    @property
    def layout(self) -> str:
        """The layout's name; "columns" when the columns were named."""
        return self.known.name

    @property
    def records(self) -> tuple[Record, ...]:
        """All records as they would be written."""
        return tuple(entry.record for entry in self.entries)

    def where(self) -> dict[str, str]:
        """Each row's place in the file it was read from, by its id."""
        return {
            reading.row.id: entry.record.where
            for entry in self.entries
            if entry.number is not None
            for reading in entry.readings
        }

    def with_rows(self, rows: Sequence[Row]) -> Dataset:
        """The data set with other rows.

        A row is told by its id. Known ones are written into the record they came from, those that are missing are
        taken out, and new ones get records of their own at the end; rows without an answer stay. The order of
        known rows is that of the file.

        Raises:
            DataError: an id is there twice, or the layout cannot hold a row.
        """
        by_id = {row.id: row for row in rows}
        if len(by_id) < len(rows):
            raise DataError("two rows have the same id", "make the ids unique")
        entries = [new for entry in self.entries for new in self._renewed(entry, by_id)]
        known = {reading.row.id for entry in self.entries for reading in entry.readings}
        entries += [self._added(row) for row in rows if row.id not in known]
        kept = tuple(reading.row for entry in entries for reading in entry.readings if reading.answered)
        source = replace(self.source, rows=kept, n_duplicate=repeated_prompts(kept))
        return replace(self, source=source, entries=tuple(entries))

    def transform(
        self,
        specs: Sequence[Mapping[str, Any]],
        *,
        seed: int = 0,
        answer: Answer | Mapping[Writer, Answer] | None = None,
    ) -> Transformed:
        """Apply transforms in order.

        Args:
            specs: Each `{"name": ..., **parameters}`, as in a study.
            seed: Fixes everything random in them.
            answer: The model that transforms such as `self_answers` have write, or one for each writer they name.

        Raises:
            DataError: the layout cannot hold a changed row, no row is left, or a model is needed and there is none.
            UnknownName, SpecError: a transform does not exist or cannot be told that.
        """
        made = build_training_set(self.source, specs, rows=None, seed=seed, answer=answer)
        return Transformed(self.with_rows(made.rows), self, made.changes, made.diff)

    def write(self, path: Path | str) -> None:
        """Write the data set in its own layout, in one step.

        A file of the same kind is written as the one it came from: form, indentation, escapes, delimiter, line ends,
        types. Under a name with another suffix it is written in that kind's usual way, packed where it ends in .gz.

        Raises:
            DataError: this kind of file is not written, or cannot hold a record.
            StoreError: the folder cannot be written, or the disk is full.
        """
        path = Path(path)
        write_pieces(path, self._style_for(path), self._pieces(path))

    def _style_for(self, path: Path) -> Style:
        same = isinstance(self.place, FilePlace) and same_kind(self.place.path, path)
        return self.style if same and self.style is not None else usual_style(file_kind(path))

    def _pieces(self, path: Path) -> list[Piece]:
        same = self._style_for(path) is self.style
        return [Piece(entry.record.fields, entry.number, entry.text if same else None) for entry in self.entries]

    def _renewed(self, entry: Entry, rows: Mapping[str, Row]) -> list[Entry]:
        """The record with what has become of its rows: itself, another, several, or none."""
        now = [(reading, rows.get(reading.row.id)) for reading in entry.readings]
        if all(row is not None and row.turns == reading.row.turns or _stays(reading, row) for reading, row in now):
            return [entry]
        if self.known.form.split is None:
            (reading, row), *_ = now
            return [] if row is None else [self._changed(entry, entry.record.fields, [(reading, row)])]
        return self._rejoined(entry, now)

    def _changed(self, entry: Entry, fields: Mapping[str, Any], rows: Sequence[tuple[Reading, Row]]) -> Entry:
        """A record of one row, with that row's new turns."""
        (reading, row), *_ = rows
        made = self._written(whole(reading, row), fields)
        return self._checked(replace(entry, record=Record(made, entry.record.where), text=None), [row])

    def _rejoined(self, entry: Entry, now: Sequence[tuple[Reading, Row | None]]) -> list[Entry]:
        """A record of several rows with those that are left; several records where one cannot hold them."""
        form = self.known.form
        assert form.split is not None
        assert form.join is not None
        parts, kept = [], []
        for part, (reading, row) in zip(form.split(entry.record.fields), now, strict=True):
            if row is not None or _stays(reading, row):
                kept.append(row or reading.row)
                parts.append(part if row is None else self._written(whole(reading, row), part))
        made = form.join(parts)
        entries, start = [], 0
        for place, fields in enumerate(made):
            mine = kept[start : start + len(form.split(fields))]
            start += len(mine)
            if len(made) > 1 and form.id_column in fields:
                fields[form.id_column] = mine[0].id
            new = Entry(Record(fields, entry.record.where), (), entry.number if place == 0 else None)
            entries.append(self._checked(new, mine))
        return entries

    def _added(self, row: Row) -> Entry:
        """A new record like the others."""
        form, first = self.known.form, self.entries[0].record.fields
        made = self._written(row, form.template(first) if form.template else None)
        if form.id_column in first and self.entries[0].readings[0].own_id:
            made[form.id_column] = row.id
        fields = {name: made[name] for name in first if name in made}
        fields |= {
            name: value for name, value in made.items() if name not in first and value and name != form.id_column
        }
        return self._checked(Entry(Record(fields, f"row {row.id}"), ()), [row])

    def _written(self, row: Row, fields: Mapping[str, Any] | None) -> dict[str, Any]:
        return self.known.form.write(row, fields)

    def _checked(self, entry: Entry, rows: Sequence[Row]) -> Entry:
        """The record, read again: what comes out must be what went in."""
        found = reader_of(self.known)(entry.record, 0)
        if [reading.row.turns for reading in found if reading.row.turns] != [row.turns for row in rows if row.turns]:
            raise DataError(
                f"row {rows[0].id}: the {self.known.name} layout would give other turns back than it is to hold",
                "write it in the `messages` layout",
            )
        same = zip(found, rows, strict=True)
        return replace(entry, readings=tuple(one._replace(row=Row(row.id, one.row.turns)) for one, row in same))


@dataclass(frozen=True, slots=True)
class Transformed:
    """A data set after transforms.

    Attributes:
        dataset: The rows as they are now.
        before: The data set they were applied to.
        changes: What each transform did, in order.
        diff: The rows that are not as before.
    """

    dataset: Dataset
    before: Dataset
    changes: tuple[Changes, ...]
    diff: tuple[Difference, ...]

    def diff_text(self, n_rows: int = 1000) -> str:
        """The changed rows, for reading: lines taken out and put in, control characters made visible."""
        return diff_text(self.diff, self.before.where(), n_rows)

    def write(self, out: Path | str, diff: Path | str | None = None) -> None:
        """Write the data set as it is now, and where `diff` names a file, what changed; both or neither.

        Raises:
            DataError: this kind of file is not written, or cannot hold a record.
            StoreError: a folder cannot be written, or the disk is full.
        """
        if diff is None:
            self.dataset.write(out)
            return
        with replaced(Path(diff)) as file:
            file.write(self.diff_text().encode("utf-8"))
            self.dataset.write(out)


def load(
    path: Path | str | Place,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    allow_empty: float = 1.0,
    split: str | None = None,
) -> Dataset:
    """Load instruction data, to look at, transform and write back.

    Takes what `load_source` takes, but rows without an answer may be many: they are no `rows`, and are written back as
    they are. Every record is kept beside its row, which takes about five times the memory
    that the file has bytes; to look at very large files row by row there is `aftertune.data.reading.stream_rows`.

    Raises:
        DataError: the file is broken, in no layout or in several, ids repeat, a prompt is missing, too
            many rows have no answer, or no row is left.
        UnknownName: no layout has that name.
    """
    place = place_of(path, split)
    is_file = isinstance(place, FilePlace)
    found = list(stream_texts(place.path)) if isinstance(place, FilePlace) else [(one, "") for one in place.records()]
    records, texts = [record for record, _ in found], [text for _, text in found]
    known = chosen_layout(place, records[:PEEKED], layout, columns)
    readings = with_ids(place, _readings(place, known, records))
    source = source_of(place, known.name, readings, allow_empty)
    style = style_of(place.path, records, texts) if isinstance(place, FilePlace) and is_file else None
    numbered = zip(count(), records, readings, texts, strict=False)
    entries = tuple(
        Entry(record, rows, number, _own_text(style, record, text)) for number, record, rows, text in numbered
    )
    return Dataset(place, source, entries, known, style)


def _readings(place: Place, known: Known, records: Sequence[Record]) -> list[tuple[Reading, ...]]:
    read_one, found = reader_of(known), []
    for number, record in enumerate(records, start=1):
        try:
            found.append(read_one(record, number))
        except DataError as error:
            raise DataError(f"{place.at(record)}: {error.message}", error.fix) from error
    return found


def _own_text(style: Style | None, record: Record, text: str) -> str | None:
    """The text to keep: none where the style writes the same anyway."""
    if not text or style is None or isinstance(style, ParquetStyle):
        return None
    try:
        return None if style.written(record.fields) == text else text
    except DataError:
        return text


def _stays(reading: Reading, row: Row | None) -> bool:
    return row is None and not reading.answered


def transform(
    data: Dataset | Path | str,
    specs: Sequence[Mapping[str, Any]],
    *,
    seed: int = 0,
    answer: Answer | Mapping[Writer, Answer] | None = None,
) -> Transformed:
    """Apply transforms to a data set, or to the file it is in; see `Dataset.transform`."""
    return (data if isinstance(data, Dataset) else load(data)).transform(specs, seed=seed, answer=answer)
