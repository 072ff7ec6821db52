"""A worker process: reads batches of chains as JSON lines from standard input, writes events as JSON lines.

Started by `processes` as `python -m aftertune.exec.worker STORE`. It keeps models in memory between
chains and ends when its input does, so a killed parent leaves no worker behind for long.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from aftertune.exec.chain import Event, run_together
from aftertune.plan import Chain, Step
from aftertune.store import Store

IDLE = "idle"


def main(root: str) -> None:
    """Serve batches until the input ends."""
    out = _private_output()
    store = Store(Path(root))
    _send(out, {"kind": IDLE})
    for line in sys.stdin:
        run_together(decode_batch(json.loads(line)), store, lambda event: _send(out, asdict(event)))
        _send(out, {"kind": IDLE})


def encode_batch(batch: Sequence[Chain]) -> list[dict[str, Any]]:
    """Chains that go side by side, as JSON types."""
    return [asdict(chain) for chain in batch]


def decode_batch(fields: list[dict[str, Any]]) -> list[Chain]:
    """Chains from JSON types."""
    return [Chain(chain["name"], tuple(Step(**step) for step in chain["steps"])) for chain in fields]


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
    # All is written and told: taking down torch piece by piece would cost another second.
    sys.stderr.flush()
    os._exit(0)
