"""GSM8K: question and answer; calculator marks `<<48/2=24>>` and the final `#### 72` stay as they are."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange, with_text
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "question" in fields and "answer" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    return one_exchange(cell(fields, "question"), cell(fields, "answer"))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "gsm8k")
    made = dict(fields) if fields is not None else {"question": "", "answer": ""}
    with_text(made, "question", prompt)
    with_text(made, "answer", answer)
    return made


LAYOUT = Layout(
    version="1",
    about="One question and its answer (GSM8K).",
    columns=("question", "answer"),
    matches=_matches,
    read=_read,
    write=_write,
)
