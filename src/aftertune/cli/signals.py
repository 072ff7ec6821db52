"""What Ctrl-C and a termination signal do: they raise, once, and the verb decides what that means."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Interrupted", "catch_interrupts", "terminable"]


class Interrupted(KeyboardInterrupt):
    """The user, or the machine, asked the process to stop.

    A class of its own because CPython remembers a plain `KeyboardInterrupt` that passes through an `exec` of
    text, as a library's import may do, and then dies of the signal at exit although the exception was handled.
    """


def catch_interrupts() -> None:
    """Let Ctrl-C raise `Interrupted`; a process started with interrupts ignored goes on ignoring them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


@contextmanager
def terminable() -> Iterator[None]:
    """Treat a termination signal like Ctrl-C, so that no worker is left behind."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted
