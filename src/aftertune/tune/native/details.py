"""How a run was made, in full: versions, device, and every setting that the study leaves to a default."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import Any

from aftertune.backends.matmul import uses_onednn
from aftertune.extras import need
from aftertune.tune.native.passes import Network
from aftertune.tune.native.slot import Slot
from aftertune.tune.optimizer import settings_of
from aftertune.tune.record import EXECUTION

_LIBRARIES = ("torch", "transformers", "peft")


def details(network: Network, slot: Slot, together: int) -> dict[str, Any]:
    """JSON types only."""
    torch, loaded = need("torch"), network.loaded
    return {
        "engine": "native",
        "libraries": {name: version(name) for name in _LIBRARIES},
        "device": loaded.device,
        "float32_products": "oneDNN" if loaded.device == "cpu" and uses_onednn() else "torch",
        "model_dtype": str(loaded.model.dtype).removeprefix("torch."),
        "precision": slot.spec.precision,
        "optimizer": settings_of(slot.optimizer),
        "modules": dict(sorted(Counter(target.name.rpartition(".")[2] for target in slot.bank.targets).items())),
        # On a CPU nothing here can move a number.
        EXECUTION: {
            "threads": torch.get_num_threads(),
            "together": together,
            "stacked": network.stacked,
            "rows_per_pass": slot.micro,
        },
    }
