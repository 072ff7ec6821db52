"""Read the Markdown pages: their fenced blocks, headings and links.

A block's info string says what a test does with it:

    python              executed on its own
    python file=PATH    a file of an example package (docs/extending.md)
    yaml study          parsed as a complete study
    yaml study-part     its keys are checked inside a small complete study; so is every plain `yaml` block
    console             commands after `$ `, run in one folder per page, output compared with what is shown
    console slow        the same, in the slow tests
    console not-run, python not-run     shown only

In shown output `...` stands for any text, and on a line of its own for any lines. A block without output is
only run. Its last command must succeed unless the output shows a line that begins with `error:`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
ORGANISM = ROOT / "src" / "aftertune" / "organism"
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    info: tuple[str, ...]
    body: str

    @property
    def name(self) -> str:
        """For the test's id."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page a reader may open: the root's, docs/, examples/, changes/."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *EXAMPLES.glob("*.md"), *(ROOT / "changes").glob("*.md")]
    return sorted(path for path in found if not path.name.startswith("."))


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [_block(path, text, match) for match in _FENCE.finditer(text)]


def all_blocks(*info: str) -> list[Block]:
    """The blocks of all pages whose info string is exactly these words."""
    return [block for path in pages() for block in blocks(path) if block.info == info]


def without_blocks(text: str) -> str:
    """The prose of a page: without fenced blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


def links(path: Path) -> list[str]:
    """The targets of a page's links."""
    return _LINK.findall(without_blocks(path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)}


def rows(text: str) -> list[list[str]]:
    """The cells of every table row on a page."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def code(cell: str) -> list[str]:
    """The code spans in a text; fenced blocks hold none."""
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", cell))


def section(text: str, heading: str) -> str:
    """The part of a page under a heading, up to the next of its level or higher."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"there is no heading {heading!r}"
    after = re.search(rf"^#{{1,{len(found[1])}}} ", text[found.end() :], re.MULTILINE)
    return text[found.end() :][: after.start() if after else None]


def run_console(body: str, folder: Path) -> None:
    """Run a console block's commands in a folder and compare what they print with what is shown."""
    for command, shown in console(body):
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=900,
        )
        fails = any(line.startswith("error:") for line in shown)
        assert (done.returncode != 0) == fails, f"$ {command}\nexit code {done.returncode}\n{done.stdout}"
        printed = done.stdout.splitlines()
        assert not shown or alike(shown, printed), f"$ {command}\nprinted:\n{done.stdout}"


def console(body: str) -> list[tuple[str, list[str]]]:
    """The commands of a block with the output shown after each.

    >>> console("$ a\\nx\\n$ b")
    [('a', ['x']), ('b', [])]
    """
    found: list[tuple[str, list[str]]] = []
    for line in body.rstrip("\n").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def alike(shown: list[str], printed: list[str]) -> bool:
    """Whether printed lines are as shown; spaces in a row count as one.

    >>> alike(["a", "...", "z 1"], ["a", "b", "c", "z   1"]), alike(["took ... s"], ["took 3 s"])
    (True, True)
    >>> alike(["a"], ["b"])
    False
    """
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) for line in shown)
    text = "".join(f"{_squeezed(line)}\n" for line in printed)
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _squeezed(line).split("...")) + r"\n"


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()


def _block(path: Path, text: str, match: re.Match[str]) -> Block:
    indent = len(match["indent"])
    lines = match["body"].splitlines(keepends=True)
    body = "".join(line[indent:] if line.strip() else line for line in lines)
    return Block(path, text.count("\n", 0, match.start()) + 1, tuple(match["info"].split()), body)


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _environment() -> dict[str, str]:
    """This environment, with this Python's commands first and no store named."""
    kept = {name: value for name, value in os.environ.items() if name != "AFTERTUNE_STORE"}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}
