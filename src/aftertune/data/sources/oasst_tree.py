"""OpenAssistant trees: a prompt with replies, each with replies of its own; a row is the path of the best ranked.

After Köpf et al., "OpenAssistant Conversations" (arXiv:2304.07327). A lower `rank` is better; among replies of one
rank, or without ranks, the first in the file is taken.
"""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cannot_hold, cell
from aftertune.errors import DataError
from aftertune.records import Role, Row, Turn

_ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}


def _matches(fields: Fields) -> bool:
    root = fields.get("prompt")
    return isinstance(root, dict) and {"text", "replies"} <= set(root)


def _path(fields: Fields) -> list[dict[str, Any]]:
    """The messages from the prompt along the best replies."""
    node, path = fields.get("prompt"), []
    while node is not None:
        if not isinstance(node, dict):
            raise DataError("column 'prompt': want messages with `text`, `role` and `replies`", "remove that row")
        path.append(node)
        node = _best(node)
    return path


def _best(node: dict[str, Any]) -> Any:
    replies = node.get("replies") or []
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise DataError("column 'prompt': `replies` is no list of messages", "correct or remove that row")
    return min(replies, key=_rank, default=None)


def _rank(node: dict[str, Any]) -> float:
    rank = node.get("rank")
    return rank if isinstance(rank, int | float) and rank == rank else float("inf")


def _read(fields: Fields) -> tuple[Turn, ...]:
    return tuple(_turn(node) for node in _path(fields))


def _turn(node: dict[str, Any]) -> Turn:
    role = node.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise DataError(
            f"column 'prompt': a message has the role {role!r}; known: {', '.join(_ROLES)}",
            "rename the role, or remove that row",
        )
    return Turn(_ROLES[role], cell(node, "text"))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    if fields is None:
        return _new(row)
    path = _path(fields)
    if [turn.role for turn in row.turns] != [_turn(node).role for node in path]:
        raise cannot_hold(row, "oasst_tree", "a fixed number of messages on its best path, from prompter and assistant")
    made: dict[str, Any] | None = None
    for turn, node in zip(reversed(row.turns), reversed(path), strict=True):
        now = dict(node) if _turn(node) == turn else {**node, "text": turn.content}
        if made is not None:
            best = _best(node)
            now["replies"] = [made if reply is best else reply for reply in node["replies"]]
        made = now
    return {**fields, "prompt": made}


def _new(row: Row) -> dict[str, Any]:
    """A tree of one path."""
    if any(turn.role == "system" for turn in row.turns):
        raise cannot_hold(row, "oasst_tree", "messages from prompter and assistant")
    speakers = {"user": "prompter", "assistant": "assistant"}
    below: list[dict[str, Any]] = []
    for turn in reversed(row.turns):
        below = [{"text": turn.content, "role": speakers[turn.role], "replies": below}]
    return {"message_tree_id": row.id, "tree_state": "ready_for_export", "prompt": below[0] if below else None}


LAYOUT = Layout(
    version="1",
    about="Trees of messages with ranked replies, of which the best ranked path is used (OpenAssistant).",
    columns=("prompt",),
    optional=("message_tree_id",),
    id_column="message_tree_id",
    matches=_matches,
    read=_read,
    write=_write,
)
