"""torch's optimizers by the names that a study uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec

_FUSED = ("adamw", "adam", "sgd")


def make_optimizer(values: Sequence[Any], spec: TuneSpec) -> Any:
    """The optimizer of a run over its trained tensors; fused where torch has that."""
    optim = need("torch").optim
    made = {
        "adamw": optim.AdamW,
        "adam": optim.Adam,
        "sgd": optim.SGD,
        "rmsprop": optim.RMSprop,
        "nadam": optim.NAdam,
        "radam": optim.RAdam,
    }[spec.optimizer]
    fused = {"fused": True} if spec.optimizer in _FUSED else {}
    return made(list(values), lr=spec.learning_rate, weight_decay=spec.weight_decay, **fused)


def settings_of(optimizer: Any) -> dict[str, Any]:
    """An optimizer's class and every setting but the learning rate, as JSON types."""
    group = optimizer.param_groups[0]
    settings = {name: _plain(value) for name, value in sorted(group.items()) if name not in ("params", "lr")}
    return {"class": type(optimizer).__name__, **settings}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
