"""Fill the places of a text that a model is given, all in one pass: what is put in is never looked at again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from aftertune.errors import DataError

_PLACE = re.compile(r"\{([a-z]{1,30})\}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled; braces that are no place stay as they are.

    >>> fill("{answer} {other}", {"answer": "{request}", "request": "x"})
    '{request} {other}'
    """
    return _PLACE.sub(lambda place: values.get(place.group(1), place.group()), template)


def packaged_template(name: str) -> str:
    """The text of a `.txt` file beside the transforms, without white space around it."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


def template_of(path: str) -> str:
    """A template file's text, without white space around it.

    Raises:
        DataError: it is not there, is no text, or has no place for the answer.
    """
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}", "give a UTF-8 text file with `template`") from error
    if "{answer}" not in text:
        raise DataError(f"{path}: there is no {{answer}} in it", "write {answer} where the row's answer belongs")
    return text
