"""A worker process: reads chains as JSON lines from standard input, writes events as JSON lines.

Started by `processes` as `python -m aftertune.exec.worker STORE`. It keeps models in memory between
chains and ends when its input does, so a killed parent leaves no worker behind for long.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from aftertune.exec.chain import Event, run_chain
from aftertune.plan import Chain, Step
from aftertune.store import Store

IDLE = "idle"


def main(root: str) -> None:
    """Serve chains until the input ends."""
    out = _private_output()
    store = Store(Path(root))
    _send(out, {"kind": IDLE})
    for line in sys.stdin:
        run_chain(decode_chain(json.loads(line)), store, lambda event: _send(out, asdict(event)))
        _send(out, {"kind": IDLE})


def encode_chain(chain: Chain) -> dict[str, Any]:
    """A chain as JSON types."""
    return asdict(chain)


def decode_chain(fields: dict[str, Any]) -> Chain:
    """A chain from JSON types."""
    return Chain(fields["name"], tuple(Step(**step) for step in fields["steps"]))


def decode_event(fields: dict[str, Any]) -> Event:
    """An event from JSON types."""
    return Event(**fields)


def _private_output() -> TextIO:
    """Keep standard output for events alone: what libraries print goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def _send(out: TextIO, fields: dict[str, Any]) -> None:
    out.write(json.dumps(fields) + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1])
