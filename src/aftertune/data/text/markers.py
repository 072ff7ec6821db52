"""What a line of a list begins with."""

from __future__ import annotations

import re

_MARKER = re.compile(r"\s{0,8}(?:(\d{1,3}[.)])|[-*+\u2022\u2013])\s+(?=\S)")


def marker(line: str) -> re.Match[str] | None:
    """The number or bullet that opens a line, with the white space after it; group 1 is the number.

    >>> marker("2) Add tea.").group(1), marker("- Add tea.").group(1), marker("-5 is less.")
    ('2)', None, None)
    """
    return None if line[:1].isalpha() else _MARKER.match(line)
