"""What the command line prints: results on standard output, everything else on standard error.

Text that may come from files, models or other people's packages goes through `plain` first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_NO_WRAP = 100_000  # a pipe has no width: lines stay whole


def plain(text: object) -> str:
    r"""Make characters visible that would act on a terminal; newlines and tabs stay.

    >>> plain("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    return "".join(_shown(character) for character in str(text))


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return character.encode("unicode_escape").decode("ascii")


def document(value: Any) -> None:
    """Print the one JSON document of a `--json` call."""
    print(json.dumps(value, indent=1, default=str), flush=True)


def line(text: str = "", style: str = "", *, indent: int = 0) -> None:
    """Print one result line, wrapped and coloured on a terminal only."""
    console = _console("stdout")
    if not console.is_terminal:
        print(" " * indent + plain(text))
        return
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(plain(text), style=style), (0, 0, 0, indent)))


def aside(text: str, style: str = "") -> None:
    """Print one line about the work, not its result."""
    _console("stderr").print(plain(text), style=style or None)


def table(rows: Iterable[Sequence[object]], head: Sequence[str] = (), indent: int = 2) -> None:
    """Print rows as aligned columns, with no frame: easy to read and to cut."""
    from rich.padding import Padding
    from rich.table import Table

    cells = [[plain(cell) for cell in row] for row in rows]
    grid = Table(box=None, show_header=bool(head), padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in head or [""] * max((len(row) for row in cells), default=0):
        grid.add_column(name, overflow="fold")
    for row in cells:
        grid.add_row(*row)
    console = _console("stdout")
    with console.capture() as drawn:
        console.print(Padding(grid, (0, 0, 0, indent), expand=False))
    for row_text in drawn.get().splitlines():
        print(row_text.rstrip())


def problem(message: str, fix: str = "") -> None:
    """Print an error, and on its own line what to do."""
    aside(f"error: {message}", "red")
    if fix:
        aside(f"  fix: {fix}")


def _console(stream: str) -> Console:
    return _made(stream, getattr(sys, stream))


@cache
def _made(name: str, stream: Any) -> Console:
    from rich.console import Console

    piped = not stream.isatty()
    return Console(
        file=stream, markup=False, highlight=False, emoji=False, soft_wrap=piped, width=_NO_WRAP if piped else None
    )
