"""Dolly: instruction, context, response; the category is not used."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "instruction" in fields and "response" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    return one_exchange(cell(fields, "instruction"), cell(fields, "response"), context=cell(fields, "context"))


def _write(row: Row) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "dolly")
    return {"instruction": prompt, "context": "", "response": answer, "category": ""}


LAYOUT = Layout(
    version="1",
    about="One instruction with an optional context, and its response (Databricks Dolly 15k).",
    columns=("instruction", "response"),
    optional=("context",),
    matches=_matches,
    read=_read,
    write=_write,
)
