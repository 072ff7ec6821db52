"""The one place where an error becomes a message and an exit code."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import typer

from aftertune.cli import say
from aftertune.errors import AftertuneError

FAILED = 4


class Settings:
    """What the flags before the verb set for the call."""

    debug = False


def guarded(verb: Callable[..., None]) -> Callable[..., None]:
    """Run a verb; no error leaves it as a traceback unless `--debug` asks for one."""

    @functools.wraps(verb)
    def run(*args: Any, **kwargs: Any) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            verb(*args, **kwargs)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except AftertuneError as error:
            _leave(error.message, error.fix, error.exit_code, error, as_json=as_json)
        except KeyboardInterrupt:
            say.aside("stopped")
            raise typer.Exit(FAILED) from None
        except BrokenPipeError:
            _close_quietly()
            raise typer.Exit(0) from None
        except OSError as error:
            _give_up_on_a_dead_output()
            _leave(*_about_the_world(error), error, as_json=as_json)
        except Exception as error:
            _leave(
                f"unexpected {type(error).__name__}: {error}", _kept_traceback(error), FAILED, error, as_json=as_json
            )

    return run


def _leave(message: str, fix: str, code: int, error: BaseException, *, as_json: bool) -> None:
    if Settings.debug:
        say.aside("".join(traceback.format_exception(error)))
    say.problem(message, fix)
    if as_json:
        kind = type(error).__name__
        say.document({"error": {"type": kind, "message": message, "fix": fix, "exit_code": code}})
    raise typer.Exit(code) from None


def _about_the_world(error: OSError) -> tuple[str, str, int]:
    """A disk, a permission, a file that went away: the environment's trouble, said as such."""
    where = f"{error.filename}: " if error.filename else ""
    fix = "free some space, or check that you may read and write there; then run the same command"
    return f"{where}{error.strerror or error}", fix, 5


def _kept_traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile("w", prefix="aftertune-", suffix=".txt", delete=False) as file:
        file.write(text)
    return f"this is a bug; please report it with {file.name}. Finished steps are kept"


def _give_up_on_a_dead_output() -> None:
    """Drop what cannot be written, or Python tries again when it ends, fails, and ends with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        _close_quietly()


def _close_quietly() -> None:
    """Nobody reads the output any more; keep Python from complaining about that when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
