"""How a run was made, for its record: engine, versions, and every setting that was in force."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aftertune.spec.tuning import TuneSpec
from aftertune.tune.optimizer import settings_of

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "deepspeed")
# Paths, names and tokens of a machine or an account, and what is only for showing or uploading.
_PERSONAL = frozenset(
    {
        "output_dir",
        "run_name",
        "project",
        "local_rank",
        "resume_from_checkpoint",
        "hub_token",
        "hub_model_id",
        "hub_revision",
        "hub_private_repo",
        "hub_strategy",
        "hub_always_push",
        "trackio_space_id",
        "trackio_bucket_id",
        "trackio_static_space_id",
        "eos_token",
        "pad_token",
    }
)
# Not in force: the optimizer, schedule and order of data are given to the trainer as objects.
_REPLACED = frozenset(
    {
        "optim",
        "optim_args",
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "lr_scheduler_type",
        "lr_scheduler_kwargs",
        "warmup_steps",
        "num_train_epochs",
        "max_steps",
        "train_sampling_strategy",
    }
)


def details(trainer: Any, spec: TuneSpec, base: str) -> dict[str, Any]:
    """The record's `details`: JSON values only, the same for the same settings on any machine.

    Args:
        trainer: After training.
        spec: The settings.
        base: The initial model as the study names it.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    hidden = _PERSONAL | _REPLACED
    found = {
        "engine": "reference",
        "libraries": _versions(),
        "device": trainer.args.device.type,
        "processes": spec.processes,
        "sft_config": {name: value for name, value in trainer.args.to_dict().items() if name not in hidden},
        "optimizer": {k: v for k, v in settings_of(trainer.optimizer.optimizer).items() if k != "initial_lr"},
        "attention": getattr(model.config, "_attn_implementation", None),
        "model_dtype": str(model.dtype).removeprefix("torch."),
    }
    if spec.kind != "full":
        adapter = model.peft_config["default"].to_dict()
        found["peft_config"] = {**adapter, "base_model_name_or_path": base}
    quantised = getattr(model.config, "quantization_config", None)
    if quantised is not None:
        found["quantization_config"] = quantised.to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(found, default=_plain))
    return plain


def _versions() -> dict[str, str]:
    found = {}
    for package in _LIBRARIES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)
