"""What a source layout file defines.

A layout knows columns and turns. It knows no files: the loader adds the place to its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    Given the record that the row was read from, only what changed is written into a copy of it: columns that the
    layout does not read stay, and so do order, types and texts of turns that are the same. None makes a new record.

    Raises:
        DataError: the layout cannot hold this row, such as many turns in question and answer.
    """

    def __call__(self, row: Row, fields: Fields | None = None, /) -> dict[str, Any]:
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
        write: From a row, and the record it was read from, to a record's fields.
        id_column: The column with a record's own id.
        split: From a record that holds several conversations to one record for each; None where it holds one.
        join: The way back: from the records that `split` made of one record, as they are now, to the fewest
            records that hold them all. None where `split` is.
        template: From a record of a file to one without text, in the same variant of the layout, for `write` to
            make a new record of; None where the layout has no variants.
    """

    version: str
    about: str
    columns: tuple[str, ...]
    matches: Matches
    read: Read
    write: Write
    optional: tuple[str, ...] = ()
    id_column: str = "id"
    split: Callable[[Fields], Sequence[dict[str, Any]]] | None = None
    join: Callable[[Sequence[Fields]], list[dict[str, Any]]] | None = None
    template: Callable[[Fields], dict[str, Any]] | None = None


def one_exchange(prompt: str, answer: str, *, system: str = "", context: str = "") -> tuple[Turn, ...]:
    """A question with its answer; the context follows the question after a blank line.

    >>> [(turn.role, turn.content) for turn in one_exchange("Sum up.", "Short.", context="Long.")]
    [('user', 'Sum up.\\n\\nLong.'), ('assistant', 'Short.')]
    """
    asked = prompt if not context or context.isspace() else f"{prompt}\n\n{context}"
    if system and not system.isspace():
        return Turn("system", system), Turn("user", asked), Turn("assistant", answer)
    return Turn("user", asked), Turn("assistant", answer)


def only_exchange(row: Row, layout: str) -> tuple[str, str]:
    """The question and the answer of a row that has nothing else.

    Raises:
        DataError: the row has a system turn or more than one exchange.
    """
    if [turn.role for turn in row.turns] != ["user", "assistant"]:
        raise cannot_hold(row, layout, "one question and one answer")
    return row.turns[0].content, row.turns[1].content


def cannot_hold(row: Row, layout: str, holds: str) -> DataError:
    """The error for a row that does not go into a layout."""
    roles = ", ".join(turn.role for turn in row.turns) or "none"
    return DataError(
        f"row {row.id}: the {layout} layout holds {holds}, and the row has the turns {roles}",
        "write it in the `messages` layout",
    )


def cell(fields: Fields, column: str) -> str:
    """The text of a column, empty when the record does not have it.

    Raises:
        DataError: the value is no text; names the column.
    """
    value = fields.get(column)
    if type(value) is str:
        return value
    try:
        return text_of(value)
    except DataError as error:
        raise DataError(f"column {column!r}: {error.message}", error.fix) from error


def with_text(fields: dict[str, Any], column: str, text: str) -> None:
    """Put a text into a column, unless that is what the column says already, as a number or a null perhaps."""
    if cell(fields, column) != text:
        fields[column] = text


def with_prompt(fields: dict[str, Any], prompt: str, column: str, context: str) -> None:
    """Put a prompt into the two columns that `one_exchange` made it of, changing as few of them as it can.

    What was put before the prompt goes into the first column, what was put after it into the second.
    """
    asked, more = with_context(prompt, cell(fields, column), cell(fields, context))
    with_text(fields, column, asked)
    if more or cell(fields, context).strip():
        with_text(fields, context, more)


def with_context(prompt: str, asked: str, context: str) -> tuple[str, str]:
    r"""Take a prompt apart into a question and its context, given what they were.

    >>> with_context("Please sum up.\n\nLong.", "Sum up.", "Long.")
    ('Please sum up.', 'Long.')
    >>> with_context("Sum up.\n\nLong.\n\nBe brief.", "Sum up.", "Long.")
    ('Sum up.', 'Long.\n\nBe brief.')
    >>> with_context("Something else", "Sum up.", "Long.")
    ('Something else', '')
    """
    if not context.strip():
        return prompt, ""
    if prompt.endswith(f"\n\n{context}"):
        return prompt[: -len(context) - 2], context
    if prompt.startswith(f"{asked}\n\n") and prompt[len(asked) + 2 :].strip():
        return asked, prompt[len(asked) + 2 :]
    return prompt, ""


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
