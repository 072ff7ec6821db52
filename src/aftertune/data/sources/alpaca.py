"""Alpaca: instruction, input, output; with LLaMA-Factory's system and history where a file has them."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cannot_hold, cell, one_exchange, with_prompt, with_text
from aftertune.errors import DataError
from aftertune.files import text_of
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "instruction" in fields and "output" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    last = one_exchange(cell(fields, "instruction"), cell(fields, "output"), context=cell(fields, "input"))
    system, earlier = fields.get("system"), fields.get("history")
    if not system and not earlier:
        return last
    system = cell(fields, "system")
    head = (Turn("system", system),) if system.strip() else ()
    return (*head, *_earlier(earlier), *last)


def _earlier(history: Any) -> tuple[Turn, ...]:
    """The exchanges before the last one: a list of [question, answer]."""
    if not history:
        return ()
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise DataError("column 'history': want a list of [question, answer]", "correct or remove that row")
    try:
        return tuple(turn for ask, answer in history for turn in one_exchange(text_of(ask), text_of(answer)))
    except DataError as error:
        raise DataError(f"column 'history': {error.message}", "correct or remove that row") from error


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    turns = row.turns[1:] if row.turns and row.turns[0].role == "system" else row.turns
    if not turns or [turn.role for turn in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise cannot_hold(row, "alpaca", "questions and answers in turn")
    made: dict[str, Any] = dict(fields) if fields is not None else {"instruction": "", "input": "", "output": ""}
    if _read(made) == row.turns:
        return made
    with_prompt(made, turns[-2].content, "instruction", "input")
    with_text(made, "output", turns[-1].content)
    _write_system(made, row.turns[0].content if turns is not row.turns else "")
    if _earlier(made.get("history")) != turns[:-2]:
        texts = [turn.content for turn in turns[:-2]]
        made["history"] = [texts[place : place + 2] for place in range(0, len(texts), 2)]
    return made


def _write_system(made: dict[str, Any], system: str) -> None:
    if system or cell(made, "system").strip():
        with_text(made, "system", system)


LAYOUT = Layout(
    version="2",
    about="One instruction with an optional input, and its output (Stanford Alpaca).",
    columns=("instruction", "output"),
    optional=("input", "system", "history"),
    matches=_matches,
    read=_read,
    write=_write,
)
