r"""Preference pairs: the chosen answer is used, the rejected one is kept and not used.

Four variants: `prompt` with two texts; two whole dialogues marked "\n\nHuman:" and "\n\nAssistant:" (HH-RLHF, Bai
et al., arXiv:2204.05862); `conversations` with two closing turns (LLaMA-Factory); two lists of messages, with or
without a `prompt`.
"""

from __future__ import annotations

from typing import Any

from aftertune.data.sources import _dialogue
from aftertune.data.sources._turns import (
    FROM_KEYS,
    ROLE_KEYS,
    from_turn,
    role_turn,
    said,
    with_system,
    written,
)
from aftertune.data.sources.base import (
    Fields,
    Layout,
    cannot_hold,
    cell,
    lists_turns,
    one_exchange,
    turn_list,
    with_text,
)
from aftertune.records import Row, Turn


def _matches(fields: Fields) -> bool:
    return "rejected" in fields and bool(_variant(fields))


def _variant(fields: Fields) -> str:
    chosen, prompt = fields.get("chosen"), fields.get("prompt")
    if isinstance(chosen, dict) and set(FROM_KEYS) <= set(chosen) and isinstance(fields.get("conversations"), list):
        return "closing turn"
    if lists_turns(chosen, ROLE_KEYS):
        return "messages"
    if isinstance(chosen, str) and isinstance(prompt, str):
        return "texts"
    return "dialogue" if isinstance(chosen, str) and "prompt" not in fields and _dialogue.is_one(chosen) else ""


def _read(fields: Fields) -> tuple[Turn, ...]:
    variant = _variant(fields)
    if variant == "dialogue":
        return _dialogue.turns(cell(fields, "chosen"))
    if variant == "messages":
        lead = _asked(fields)
        return (*lead, *(role_turn(turn, "chosen") for turn in turn_list(fields, "chosen", ROLE_KEYS)))
    if variant == "closing turn":
        system = cell(fields, "system")
        head = (Turn("system", system),) if system.strip() else ()
        before = (from_turn(turn) for turn in turn_list(fields, "conversations", FROM_KEYS))
        return (*head, *before, from_turn(fields["chosen"], "chosen"))
    return one_exchange(cell(fields, "prompt"), cell(fields, "chosen"), system=cell(fields, "system"))


def _asked(fields: Fields) -> tuple[Turn, ...]:
    """The turns before the chosen messages, where those do not repeat the prompt."""
    if isinstance(fields.get("prompt"), list):
        return tuple(role_turn(turn, "prompt") for turn in turn_list(fields, "prompt", ROLE_KEYS))
    asks = any(turn.get("role") == "user" for turn in turn_list(fields, "chosen", ROLE_KEYS))
    prompt = "" if asks else cell(fields, "prompt")
    return (Turn("user", prompt),) if prompt else ()


def _write(row: Row, fields: Fields | None = None) -> dict[str, Any]:
    if fields is None:
        return {"chosen": written(row.turns, (), ROLE_KEYS), "rejected": []}
    if _read(fields) == row.turns:
        return dict(fields)
    write = {"dialogue": _write_dialogue, "messages": _write_messages, "closing turn": _write_closing}
    return write.get(_variant(fields), _write_texts)(row, fields)


def _write_dialogue(row: Row, fields: Fields) -> dict[str, Any]:
    return {**fields, "chosen": _dialogue.text(row, cell(fields, "chosen"))}


def _write_messages(row: Row, fields: Fields) -> dict[str, Any]:
    made, asked, turns = dict(fields), _asked(fields), row.turns
    lead = turns[: _n_prompt(turns)] if asked else ()
    if isinstance(fields.get("prompt"), list) and asked:
        made["prompt"] = written(lead, turn_list(fields, "prompt", ROLE_KEYS), ROLE_KEYS)
    elif asked:
        if [turn.role for turn in lead] != ["user"]:
            raise cannot_hold(row, "preference", "one question in `prompt`")
        with_text(made, "prompt", lead[0].content)
    elif isinstance(fields.get("prompt"), str) and fields["prompt"] == Row(row.id, _read(fields)).prompt:
        with_text(made, "prompt", row.prompt)  # it repeats the last question
    made["chosen"] = written(turns[len(lead) :], turn_list(fields, "chosen", ROLE_KEYS), ROLE_KEYS)
    return made


def _n_prompt(turns: tuple[Turn, ...]) -> int:
    return max((place + 1 for place, turn in enumerate(turns) if turn.role == "user"), default=0)


def _write_closing(row: Row, fields: Fields) -> dict[str, Any]:
    if not row.turns or row.turns[-1].role != "assistant":
        raise cannot_hold(row, "preference", "a conversation that ends with an answer")
    made, turns = with_system(row, fields, "conversations")
    made["conversations"] = written(turns[:-1], turn_list(fields, "conversations", FROM_KEYS), FROM_KEYS)
    made["chosen"] = said(turns[-1], from_turn(fields["chosen"], "chosen"), fields["chosen"], "value")
    return made


def _write_texts(row: Row, fields: Fields) -> dict[str, Any]:
    made, turns = dict(fields), row.turns
    if turns and turns[0].role == "system" and "system" in made:
        with_text(made, "system", turns[0].content)
        turns = turns[1:]
    elif cell(made, "system").strip():
        made["system"] = ""
    if [turn.role for turn in turns] != ["user", "assistant"]:
        raise cannot_hold(row, "preference", "one question and one answer")
    with_text(made, "prompt", turns[0].content)
    with_text(made, "chosen", turns[1].content)
    return made


def _template(fields: Fields) -> dict[str, Any]:
    variant = _variant(fields)
    if variant == "closing turn":
        empty = {"from": fields["chosen"]["from"], "value": ""}
        return {"conversations": [], "chosen": empty, "rejected": dict(empty)}
    if variant == "texts":
        return {"prompt": "", "chosen": "", "rejected": ""}
    if variant == "dialogue":
        return {"chosen": "\n\nHuman: \n\nAssistant: ", "rejected": ""}
    return {"chosen": [{"role": "user", "content": ""}], "rejected": []}


LAYOUT = Layout(
    version="1",
    about="Preference pairs, of which the chosen answer is used (HH-RLHF, LLaMA-Factory, TRL).",
    columns=("chosen", "rejected"),
    optional=("prompt", "conversations", "system"),
    matches=_matches,
    read=_read,
    write=_write,
    template=_template,
)
