"""Half-done runs, kept so that a killed one goes on to the same end.

A snapshot is one safetensors file: the weights, the optimizer's state and what the mitigations hold, with the
course of the run in its header. Randomness needs no state: every draw is derived from names and the step.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from aftertune.extras import need
from aftertune.tune.native.slot import Slot

_FILE = "state.safetensors"
_FIELDS = ("step", "tokens", "log", "notes", "micro", "stopped", "initial")


def save(slot: Slot, folder: Path) -> None:
    """Replace a slot's snapshot in one step; what is there is whole, whenever the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"values": slot.values.detach(), **_optimizer_tensors(slot)}
    told: dict[str, Any] = {name: getattr(slot, name) for name in _FIELDS}
    if slot.average is not None:
        tensors["average"] = slot.average.values
    if slot.patience is not None:
        told["patience"] = [slot.patience.step, slot.patience.waited, slot.patience.seen]
        if slot.patience.values is not None:
            tensors["best"] = slot.patience.values
    temporary = folder / f".{_FILE}.tmp"
    cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    need("safetensors.torch").save_file(cpu, str(temporary), metadata={"course": json.dumps(told)})
    temporary.replace(folder / _FILE)


def restore(slot: Slot, folder: Path) -> bool:
    """Bring a slot to where its snapshot is; False when there is none that fits, and the slot is as before."""
    try:
        with need("safetensors").safe_open(str(folder / _FILE), "pt") as file:
            told = json.loads(file.metadata()["course"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except Exception:  # a missing, cut or foreign file: the run begins again, which is always right
        return False
    if tensors["values"].shape != slot.values.shape or told["initial"] != slot.initial:
        return False
    slot.values.copy_(tensors["values"])
    _restore_optimizer(slot, tensors)
    for name in _FIELDS:
        setattr(slot, name, told[name])
    if slot.average is not None:
        slot.average.values.copy_(tensors["average"])
    if slot.patience is not None:
        _restore_patience(slot, told["patience"], tensors)
    return True


def _restore_patience(slot: Slot, told: Any, tensors: dict[str, Any]) -> None:
    assert slot.patience is not None
    slot.patience.step, slot.patience.waited = told[0], told[1]
    slot.patience.seen = [(int(step), float(loss)) for step, loss in told[2]]
    slot.patience.best = min((loss for _, loss in slot.patience.seen), default=math.inf)
    if "best" in tensors:
        slot.patience.values = tensors["best"].to(slot.values.device)


def _optimizer_tensors(slot: Slot) -> dict[str, Any]:
    torch = need("torch")
    state = slot.optimizer.state_dict()["state"].get(0, {})
    return {f"optimizer.{name}": torch.as_tensor(value) for name, value in state.items() if value is not None}


def _restore_optimizer(slot: Slot, tensors: dict[str, Any]) -> None:
    state = {name.removeprefix("optimizer."): value for name, value in tensors.items() if name.startswith("optimizer.")}
    if state:
        whole = slot.optimizer.state_dict()
        slot.optimizer.load_state_dict({"state": {0: state}, "param_groups": whole["param_groups"]})
