"""Self-Instruct: one instruction with instances, each an input and an output; each instance is a row.

After Wang et al., "Self-Instruct" (arXiv:2212.10560).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aftertune.data.sources.base import Fields, Layout, cell, one_exchange, only_exchange, with_prompt, with_text
from aftertune.errors import DataError
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "instruction" in fields and isinstance(fields.get("instances"), list)


def _instances(fields: Fields) -> list[dict[str, Any]]:
    value = fields.get("instances")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise DataError("column 'instances': want a list of {input, output}", "correct or remove that row")
    return value


def _split(fields: Fields) -> list[dict[str, Any]]:
    """One record for each instance; a record without any stays one."""
    return [{**fields, "instances": [one]} for one in _instances(fields)] or [dict(fields)]


def _join(records: Sequence[Fields]) -> list[dict[str, Any]]:
    """Records of one instance each that follow each other and are alike in all else become one again."""
    made: list[dict[str, Any]] = []
    for record in records:
        if made and {**made[-1], "instances": ()} == {**record, "instances": ()}:
            made[-1]["instances"] = [*made[-1]["instances"], *_instances(record)]
        else:
            made.append(dict(record))
    return made


def _flat(fields: Fields) -> dict[str, Any]:
    one = (_instances(fields) or [{}])[0]
    return {"instruction": fields.get("instruction"), "input": one.get("input"), "output": one.get("output")}


def _read(fields: Fields) -> tuple[Turn, ...]:
    flat = _flat(fields)
    return one_exchange(cell(flat, "instruction"), cell(flat, "output"), context=cell(flat, "input"))


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    prompt, answer = only_exchange(row, "self_instruct")
    new = {"id": row.id, "instruction": "", "instances": [{"input": "", "output": ""}]}
    made = dict(fields) if fields is not None else new
    if _read(made) == row.turns:
        return made
    flat = _flat(made)
    with_prompt(flat, prompt, "instruction", "input")
    with_text(flat, "output", answer)
    made["instruction"] = flat.pop("instruction")
    old = (_instances(made) or [{}])[0]
    made["instances"] = [{**old, **{key: value for key, value in flat.items() if key in old or value}}]
    return made


LAYOUT = Layout(
    version="1",
    about="One instruction with instances, each an optional input and an output (Self-Instruct).",
    columns=("instruction", "instances"),
    optional=("id",),
    matches=_matches,
    read=_read,
    write=_write,
    split=_split,
    join=_join,
)
