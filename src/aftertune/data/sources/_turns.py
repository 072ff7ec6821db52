"""Lists of turns in a column: `role` and `content`, or `from` and `value`, read and written back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aftertune.data.sources.base import Fields, cell
from aftertune.errors import DataError
from aftertune.records import Role, Row, Turn

ROLE_KEYS = ("role", "content")
FROM_KEYS = ("from", "value")
ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "model": "assistant",
}
SPEAKERS: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "system": "system",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bing": "assistant",
    "bard": "assistant",
}
_FIRST_NAMES: dict[tuple[str, str], dict[Role, str]] = {
    ROLE_KEYS: {"user": "user", "assistant": "assistant", "system": "system"},
    FROM_KEYS: {"user": "human", "assistant": "gpt", "system": "system"},
}


def role_turn(turn: Fields, column: str = "messages") -> Turn:
    """A turn with `role` and `content`.

    Raises:
        DataError: the role is none we know, or the content is no text.
    """
    role = turn.get("role")
    known = ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise DataError(
            f"column {column!r}: a turn has the role {role!r}; known: {', '.join(ROLES)}",
            "rename the role, or remove that row",
        )
    return Turn(known, _content(turn, column))


def from_turn(turn: Fields, column: str = "conversations") -> Turn:
    """A turn with `from` and `value`.

    Raises:
        DataError: the speaker is none we know, or the value is no text.
    """
    speaker = turn.get("from")
    known = SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    if known is None:
        raise DataError(
            f"column {column!r}: a turn is from {speaker!r}; known: {', '.join(SPEAKERS)}",
            "rename the speaker, or remove that row",
        )
    return Turn(known, _text(turn, "value", column))


def _content(turn: Fields, column: str) -> str:
    """Text, or a list of text parts."""
    parts = turn.get("content")
    if not isinstance(parts, list):
        return _text(turn, "content", column)
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in parts):
        raise DataError(f"column {column!r}: a turn holds parts that are no text", "remove that row")
    return "".join(_text(part, "text", column) for part in parts)


def _text(turn: Fields, key: str, column: str) -> str:
    value = turn.get(key)
    if type(value) is str:
        return value
    try:
        return cell(turn, key)
    except DataError as error:
        raise DataError(f"column {column!r}: {error.message.removeprefix('column ')}", error.fix) from error


def written(turns: Sequence[Turn], old: Sequence[Fields], keys: tuple[str, str]) -> list[dict[str, Any]]:
    """Turns as a list for a column: the old objects where a turn is the same, with other keys kept where it changed.

    Args:
        turns: What the column is to say.
        old: What it lists now.
        keys: Which keys the objects have.
    """
    read: Callable[[Fields], Turn] = role_turn if keys == ROLE_KEYS else from_turn
    before = [read(turn) for turn in old]
    names = {**_FIRST_NAMES[keys], **_names(before, old, keys[0])}
    takes_over = paired(before, turns)
    made = []
    for turn, place in zip(turns, takes_over, strict=True):
        if place is None:
            made.append({keys[0]: names[turn.role], keys[1]: turn.content})
        else:
            made.append(said(turn, before[place], old[place], keys[1]))
    return made


def _names(turns: Sequence[Turn], old: Sequence[Fields], key: str) -> dict[Role, str]:
    """What this column calls each role that speaks in it."""
    return {turn.role: raw[key] for turn, raw in zip(reversed(turns), reversed(old), strict=True)}


def said(turn: Turn, before: Turn, old: Fields, key: str) -> dict[str, Any]:
    """An object for a turn: the old one, with another text if that changed."""
    made = dict(old)
    if turn != before:
        parts = isinstance(old.get(key), list)
        made[key] = [{"type": "text", "text": turn.content}] if parts else turn.content
    return made


def paired(before: Sequence[Turn], after: Sequence[Turn]) -> list[int | None]:
    """For each turn after a change, the place of the turn before it that it takes over; None for a new one.

    >>> a, b, c = Turn("user", "a"), Turn("assistant", "b"), Turn("assistant", "c")
    >>> paired([a, b], [Turn("system", "s"), a, c])
    [None, 0, 1]
    """
    head = _n_system(before), _n_system(after)
    places: list[int | None] = [place if place < head[0] else None for place in range(head[1])]
    old, new = before[head[0] :], after[head[1] :]
    if [turn.role for turn in old] == [turn.role for turn in new]:
        return [*places, *range(head[0], len(before))]
    shorter = min(len(old), len(new))
    n_same = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    most = shorter - n_same
    at_end = next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)
    middle: list[int | None] = [None] * (len(new) - n_same - at_end)
    first, last = range(head[0], head[0] + n_same), range(len(before) - at_end, len(before))
    return [*places, *first, *middle, *last]


def _n_system(turns: Sequence[Turn]) -> int:
    return next((place for place, turn in enumerate(turns) if turn.role != "system"), len(turns))


def with_system(row: Row, fields: Fields, column: str) -> tuple[dict[str, Any], tuple[Turn, ...]]:
    """Put a row's system turn into a record's `system` column where it belongs there; the turns that are left.

    A system turn that stands in the list of turns stays there.
    """
    made, turns = dict(fields), row.turns
    in_list = any(turn.get("from") == "system" for turn in (fields.get(column) or [])[:1])
    said_before = cell(fields, "system")
    if "system" not in fields or in_list and not said_before.strip():
        return made, turns
    leads = bool(turns) and turns[0].role == "system" and bool(turns[0].content.strip())
    text = turns[0].content if leads else ""
    if text != said_before and (text or said_before.strip()):
        made["system"] = text
    return made, turns[1:] if leads else turns
