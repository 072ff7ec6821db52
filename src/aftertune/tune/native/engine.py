"""Tune K adapters of one base in one process, each step of all of them together.

On one CPU thread in float32 a run's whole course is the same to the last bit whatever K, its slot and its companions
are. On other devices it is the same up to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.backends.memory import free_cached, is_out_of_memory
from aftertune.errors import TuneError
from aftertune.tune.encode import Encoded, encode
from aftertune.tune.few import refuse_few
from aftertune.tune.native import snapshot
from aftertune.tune.native.adapter import Fresh, fresh_adapter, read_adapter
from aftertune.tune.native.bank import Bank
from aftertune.tune.native.details import details
from aftertune.tune.native.finish import finish, pairs_digest, save_points
from aftertune.tune.native.passes import Network, Part, parts_of
from aftertune.tune.native.patch import patched
from aftertune.tune.native.proof import check, expected_logps
from aftertune.tune.native.slot import Slot, open_slot
from aftertune.tune.record import Progress, Run, Tick, TuneRecord

Failed = Callable[[str, TuneError], None]


def shape_of(run: Run) -> tuple[Any, ...]:
    """What runs must share to be tuned in one bank."""
    spec = run.spec
    return spec.rank, spec.target_modules, spec.precision, spec.gradient_checkpointing


def tune_together(
    loaded: Loaded,
    runs: Sequence[Run],
    tick: Tick,
    failed: Failed,
    *,
    snapshot_every_s: float = 30.0,
) -> dict[str, TuneRecord]:
    """Tune runs of one base and one adapter shape, and write each one's checkpoints and `train.jsonl`.

    Args:
        loaded: The initial model; as before afterwards.
        runs: Runs of one `shape_of`; settings other than the shape may differ.
        tick: Told after each step of each run.
        failed: Told about each run that could not be made or whose loss is no longer a number; the others go on.
        snapshot_every_s: How often half-done runs are kept, for runs that say where.

    Returns:
        The record of each run that ended well, by its key.

    Raises:
        TuneError: nothing can be tuned on this model.
    """
    assert len({shape_of(run) for run in runs}) == 1, "runs of different shapes in one bank"
    prepared = list(_prepared(loaded, runs, failed))
    if not prepared:
        return {}
    specs = [run.spec for run, _, _ in prepared]
    first = prepared[0][1]
    scales = [(spec.alpha if spec.alpha is not None else 2 * spec.rank) / spec.rank for spec in specs]
    bank = Bank(first.targets, specs[0].rank, scales, [spec.dropout for spec in specs], loaded.device)
    slots = list(_opened(prepared, bank, failed))
    if not slots:
        return {}
    expected = expected_logps(loaded, prepared[0][2].examples)
    with patched(loaded.model, bank, gradient_checkpointing=specs[0].gradient_checkpointing):
        network = Network.of(loaded, specs[0].precision)
        check(network, expected)
        return _Training(network, slots, tick, failed, snapshot_every_s).run()


def _prepared(loaded: Loaded, runs: Sequence[Run], failed: Failed) -> Iterator[tuple[Run, Fresh, Encoded]]:
    encoded: dict[tuple[int, int], Encoded] = {}
    for run in runs:
        limit = min(run.spec.max_length, loaded.context)
        try:
            if (id(run.rows), limit) not in encoded:
                encoded[id(run.rows), limit] = encode(run.rows, loaded.chat, limit)
            found = encoded[id(run.rows), limit]
            refuse_few(len(found.examples), run.spec)
            yield run, fresh_adapter(loaded.model, run.spec, run.streams.seed("init")), found
        except TuneError as error:
            failed(run.key, error)


def _opened(prepared: Sequence[tuple[Run, Fresh, Encoded]], bank: Bank, failed: Failed) -> Iterator[Slot]:
    for index, (run, fresh, encoded) in enumerate(prepared):
        try:
            pairs = fresh.pairs if run.start is None else read_adapter(run.start, fresh)
            slot = open_slot(index, run, fresh, encoded, bank, pairs, pairs_digest(pairs))
        except TuneError as error:
            failed(run.key, error)
            continue
        if run.resume is not None:
            snapshot.restore(slot, run.resume)
        yield slot


class _Training:
    """The loop over steps."""

    def __init__(self, network: Network, slots: list[Slot], tick: Tick, failed: Failed, every_s: float) -> None:
        self._network, self._slots = network, slots
        self._tick, self._failed, self._every_s = tick, failed, every_s
        self._together = len(slots)
        self._kept_at = time.monotonic()
        self._records: dict[str, TuneRecord] = {}

    def run(self) -> dict[str, TuneRecord]:
        for slot in self._slots:
            if slot.first_tokens is not None:
                slot.first_tokens.reference = dict(enumerate(self._network.initial_logps(slot.examples)))
        self._close([slot for slot in self._slots if not slot.going])
        while going := [slot for slot in self._slots if slot.going]:
            self._step(going)
            self._keep(going)
            self._close([slot for slot in going if not slot.going])
        return self._records

    def _step(self, going: list[Slot]) -> None:
        losses = self._gradients(going)
        for slot in going:
            n_tokens = parts_of(slot)[0].n_tokens
            slot.advance(losses[slot.index], n_tokens)
            if slot.failure is None:
                self._look(slot)
                save_points(slot)
                self._tick(slot.run.key, Progress(slot.step, slot.n_steps, slot.tokens, losses[slot.index]))

    def _gradients(self, going: list[Slot]) -> dict[int, float]:
        """The losses of the next step, its gradients in the bank; with smaller passes when memory runs out."""
        while True:
            try:
                return self._try_gradients(going)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(going, error)
            for slot in going:
                slot.grads.zero_()

    def _try_gradients(self, going: list[Slot]) -> dict[int, float]:
        losses = dict.fromkeys((slot.index for slot in going), 0.0)
        for parts in _passes([parts_of(slot) for slot in going], self._together):
            for part, loss in zip(parts, self._network.learn(parts), strict=True):
                losses[part.slot.index] += loss
        return losses

    def _shrink(self, going: list[Slot], error: BaseException) -> None:
        """Halve the adapters per pass, then the rows per pass; give up at one row of one adapter."""
        free_cached()
        together, micro = min(self._together, len(going)), max(slot.micro for slot in going)
        if together > 1:
            self._together = together // 2
            note = f"memory ran out: adapters per pass lowered from {together} to {self._together}"
        elif micro > 1:
            note = f"memory ran out: rows per pass lowered from {micro} to {micro // 2}"
            for slot in going:
                slot.micro = min(slot.micro, micro // 2)
        else:
            raise TuneError(
                f"one row of one adapter does not fit in memory at step {going[0].step + 1}",
                "lower tune.max_length, set tune.gradient_checkpointing: true, or use a smaller model",
            ) from error
        for slot in going:
            slot.notes.append(note)

    def _look(self, slot: Slot) -> None:
        patience = slot.patience
        if patience is None or not patience.due(slot.step, slot.step == slot.n_steps):
            return
        loss = self._network.mean_loss(slot.index, patience.rows)
        slot.stopped = patience.look(loss, slot.values, slot.step) and slot.step < slot.n_steps

    def _keep(self, going: list[Slot]) -> None:
        if time.monotonic() - self._kept_at < self._every_s:
            return
        for slot in going:
            if slot.run.resume is not None and slot.failure is None:
                snapshot.save(slot, slot.run.resume)
        self._kept_at = time.monotonic()

    def _close(self, ended: list[Slot]) -> None:
        for slot in ended:
            if slot.failure is not None:
                self._failed(slot.run.key, slot.failure)
            else:
                self._records[slot.run.key] = finish(slot, details(self._network, slot, len(self._slots)))


def _passes(parts: Sequence[Sequence[Part]], together: int) -> Iterator[list[Part]]:
    """All slots' first parts, then their second ones and so on, at most `together` adapters at a time."""
    for number in range(max(map(len, parts))):
        row = [of_slot[number] for of_slot in parts if number < len(of_slot)]
        for start in range(0, len(row), together):
            yield row[start : start + together]
