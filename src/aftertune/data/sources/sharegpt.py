"""ShareGPT: conversations of many turns, each with `from` and `value`.

Files of preference pairs share the column and are not this layout: their answers lie in other columns.
"""

from __future__ import annotations

from typing import Any

from aftertune.data.sources._turns import FROM_KEYS, from_turn, with_system, written
from aftertune.data.sources.base import Fields, Layout, cell, lists_turns, turn_list
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return lists_turns(fields.get("conversations"), FROM_KEYS) and "chosen" not in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    system = cell(fields, "system")
    head = (Turn("system", system),) if system.strip() else ()
    return (*head, *(from_turn(turn) for turn in turn_list(fields, "conversations", FROM_KEYS)))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    if fields is None:
        return {"id": row.id, "conversations": written(row.turns, (), FROM_KEYS)}
    if _read(fields) == row.turns:
        return dict(fields)
    made, turns = with_system(row, fields, "conversations")
    made["conversations"] = written(turns, turn_list(fields, "conversations", FROM_KEYS), FROM_KEYS)
    return made


LAYOUT = Layout(
    version="1",
    about="Conversations of many turns with `from` (human, gpt, system) and `value` (ShareGPT).",
    columns=("conversations",),
    optional=("id", "system"),
    matches=_matches,
    read=_read,
    write=_write,
)
