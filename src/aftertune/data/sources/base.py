"""What a source layout file defines.

A layout knows columns and turns. It knows no files: the loader adds the place to its errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aftertune.errors import DataError
from aftertune.files import text_of
from aftertune.records import Row, Turn

Fields = Mapping[str, Any]


class Matches(Protocol):
    """Says whether a file is in this layout, given one value for every column the file has."""

    def __call__(self, fields: Fields, /) -> bool:
        """True when the columns are this layout's."""


class Read(Protocol):
    """Turns one record into turns, all that it holds: the loader sorts out rows without an answer.

    Raises:
        DataError: a value is of the wrong kind; without the place.
    """

    def __call__(self, fields: Fields, /) -> tuple[Turn, ...]:
        """The turns of the record, in order."""


class Write(Protocol):
    """Turns a row back into a record. Reading that record again gives the same turns.

    Raises:
        DataError: the layout cannot hold this row, such as many turns in question and answer.
    """

    def __call__(self, row: Row, /) -> dict[str, Any]:
        """The record's fields."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A named, versioned way to write conversations into rows.

    Attributes:
        version: Raised whenever the turns read from a record can change.
        about: What it is, in one sentence.
        columns: The columns it needs.
        optional: The columns it also reads.
        matches: Whether a file is in it.
        read: From a record's fields to turns.
        write: From a row to a record's fields.
    """

    version: str
    about: str
    columns: tuple[str, ...]
    matches: Matches
    read: Read
    write: Write
    optional: tuple[str, ...] = ()


def one_exchange(prompt: str, answer: str, *, system: str = "", context: str = "") -> tuple[Turn, ...]:
    """A question with its answer; the context follows the question after a blank line.

    >>> [(turn.role, turn.content) for turn in one_exchange("Sum up.", "Short.", context="Long.")]
    [('user', 'Sum up.\\n\\nLong.'), ('assistant', 'Short.')]
    """
    asked = f"{prompt}\n\n{context}" if context.strip() else prompt
    head = (Turn("system", system),) if system.strip() else ()
    return (*head, Turn("user", asked), Turn("assistant", answer))


def only_exchange(row: Row, layout: str) -> tuple[str, str]:
    """The question and the answer of a row that has nothing else.

    Raises:
        DataError: the row has a system turn or more than one exchange.
    """
    if [turn.role for turn in row.turns] != ["user", "assistant"]:
        raise DataError(
            f"row {row.id}: the {layout} layout holds one question and one answer, and the row has the "
            f"turns {', '.join(turn.role for turn in row.turns)}",
            "write it in the `messages` layout",
        )
    return row.turns[0].content, row.turns[1].content


def cell(fields: Fields, column: str) -> str:
    """The text of a column, empty when the record does not have it.

    Raises:
        DataError: the value is no text; names the column.
    """
    try:
        return text_of(fields.get(column))
    except DataError as error:
        raise DataError(f"column {column!r}: {error.message}", error.fix) from error


def turn_list(fields: Fields, column: str, keys: tuple[str, str]) -> Sequence[Fields]:
    """The turns a column lists, as mappings with two keys.

    Raises:
        DataError: the column holds no list of such objects.
    """
    value = fields.get(column)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(turn, dict) and keys[0] in turn for turn in value):
        raise DataError(
            f"column {column!r}: want a list of turns with {keys[0]!r} and {keys[1]!r}",
            "correct or remove that row",
        )
    return value


def lists_turns(value: Any, keys: tuple[str, str]) -> bool:
    """Whether a value is a list of objects with these keys."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and set(keys) <= set(value[0])
