"""A prompt format as a study names it, and what the table calls it."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from pydantic import ConfigDict

from aftertune.spec.base import Model, Name, Text

_OTHER = re.compile(r"[^A-Za-z0-9_]{1,1000}")
_PART, _WHOLE = 20, 64  # characters of a value in a label, and of a label


class FormatSpec(Model):
    """A prompt format by name; its parameters are checked by the format itself."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Name
    label: Name | None = None
    system: Text | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters it is given."""
        return dict(self.model_extra or {})

    @property
    def called(self) -> str:
        """The table's `prompt_format`: the label, else the name with the values of the parameters.

        It does not depend on what other formats a study has.

        >>> FormatSpec(name="chat").called
        'chat'
        >>> FormatSpec.model_validate({"name": "prefill", "text": "Sure,", "tokens": 3}).called
        'prefill.Sure.tokens-3'
        """
        if self.label is not None:
            return self.label
        parts = [_part(key, value) for key, value in sorted(self.params.items()) if value is not None]
        return ".".join([self.name, *filter(None, parts)])[:_WHOLE].rstrip(".-")


def _part(key: str, value: Any) -> str:
    """A parameter in a label.

    >>> _part("kind", "typos"), _part("tokens", 3), _part("attack", False), _part("path", "wrappers/one.txt")
    ('typos', 'tokens-3', 'no-attack', 'one')
    """
    if isinstance(value, bool):
        return _slug(key if value else f"no-{key}")
    if isinstance(value, str):
        return _slug(PurePath(value).stem if key == "path" else value)
    return _slug(f"{key}-{value}")


def _slug(text: str) -> str:
    return _OTHER.sub("-", text[:1000]).strip("-")[:_PART].rstrip("-")
