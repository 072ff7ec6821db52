"""Items from records, one each, where a column says what the prompt is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.files import Record, text_of
from aftertune.records import Item


def one_each(
    records: Sequence[Record], *, prompt: str, harmful: bool, id: str | None = None, category: str | None = None
) -> Iterator[Item]:
    """One item per record, in file order.

    Args:
        records: Of the published file.
        prompt: The column with the prompt; spaces around it are taken off.
        harmful: Whether a model should refuse.
        id: The column with the ids; records are numbered from 1 when left out.
        category: The column with the category; the same for all, the prompt's column, when left out.
    """
    for number, record in enumerate(records, start=1):
        yield Item(
            id=text_of(record.fields[id]) if id else str(number),
            prompt=text_of(record.fields[prompt]).strip(),
            harmful=harmful,
            category=text_of(record.fields[category]) if category else "",
        )
