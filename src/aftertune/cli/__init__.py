"""The `aftertune` command: one module per verb, loaded light so that `--help` answers at once.

No verb changes what is measured: that is in the study file. Exit codes: 0 done, 1 a gate failed, 2 bad input
or usage, 3 cannot tell, 4 steps failed or incomplete, 5 environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape instead of a traceback.
        getattr(stream, "reconfigure", lambda **kept: None)(errors="backslashreplace")
    try:
        from aftertune.cli.signals import catch_interrupts

        catch_interrupts()
        from aftertune.cli.app import app

        app(args=None if args is None else list(args), prog_name="aftertune")
    except KeyboardInterrupt:
        sys.exit(4)
