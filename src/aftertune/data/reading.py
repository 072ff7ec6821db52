"""Read a data file row by row as conversations, in a layout found from its first records.

Nothing is repaired: a row is used as it is, or refused with its place. Nothing is counted or held either; that is
`load_source`'s work, or the audit's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from aftertune.data.layouts import Known, chosen_layout
from aftertune.data.place import Place, place_of
from aftertune.data.sources.base import Fields
from aftertune.errors import DataError
from aftertune.files import Record, Reject, Rejects, text_of
from aftertune.records import Row, Turn

PEEKED = 200


class Reading(NamedTuple):
    """One conversation, and what its record holds around it.

    Attributes:
        row: The turns from the first prompt to the last answer; its id is the record's own, or its number in the
            file. It has no answer, and perhaps no turns, when `answered` is false.
        answered: Whether its last turn is an answer with text.
        before: Assistant turns that stood before the first prompt.
        after: Turns that stood after the last answer.
        record: Where it comes from.
        own_id: Whether the id is the record's own.
    """

    row: Row
    answered: bool
    before: tuple[Turn, ...]
    after: tuple[Turn, ...]
    record: Record
    own_id: bool


class RowStream:
    """The conversations of a file, to be gone through once.

    Attributes:
        layout: The layout's name; "columns" when the columns were named.
        form: The layout.
        place: Where they come from.
    """

    def __init__(
        self, place: Place, known: Known, records: Iterator[tuple[int, Record]], rejects: Rejects | None
    ) -> None:
        self.layout, self.form, self.place = known.name, known.form, place
        self._known, self._records, self._rejects = known, records, rejects

    def __iter__(self) -> Iterator[Reading]:  # noqa: D105
        for readings in self.by_record():
            yield from readings

    def by_record(self) -> Iterator[tuple[Reading, ...]]:
        """The conversations of each record: one, or several where a layout's records hold several."""
        read_one = reader_of(self._known)
        for number, record in self._records:
            try:
                yield read_one(record, number)
            except DataError as error:
                if self._rejects is None:
                    raise DataError(f"{self.place.at(record)}: {error.message}", error.fix) from error
                self._rejects(Reject(record.where, error.message))


def _numbered(place: Place, rejects: Rejects | None) -> Iterator[tuple[int, Record]]:
    """Records with their numbers in the file; a row that is skipped has a number too."""
    n_rejected = 0

    def count(reject: Reject) -> None:
        nonlocal n_rejected
        n_rejected += 1
        if rejects is not None:
            rejects(reject)

    records = place.records(count if rejects is not None else None)
    for n_read, record in enumerate(records, start=1):
        yield n_read + n_rejected, record


def stream_rows(
    path: Path | str | Place,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    rejects: Rejects | None = None,
) -> RowStream:
    """Read instruction data row by row, without holding it.

    Args:
        path: A data file, a folder of them, or a folder saved by `datasets`.
        layout: A layout's name, or "auto" to find the one that fits the first records.
        columns: Which column is what, for files in no known layout: `prompt` and `answer`, and if there
            are any `system` and `context`. Overrides `layout`.
        split: Which split, for a folder with several.
        rejects: Is told of each bad row, which is then skipped; left out, the first one is an error. Beside what
            `files.stream_records` counts as bad these are rows of another layout than those before, values
            of a wrong kind, and answers without a prompt.

    Raises:
        DataError: the file is broken or in no layout, or, while it is read, a row is bad and `rejects` left out.
        UnknownName: no layout has that name.
    """
    place = place_of(path, split)
    records = _numbered(place, rejects)
    first = list(islice(records, PEEKED))
    known = chosen_layout(place, [record for _, record in first], layout, columns)
    return RowStream(place, known, chain(first, records), rejects)


def reader_of(known: Known) -> Callable[[Record, int], tuple[Reading, ...]]:
    """A function from a record and its number to its conversations.

    It raises DataError, without the place, for a row of another layout, a value of a wrong kind, or an answer
    without a prompt.
    """
    form, split = known.form, known.form.split
    matches, read, id_column = form.matches, form.read, form.id_column

    def read_one(record: Record, number: int) -> tuple[Reading, ...]:
        fields = record.fields
        if not matches(fields):
            known.refuse_other(fields)
        own = own_id(fields, id_column)
        id_ = own or str(number)
        if split is None:
            return (_kept(read(fields), id_, record, bool(own)),)
        parts = split(fields)
        ids = [id_] if len(parts) == 1 else [f"{id_}/{n}" for n in range(1, len(parts) + 1)]
        return tuple(_kept(read(part), name, record, bool(own)) for part, name in zip(parts, ids, strict=True))

    return read_one


def own_id(fields: Fields, column: str) -> str:
    """A record's own id; empty when it has none."""
    value = fields.get(column)
    return text_of(value).strip() if isinstance(value, str | int) else ""


def _kept(turns: tuple[Turn, ...], id_: str, record: Record, own: bool) -> Reading:
    """One conversation from its first prompt to its last answer."""
    before: tuple[Turn, ...] = ()
    after: tuple[Turn, ...] = ()
    if len(turns) != 2 or turns[0].role != "user" or turns[1].role != "assistant":
        before, turns, after = _cut(turns)
    if not turns or not turns[-1].content or turns[-1].content.isspace():
        return Reading(Row(id_, turns), False, before, after, record, own)
    _check_prompt(turns)
    return Reading(Row(id_, turns), True, before, after, record, own)


def _cut(turns: Sequence[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...], tuple[Turn, ...]]:
    first = next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))
    start = first
    while start < len(turns) - 1 and turns[start].role == "assistant":
        start += 1  # a conversation cut out of a longer one opens with the end of an answer
    end = len(turns)
    while end > start and turns[end - 1].role != "assistant":
        end -= 1
    if end == start and start:  # nobody answers; system turns alone are no conversation
        return tuple(turns[first:start]), (), tuple(turns[:first]) + tuple(turns[start:])
    return tuple(turns[first:start]), (*turns[:first], *turns[start:end]), tuple(turns[end:])


def whole(reading: Reading, row: Row) -> Row:
    """A row, perhaps changed, with the turns that reading cut off around it, for a layout to write.

    System turns of the row come first, then what stood before the first prompt.
    """
    if not reading.before and not reading.after:
        return row
    turns = row.turns
    n_system = next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))
    return Row(row.id, (*turns[:n_system], *reading.before, *turns[n_system:], *reading.after))


def _check_prompt(turns: Sequence[Turn]) -> None:
    for turn in reversed(turns):
        if turn.role == "user":
            if turn.content and not turn.content.isspace():
                return
            break
    raise DataError("there is an answer and no prompt", "fill in the prompt, or remove the row")
