"""Prompt and completion, as in old fine-tuning files; an end mark after the completion is taken off."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange
from aftertune.records import Row, Turn

_END = "<|endoftext|>"  # the tokenizer's own end token ends the turn; as text it would be learned twice


def _matches(fields: Fields) -> bool:
    return "prompt" in fields and "completion" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    completion = cell(fields, "completion")
    if completion.rstrip().endswith(_END):
        completion = completion.rstrip().removesuffix(_END)
    return one_exchange(cell(fields, "prompt"), completion)


def _write(row: Row) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "prompt_completion")
    return {"prompt": prompt, "completion": answer}


LAYOUT = Layout(
    version="1",
    about="One prompt and its completion, with or without a final <|endoftext|>.",
    columns=("prompt", "completion"),
    matches=_matches,
    read=_read,
    write=_write,
)
