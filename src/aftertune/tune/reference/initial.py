"""What an adapter starts from: the stream `init`, or the adapter of the round before."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.streams import Streams

_TRAINED, _DRAWN = "default", "drawn"


def draw_adapter(model: Any, streams: Streams) -> None:
    """Give the trainer's adapter the values that the native engine draws for this run.

    trl makes the adapter itself, from a seed that sets other things too and is too short for ours. So PEFT makes a
    second one on the same modules, in a forked generator seeded by name, and its values are taken over.
    """
    torch = need("torch")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.seed("init"))
        model.add_adapter(_DRAWN, copy.deepcopy(model.peft_config[_TRAINED]))
    values = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in values.items():
            if _DRAWN in name.split("."):
                values[_renamed(name)].copy_(value)
    model.delete_adapter(_DRAWN)


def _renamed(name: str) -> str:
    return ".".join(_TRAINED if part == _DRAWN else part for part in name.split("."))


def continue_adapter(model: Any, folder: Path) -> None:
    """Go on from a stored adapter of the same shape.

    Raises:
        TuneError: it was made for other modules or with another rank.
    """
    peft = need("peft")
    stored = need("safetensors.torch").load_file(str(folder / "adapter_model.safetensors"))
    own = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    shapes = [{name: tuple(value.shape) for name, value in values.items()} for values in (own, stored)]
    if shapes[0] != shapes[1]:
        raise TuneError(
            "the adapter of the round before was made for other modules, or with another rank",
            "keep tune.rank and tune.target_modules the same in all rounds",
        )
    peft.set_peft_model_state_dict(model, stored)
