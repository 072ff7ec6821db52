"""Run chains one after another in this process: the reference that other executors must equal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aftertune.exec.chain import Event, Notify, run_together
from aftertune.exec.together import batches
from aftertune.plan import Chain
from aftertune.store import Store


def run_inline(chains: Sequence[Chain], root: Path, notify: Notify, *, together: int | None = None) -> None:
    """Run every chain; stop early only when the store itself fails."""
    store, stopped = Store(root), False

    def watch(event: Event) -> None:
        nonlocal stopped
        stopped = stopped or event.fatal
        notify(event)

    for batch in batches(chains, store, jobs=1, together=together):
        if not stopped:
            run_together(batch, store, watch)
