"""ShareGPT: conversations of many turns, each with `from` and `value`.

Files of preference pairs share the column and are not this layout: their answers lie in other columns.
"""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, lists_turns, turn_list
from aftertune.errors import DataError
from aftertune.records import Role, Row, Turn

_KEYS = ("from", "value")
_ROLES: dict[str, Role] = {
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


def _matches(fields: Fields) -> bool:
    return lists_turns(fields.get("conversations"), _KEYS) and "chosen" not in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    system = cell(fields, "system")
    head = (Turn("system", system),) if system.strip() else ()
    return (*head, *(_turn(turn) for turn in turn_list(fields, "conversations", _KEYS)))


def _turn(turn: Fields) -> Turn:
    speaker = turn["from"]
    if speaker not in _ROLES:
        raise DataError(
            f"column 'conversations': a turn is from {speaker!r}; known: {', '.join(_ROLES)}",
            "rename the speaker, or remove that row",
        )
    return Turn(_ROLES[speaker], cell(turn, "value"))


def _write(row: Row) -> dict[str, Any]:
    speakers = {"user": "human", "assistant": "gpt", "system": "system"}
    turns = [{"from": speakers[turn.role], "value": turn.content} for turn in row.turns]
    return {"id": row.id, "conversations": turns}


LAYOUT = Layout(
    version="1",
    about="Conversations of many turns with `from` (human, gpt, system) and `value` (ShareGPT).",
    columns=("conversations",),
    optional=("id", "system"),
    matches=_matches,
    read=_read,
    write=_write,
)
