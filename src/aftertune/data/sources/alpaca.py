"""Alpaca: instruction, input, output; with LLaMA-Factory's system and history where a file has them."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange
from aftertune.errors import DataError
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "instruction" in fields and "output" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    last = one_exchange(cell(fields, "instruction"), cell(fields, "output"), context=cell(fields, "input"))
    system = cell(fields, "system")
    head = (Turn("system", system),) if system.strip() else ()
    return (*head, *_earlier(fields.get("history")), *last)


def _earlier(history: Any) -> tuple[Turn, ...]:
    """The exchanges before the last one: a list of [question, answer]."""
    if not history:
        return ()
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise DataError("column 'history': want a list of [question, answer]", "correct or remove that row")
    return tuple(turn for ask, answer in history for turn in one_exchange(str(ask), str(answer)))


def _write(row: Row) -> dict[str, Any]:
    turns = row.turns[1:] if row.turns[0].role == "system" else row.turns
    if not turns or [turn.role for turn in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise DataError(
            f"row {row.id}: the alpaca layout holds questions and answers in turn, and the row has the "
            f"turns {', '.join(turn.role for turn in row.turns)}",
            "write it in the `messages` layout",
        )
    texts = [turn.content for turn in turns]
    fields: dict[str, Any] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if turns is not row.turns:
        fields["system"] = row.turns[0].content
    if len(texts) > 2:
        fields["history"] = [texts[place : place + 2] for place in range(0, len(texts) - 2, 2)]
    return fields


LAYOUT = Layout(
    version="1",
    about="One instruction with an optional input, and its output (Stanford Alpaca).",
    columns=("instruction", "output"),
    optional=("input", "system", "history"),
    matches=_matches,
    read=_read,
    write=_write,
)
