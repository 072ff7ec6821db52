"""Run one chain of steps against a store, and say what happens as events.

This holds the one broad `except` of the package: it attributes a failure to its step and lets other
chains go on.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aftertune.errors import AftertuneError, StoreError
from aftertune.plan import Chain, Step
from aftertune.steps import carry_out
from aftertune.store import Store, disk_full, is_disk_full

_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a step; fields are JSON types so that it can cross processes.

    `n` of `total` counts optimizer steps while tuning, and new tokens (total 0) while generating.
    """

    kind: Literal["started", "progress", "kept", "done", "failed"]
    chain: str
    stage: str
    key: str
    label: str
    n: int = 0
    total: int = 0
    message: str = ""
    fix: str = ""
    fatal: bool = False
    detail: str = ""


Notify = Callable[[Event], None]


def run_chain(chain: Chain, store: Store, notify: Notify) -> bool:
    """Run the steps in order; True when all are in the store. A failure ends the chain, not the program."""
    for step in chain.steps:
        try:
            _run_step(step, chain, store, notify)
        except Exception as error:
            notify(_failed(step, chain, store, error))
            return False
    return True


def make_step(step: Step, store: Store, tick: Callable[[int, int], None]) -> None:
    """Make a step unless the store has it."""
    if not store.has(step.stage, step.key):
        with store.write(step.stage, step.key, {"label": step.label}) as draft:
            carry_out(step, store, draft, tick)


def _run_step(step: Step, chain: Chain, store: Store, notify: Notify) -> None:
    def event(kind: Any, **more: Any) -> Event:
        return Event(kind, chain.name, step.stage, step.key, step.label, **more)

    if store.has(step.stage, step.key):
        notify(event("kept"))
        return
    notify(event("started"))
    last, counted = time.monotonic(), 0

    def tick(n: int, total: int) -> None:
        nonlocal last, counted
        counted = n
        if time.monotonic() - last > _EVERY_S:
            last = time.monotonic()
            notify(event("progress", n=n, total=total))

    make_step(step, store, tick)
    notify(event("done", n=counted))


def _failed(step: Step, chain: Chain, store: Store, error: Exception) -> Event:
    if is_disk_full(error) and not isinstance(error, StoreError):
        error = disk_full(store.root)
    ours = isinstance(error, AftertuneError)
    message = str(error) if ours else f"{type(error).__name__}: {error}"
    # A full or broken store fails every other step too; the rest of the study need not try.
    return Event(
        "failed",
        chain.name,
        step.stage,
        step.key,
        step.label,
        message=message[:2000],
        fix=error.fix if isinstance(error, AftertuneError) else "",
        fatal=isinstance(error, StoreError),
        detail="" if ours else "".join(traceback.format_exception(error))[-6000:],
    )
