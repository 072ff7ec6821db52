"""What a run leaves behind: checkpoints, the course of its training, and its record."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from aftertune.canon import digest
from aftertune.extras import need
from aftertune.tune.course import mean_loss, write_course
from aftertune.tune.native.adapter import save_adapter
from aftertune.tune.native.slot import Slot
from aftertune.tune.record import TuneRecord, checkpoint_name

Pairs = Mapping[str, tuple[Any, Any]]
_SHOWN = 5  # steps at either end that the loss of a run is told from


def save_points(slot: Slot) -> None:
    """Write the checkpoints that fall on the step just made, save the last one."""
    for point in slot.spec.checkpoints[:-1]:
        if slot.step == max(1, math.ceil(point * slot.n_steps)):
            save_adapter(result(slot), slot.fresh.config, slot.run.base, slot.run.folder / checkpoint_name(point))


def finish(slot: Slot, details: Mapping[str, Any]) -> TuneRecord:
    """Write the last checkpoint and `train.jsonl`; the record of the run."""
    pairs = result(slot)
    for point in slot.spec.checkpoints:
        folder = slot.run.folder / checkpoint_name(point)
        if not folder.exists():  # the last one, and those that an early stop left out
            save_adapter(pairs, slot.fresh.config, slot.run.base, folder)
    write_course(slot.log, slot.run.folder)
    losses = [line["loss"] for line in slot.log]
    return TuneRecord(
        slot.initial,
        digest(slot.order),
        pairs_digest(pairs),
        slot.step,
        slot.tokens,
        len(slot.examples),
        slot.encoded.n_cut,
        slot.encoded.n_left_out,
        mean_loss(losses[:_SHOWN]),
        mean_loss(losses[-_SHOWN:]),
        (*slot.notes, *_stop_note(slot)),
        details,
    )


def result(slot: Slot) -> Pairs:
    """The weights that the run stands for: averaged, or the best seen, and scaled, where that was asked for."""
    vector = slot.values.clone()
    if slot.average is not None:
        slot.values.copy_(slot.average.values)
    elif slot.patience is not None and slot.patience.values is not None and not slot.going:
        slot.values.copy_(slot.patience.values)
    pairs = slot.bank.read(slot.index)
    slot.values.copy_(vector)
    return {name: (a, b * slot.spec.adapter_scale) for name, (a, b) in pairs.items()}


def pairs_digest(pairs: Pairs) -> str:
    """The sha256 of an adapter's values by PEFT's names, exact to the bit."""
    hasher = hashlib.sha256()
    named = {
        f"base_model.model.{name}.lora_{part}.default.weight": value
        for name, pair in pairs.items()
        for part, value in zip("AB", pair, strict=True)
    }
    for name in sorted(named):
        hasher.update(name.encode())
        value = named[name].detach().cpu().contiguous().view(need("torch").uint8)
        hasher.update(value.numpy().tobytes())
    return hasher.hexdigest()


def _stop_note(slot: Slot) -> tuple[str, ...]:
    if slot.patience is None or not slot.patience.seen:
        return ()
    kept = f"the weights of step {slot.patience.step} were kept (loss {slot.patience.best:.4f} on rows held out)"
    how = f"stopped early after {slot.step} of {slot.n_steps} steps; " if slot.stopped else ""
    return (how + kept,)
