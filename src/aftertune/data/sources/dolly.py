"""Dolly: instruction, context, response; the category is kept and not used."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange, with_prompt, with_text
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "instruction" in fields and "response" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    return one_exchange(cell(fields, "instruction"), cell(fields, "response"), context=cell(fields, "context"))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "dolly")
    new = {"instruction": "", "context": "", "response": "", "category": ""}
    made = dict(fields) if fields is not None else new
    if _read(made) != row.turns:
        with_prompt(made, prompt, "instruction", "context")
        with_text(made, "response", answer)
    return made


LAYOUT = Layout(
    version="1",
    about="One instruction with an optional context, and its response (Databricks Dolly 15k).",
    columns=("instruction", "response"),
    optional=("context",),
    matches=_matches,
    read=_read,
    write=_write,
)
