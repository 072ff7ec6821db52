"""Messages: conversations of many turns, each with `role` and `content`, as in the OpenAI chat format."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources._turns import ROLE_KEYS, role_turn, written
from aftertune.data.sources.base import Fields, Layout, lists_turns, turn_list
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return bool(_column(fields)) and "chosen" not in fields


def _column(fields: Fields) -> str:
    """Some files on the hub keep such turns under ShareGPT's column name."""
    return next((name for name in ("messages", "conversations") if lists_turns(fields.get(name), ROLE_KEYS)), "")


def _read(fields: Fields) -> tuple[Turn, ...]:
    column = _column(fields) or "messages"
    return tuple(role_turn(turn, column) for turn in turn_list(fields, column, ROLE_KEYS))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    made: dict[str, Any] = dict(fields) if fields is not None else {"id": row.id, "messages": []}
    column = _column(made) or ("messages" if "messages" in made or "conversations" not in made else "conversations")
    if _read(made) != row.turns or column not in made:
        made[column] = written(row.turns, turn_list(made, column, ROLE_KEYS), ROLE_KEYS)
    return made


def _template(fields: Fields) -> dict[str, Any]:
    return {name: [] for name in (_column(fields) or "messages",)}


LAYOUT = Layout(
    version="1",
    about="Conversations of many turns with `role` (system, user, assistant) and `content` (OpenAI style).",
    columns=("messages",),
    optional=("id",),
    matches=_matches,
    read=_read,
    write=_write,
    template=_template,
)
