"""Adapters as PEFT has them: made, read and written by PEFT's rules, so that any tool that knows PEFT takes ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.backends.adapter import add_adapter
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.native.bank import Target
from aftertune.tune.trainable import lora_config, tidy_config

_PREFIX = "base_model.model."
Pairs = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new adapter: its configuration, the modules it sits on, and its first weights."""

    config: Any
    targets: tuple[Target, ...]
    pairs: Pairs


def fresh_adapter(model: Any, spec: TuneSpec, seed: int) -> Fresh:
    """Let PEFT put an adapter on the model, take its weights, and take it off again.

    PEFT chooses the modules and draws the weights, from a forked generator: what was drawn before cannot change
    them, and the model is left as it was.

    Raises:
        TuneError: the model has no module that `target_modules` names, or one that cannot be tuned here.
    """
    torch, config = need("torch"), lora_config(model, spec)
    frozen = {name: value.requires_grad for name, value in model.named_parameters()}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            adapted = add_adapter(model, config)
        except ValueError as error:
            raise TuneError(
                f"no adapter can be put on this model: {error}", "name its modules in tune.target_modules"
            ) from error
    try:
        return _taken(adapted, config)
    finally:
        adapted.unload()
        model.__dict__.pop("peft_config", None)
        for name, value in model.named_parameters():
            value.requires_grad_(frozen[name])


def _taken(adapted: Any, config: Any) -> Fresh:
    layers = {name: m for name, m in adapted.base_model.model.named_modules() if hasattr(m, "lora_A")}
    pairs, targets = {}, []
    for name, layer in layers.items():
        if "default" not in layer.lora_A:
            raise TuneError(
                f"{name} is an embedding, and its adapter is of another kind", "leave it out of tune.target_modules"
            )
        a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        if a.shape[0] != config.r:
            raise TuneError(
                f"the adapter of {name} is of rank {a.shape[0]}, the others of rank {config.r}: stacked experts",
                "tune this model with `engine: reference`, or leave the module out of tune.target_modules",
            )
        targets.append(Target(name, a.shape[1], b.shape[0]))
        pairs[name] = (a.clone(), b.clone())
    return Fresh(config, tuple(targets), pairs)


def save_adapter(pairs: Pairs, config: Any, base: str, folder: Path) -> None:
    """Write an adapter folder that `peft` loads; the same bytes for the same weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, (a, b) in pairs.items():
        tensors[f"{_PREFIX}{name}.lora_A.weight"] = a.cpu().contiguous()
        tensors[f"{_PREFIX}{name}.lora_B.weight"] = b.cpu().contiguous()
    need("safetensors.torch").save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    config.inference_mode = True
    config.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    tidy_config(folder / "adapter_config.json", base)


def read_adapter(folder: Path, fresh: Fresh) -> Pairs:
    """The weights of a folder that `save_adapter` wrote, for the same modules and rank.

    Raises:
        TuneError: the folder's adapter sits on other modules or has another rank.
    """
    tensors = need("safetensors.torch").load_file(str(folder / "adapter_model.safetensors"))
    found = {name: _pair(tensors, name) for name in fresh.pairs}
    if len(tensors) != 2 * len(found) or any(
        pair is None or pair[0].shape != fresh.pairs[name][0].shape for name, pair in found.items()
    ):
        rank = json.loads((folder / "adapter_config.json").read_text()).get("r")
        raise TuneError(
            f"the adapter of the round before (rank {rank}, {len(tensors) // 2} modules) has another shape than this "
            f"round's (rank {fresh.config.r}, {len(found)} modules)",
            "use the same tune.rank and tune.target_modules in every round",
        )
    return {name: pair for name, pair in found.items() if pair is not None}


def _pair(tensors: Mapping[str, Any], name: str) -> tuple[Any, Any] | None:
    a, b = (tensors.get(f"{_PREFIX}{name}.lora_{part}.weight") for part in "AB")
    return None if a is None or b is None else (a, b)
