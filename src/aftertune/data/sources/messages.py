"""Messages: conversations of many turns, each with `role` and `content`, as in the OpenAI chat format."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, lists_turns, turn_list
from aftertune.errors import DataError
from aftertune.records import Role, Row, Turn

_KEYS = ("role", "content")
_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "model": "assistant",
}


def _matches(fields: Fields) -> bool:
    return bool(_column(fields)) and "chosen" not in fields


def _column(fields: Fields) -> str:
    """Some files on the hub keep such turns under ShareGPT's column name."""
    return next((name for name in ("messages", "conversations") if lists_turns(fields.get(name), _KEYS)), "")


def _read(fields: Fields) -> tuple[Turn, ...]:
    return tuple(_turn(turn) for turn in turn_list(fields, _column(fields) or "messages", _KEYS))


def _turn(turn: Fields) -> Turn:
    role = turn["role"]
    if role not in _ROLES:
        raise DataError(
            f"column 'messages': a turn has the role {role!r}; known: {', '.join(_ROLES)}",
            "rename the role, or remove that row",
        )
    return Turn(_ROLES[role], _content(turn))


def _content(turn: Fields) -> str:
    """Text, or a list of text parts."""
    parts = turn.get("content")
    if not isinstance(parts, list):
        return cell(turn, "content")
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in parts):
        raise DataError("column 'messages': a turn holds parts that are no text", "remove that row")
    return "".join(cell(part, "text") for part in parts)


def _write(row: Row) -> dict[str, Any]:
    turns = [{"role": turn.role, "content": turn.content} for turn in row.turns]
    return {"id": row.id, "messages": turns}


LAYOUT = Layout(
    version="1",
    about="Conversations of many turns with `role` (system, user, assistant) and `content` (OpenAI style).",
    columns=("messages",),
    optional=("id",),
    matches=_matches,
    read=_read,
    write=_write,
)
