"""A record on its way into a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A record to write.

    Attributes:
        fields: Its columns.
        place: Which record of the file it was read from it is, from 0; None for a new one.
        text: The text it has in that file, where writing it would give another; None otherwise.
    """

    fields: Mapping[str, Any]
    place: int | None = None
    text: str | None = None
