"""Run a command and keep a bounded, readable log of what it printed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import IO

from aftertune.errors import TuneError

HEAD_BYTES, TAIL_BYTES = 64_000, 192_000
_SHOWN_LINES = 15
_PIECE = 4096
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 8


def run_command(command: Sequence[str], cwd: Path, timeout_s: float | None, log: Path) -> None:
    """Run an argument list without a shell, in this process's environment, and write its log.

    Raises:
        TuneError: it cannot be started, ended with another code than 0, or took too long; with the log's last lines.
    """
    printed = _Printed()
    code, late = _carry_out(command, cwd, timeout_s, printed)
    text = printed.text
    log.write_text(text, encoding="utf-8")
    if late:
        what = f"was stopped after {timeout_s:g} seconds (external.timeout_s)"
    elif code:
        what = f"ended with exit code {code}"
    else:
        return
    last = "\n".join(text.splitlines()[-_SHOWN_LINES:])
    raise TuneError(
        f"{Path(command[0]).name} {what}" + (f"; it last printed:\n{last}" if last else " and printed nothing"),
        "correct the command, or what it says is wrong, and run the study again",
    )


def _carry_out(command: Sequence[str], cwd: Path, timeout_s: float | None, printed: _Printed) -> tuple[int, bool]:
    """The exit code, and whether it had to be stopped."""
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise TuneError(
            f"the command {command[0]!r} cannot be started ({error.strerror or error})",
            "name a program that is on the PATH, or a path relative to the study file",
        ) from error
    assert process.stdout is not None, "it was asked for"
    reader = Thread(target=printed.drain, args=(process.stdout,), daemon=True)
    reader.start()
    late = False
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        _end(process)
        reader.join(timeout=10)
        if not reader.is_alive():  # something that the command left running may hold the pipe open
            process.stdout.close()
    return process.returncode, late


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the command with everything it started, if it still runs."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


class _Printed:
    """The beginning and the end of what a command printed."""

    def __init__(self) -> None:
        self._head = b""
        self._tail: deque[bytes] = deque()
        self._kept = self._dropped = 0

    def drain(self, pipe: IO[bytes]) -> None:
        """Read until the pipe ends."""
        while piece := os.read(pipe.fileno(), _PIECE):
            self._add(piece)

    def _add(self, piece: bytes) -> None:
        room = HEAD_BYTES - len(self._head)
        self._head += piece[:room]
        if piece[room:]:
            self._tail.append(piece[room:])
            self._kept += len(self._tail[-1])
        while self._kept > TAIL_BYTES:
            gone = len(self._tail.popleft())
            self._kept -= gone
            self._dropped += gone

    @property
    def text(self) -> str:
        """As plain text: no terminal codes, no progress bars drawn over one another, no secrets."""
        cut = f"\n... {self._dropped:,} bytes left out ...\n".encode() if self._dropped else b""
        text = (self._head + cut + b"".join(self._tail)).decode("utf-8", errors="replace")
        lines = (
            line.rstrip("\r").rpartition("\r")[2] for line in _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
        )
        plain = "\n".join("".join(c for c in line if c.isprintable() or c == "\t") for line in lines)
        return _without_secrets(plain)


def _without_secrets(text: str) -> str:
    """Values of environment variables that look like credentials are not kept."""
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"<{name}>")
    return text
