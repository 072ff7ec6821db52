"""Run chains of steps against a store, and say what happens as events.

Chains that are given together go side by side: the tuning steps they come to at the same time share one pass over
the model, everything else is made one after another. This module holds the one broad `except` of the package: it
attributes a failure to its step and lets other chains go on.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aftertune.errors import AftertuneError, StoreError
from aftertune.plan import Chain, Step
from aftertune.steps import base_model, carry_out
from aftertune.store import Draft, Store, disk_full, is_disk_full
from aftertune.tuning import forget_half_done, together_key, tune_steps

if TYPE_CHECKING:
    from aftertune.tune.record import Progress

_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a step; fields are JSON types so that it can cross processes.

    `n` of `total` counts optimizer steps while tuning, and new tokens (total 0) while generating; `tokens` and
    `loss` are of tuning only.
    """

    kind: Literal["started", "progress", "kept", "done", "failed"]
    chain: str
    stage: str
    key: str
    label: str
    n: int = 0
    total: int = 0
    tokens: int = 0
    loss: float | None = None
    message: str = ""
    fix: str = ""
    fatal: bool = False
    detail: str = ""


Notify = Callable[[Event], None]


def run_chain(chain: Chain, store: Store, notify: Notify) -> bool:
    """Run the steps in order; True when all are in the store. A failure ends the chain, not the program."""
    return run_together([chain], store, notify) == [True]


def run_together(chains: Sequence[Chain], store: Store, notify: Notify) -> list[bool]:
    """Run several chains side by side; for each, whether all its steps are in the store afterwards."""
    courses = [_Course(chain, store, notify) for chain in chains]
    while waiting := [course for course in courses if course.advance()]:
        groups: dict[str | None, list[_Course]] = {}
        for course in waiting:
            groups.setdefault(together_key(course.step) or course.chain.name, []).append(course)
        for group in groups.values():
            _tune(group, store, notify)
    return [course.whole for course in courses]


def make_step(step: Step, store: Store, tick: Callable[[int, int], None]) -> None:
    """Make a step unless the store has it."""
    if not store.has(step.stage, step.key):
        with store.write(step.stage, step.key, {"label": step.label}) as draft:
            carry_out(step, store, draft, tick)


class _Course:
    """How far a chain is."""

    def __init__(self, chain: Chain, store: Store, notify: Notify) -> None:
        self.chain, self._store, self._notify = chain, store, notify
        self._next, self._failed, self._told = 0, False, 0.0

    @property
    def step(self) -> Step:
        """The step to come."""
        return self.chain.steps[self._next]

    @property
    def whole(self) -> bool:
        """Whether every step is in the store."""
        return not self._failed and self._next == len(self.chain.steps)

    def advance(self) -> bool:
        """Make steps up to the next tuning step that has to be made; False when the chain has come to its end."""
        while not self._failed and self._next < len(self.chain.steps):
            if self._store.has(self.step.stage, self.step.key):
                self.tell("kept")
            elif self.step.stage == "tune":
                return True
            else:
                self._make()
                continue
            self._next += 1
        return False

    def _make(self) -> None:
        self.tell("started")
        counted = 0

        def tick(n: int, total: int) -> None:
            nonlocal counted
            counted = n
            self.tell_now_and_then(n=n, total=total)

        try:
            make_step(self.step, self._store, tick)
        except Exception as error:
            self.fail(error)
        else:
            self.done(n=counted)

    def tell(self, kind: Any, **more: Any) -> None:
        """Send an event about the step to come."""
        self._told = time.monotonic()
        self._notify(Event(kind, self.chain.name, self.step.stage, self.step.key, self.step.label, **more))

    def tell_now_and_then(self, **more: Any) -> None:
        """Send progress, but not more often than anyone can read it."""
        if time.monotonic() - self._told > _EVERY_S:
            self.tell("progress", **more)

    def done(self, **more: Any) -> None:
        """The step is in the store."""
        self.tell("done", **more)
        self._next += 1

    def fail(self, error: BaseException) -> None:
        """The step cannot be made, and neither can what follows from it."""
        self._notify(_failed(self.step, self.chain, self._store, error))
        self._failed = True


def _tune(courses: Sequence[_Course], store: Store, notify: Notify) -> None:
    """Make the tuning steps that some chains have come to, in one go."""
    by_key = {course.step.key: course for course in courses}
    drafts = {key: _OpenDraft(course.step, store) for key, course in by_key.items()}
    for course in by_key.values():
        course.tell("started")

    def tick(key: str, at: Progress) -> None:
        by_key[key].tell_now_and_then(n=at.step, total=at.n_steps, tokens=at.tokens, loss=at.loss)

    def failed(key: str, error: BaseException) -> None:
        drafts[key].drop(error)
        by_key[key].fail(error)

    try:
        steps = [course.step for course in by_key.values()]
        tune_steps(steps, store, {key: draft.draft for key, draft in drafts.items()}, tick, failed, base_model)
        for key in [key for key, draft in drafts.items() if draft.open]:
            drafts[key].keep()
            forget_half_done(store, key)
            facts = drafts[key].draft.facts
            by_key[key].done(n=facts["steps"], tokens=facts["tokens"])
    except Exception as error:
        for key in [key for key, draft in drafts.items() if draft.open]:
            failed(key, error)
    except BaseException as error:
        for draft in drafts.values():
            draft.drop(error)
        raise


class _OpenDraft:
    """A step being written, to be kept or dropped apart from its companions."""

    def __init__(self, step: Step, store: Store) -> None:
        self._context: AbstractContextManager[Draft] = store.write(step.stage, step.key, {"label": step.label})
        self.draft = self._context.__enter__()
        self.open = True

    def keep(self) -> None:
        """Put it into the store."""
        self.open = False
        self._context.__exit__(None, None, None)

    def drop(self, error: BaseException) -> None:
        """Throw it away."""
        if self.open:
            self.open = False
            try:
                self._context.__exit__(type(error), error, error.__traceback__)
            except BaseException as again:
                if again is not error and not isinstance(again, StoreError):
                    raise


def _failed(step: Step, chain: Chain, store: Store, error: BaseException) -> Event:
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
