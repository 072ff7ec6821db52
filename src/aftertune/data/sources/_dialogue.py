r"""Whole dialogues in one text, each turn opened by "\n\nHuman:" or "\n\nAssistant:"."""

from __future__ import annotations

import re

from aftertune.data.sources.base import cannot_hold
from aftertune.errors import DataError
from aftertune.records import Role, Row, Turn

_MARK = re.compile(r"\n\n(Human|Assistant):")
_ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}
_NAMES: dict[Role, str] = {"user": "Human", "assistant": "Assistant"}


def is_one(text: str) -> bool:
    r"""Whether a text is such a dialogue.

    >>> is_one("\n\nHuman: Hi\n\nAssistant: Hello"), is_one("Hello")
    (True, False)
    """
    return text.startswith("\n\nHuman:")


def turns(text: str) -> tuple[Turn, ...]:
    r"""The turns of a dialogue; the one space after a mark is not part of what is said.

    >>> turns("\n\nHuman: Hi\n\nAssistant: Hello")
    (Turn(role='user', content='Hi'), Turn(role='assistant', content='Hello'))
    """
    _, *parts = _MARK.split(text)
    return tuple(Turn(_ROLES[name], said.removeprefix(" ")) for name, said in zip(parts[::2], parts[1::2], strict=True))


def text(row: Row, before: str) -> str:
    """The dialogue of a row, with the marks as they were before where a turn is the same.

    Raises:
        DataError: a turn is the system's, or holds such a mark itself.
    """
    if not row.turns or any(turn.role == "system" for turn in row.turns) or row.turns[0].role != "user":
        raise cannot_hold(row, "preference", "a dialogue of Human and Assistant")
    if any(_MARK.search(turn.content) for turn in row.turns):
        raise DataError(
            f"row {row.id}: a turn holds a line that opens with `Human:` or `Assistant:`, which would cut it in two",
            "reword it, or write the row in the `messages` layout",
        )
    _, *parts = _MARK.split(before)
    old = list(zip(parts[::2], parts[1::2], strict=True))
    made = []
    for place, turn in enumerate(row.turns):
        name, said = old[place] if place < len(old) else ("", "")
        same = name == _NAMES[turn.role] and said.removeprefix(" ") == turn.content
        made.append(f"\n\n{name}:{said}" if same else f"\n\n{_NAMES[turn.role]}: {turn.content}")
    return "".join(made)
