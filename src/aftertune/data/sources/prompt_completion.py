"""Prompt and completion, as in old fine-tuning files; an end mark after the completion is taken off."""

from __future__ import annotations

from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange, with_text
from aftertune.records import Row, Turn

_END = "<|endoftext|>"  # the tokenizer's own end token ends the turn; as text it would be learned twice


def _matches(fields: Fields) -> bool:
    return "prompt" in fields and "completion" in fields


def _read(fields: Fields) -> tuple[Turn, ...]:
    return one_exchange(cell(fields, "prompt"), _without_end(cell(fields, "completion")))


def _without_end(completion: str) -> str:
    bare = completion.rstrip()
    return bare.removesuffix(_END) if bare.endswith(_END) else completion


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "prompt_completion")
    made = dict(fields) if fields is not None else {"prompt": "", "completion": ""}
    with_text(made, "prompt", prompt)
    completion = cell(made, "completion")
    before = _without_end(completion)
    if answer != before:
        end = completion[len(before) :]
        made["completion"] = answer + (end or _END * (_without_end(answer) != answer))
    return made


LAYOUT = Layout(
    version="1",
    about="One prompt and its completion, with or without a final <|endoftext|>.",
    columns=("prompt", "completion"),
    matches=_matches,
    read=_read,
    write=_write,
)
