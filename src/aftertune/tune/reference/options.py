"""Which of trl's own settings a study may pass on, and which it sets by keys of its own.

Nothing here needs trl or torch, so a study with a wrong option is refused before any work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftertune.errors import SpecError, did_you_mean
from aftertune.spec.tuning import TuneSpec

# Every name is a field of trl.SFTConfig; settings that only move files, logs or uploads are left out.
OPTIONS = frozenset(
    {
        "activation_checkpointing_kwargs",
        "activation_offloading",
        "ddp_backend",
        "ddp_broadcast_buffers",
        "ddp_bucket_cap_mb",
        "ddp_find_unused_parameters",
        "ddp_static_graph",
        "ddp_timeout",
        "deepspeed",
        "fsdp",
        "fsdp_config",
        "full_determinism",
        "loss_type",
        "neftune_noise_alpha",
        "packing",
        "packing_strategy",
        "pad_to_multiple_of",
        "padding_free",
        "router_aux_loss_coef",
        "tf32",
        "torch_compile",
        "torch_compile_backend",
        "torch_compile_mode",
        "torch_empty_cache_steps",
    }
)
STUDY_KEYS = {
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "micro_batch_size",
    "num_train_epochs": "epochs",
    "max_steps": "epochs",
    "learning_rate": "learning_rate",
    "lr_scheduler_type": "schedule",
    "lr_scheduler_kwargs": "schedule",
    "warmup_steps": "warmup",
    "optim": "optimizer",
    "optim_args": "optimizer",
    "adam_beta1": "optimizer",
    "adam_beta2": "optimizer",
    "adam_epsilon": "optimizer",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "bf16": "precision",
    "fp16": "precision",
    "activation_checkpointing": "gradient_checkpointing",
    "gradient_checkpointing": "gradient_checkpointing",
    "seed": "training_seeds",
    "data_seed": "training_seeds",
    "shuffle_dataset": "hold",
    "train_sampling_strategy": "hold",
    "max_length": "max_length",
}
WHOLE_DOCUMENTS = ("bfd", "bfd_split")  # "wrapped" cuts documents and lets them see each other

_MAPPINGS = {"deepspeed", "fsdp_config"}
_WHOLE_PROCESS = frozenset({"full_determinism", "tf32"})  # they would outlive the run


def check_trainer_options(spec: TuneSpec) -> None:
    """Refuse what the reference engine cannot do, before training and without torch.

    Raises:
        SpecError: `trainer` holds an unknown option or one that a key of the study sets; batches cannot be shared
            evenly by the processes; a packing strategy that mixes documents.
    """
    for name in sorted(spec.trainer):
        _check_name(name)
    for name in sorted(_MAPPINGS & set(spec.trainer)):
        _check_mapping(name, spec.trainer[name])
    if spec.batch_size % spec.processes:
        raise SpecError(
            f"tune.batch_size ({spec.batch_size}) cannot be shared evenly by tune.processes ({spec.processes})",
            f"set `tune.batch_size` to a multiple of {spec.processes}",
        )
    if spec.trainer.get("packing_strategy", "bfd") not in WHOLE_DOCUMENTS:
        raise SpecError(
            f"tune.trainer.packing_strategy: {spec.trainer['packing_strategy']!r} lets documents see each other",
            f"use one of: {', '.join(WHOLE_DOCUMENTS)}",
        )
    if spec.trainer.get("fsdp") and spec.processes == 1:
        raise SpecError(
            "tune.trainer.fsdp spreads a model over processes, and there is one", "set `tune.processes` to 2 or more"
        )


def _check_name(name: str) -> None:
    if name in STUDY_KEYS:
        raise SpecError(
            f"tune.trainer.{name}: the study sets this by its own key `tune.{STUDY_KEYS[name]}`",
            f"remove it, and set `tune.{STUDY_KEYS[name]}`",
        )
    if name not in OPTIONS:
        raise SpecError(
            f"tune.trainer.{name}: the reference engine passes no such option on to trl"
            f"{did_you_mean(name, OPTIONS | set(STUDY_KEYS))}; it passes on: {', '.join(sorted(OPTIONS))}",
            "correct or remove the option",
        )


def _check_mapping(name: str, given: Any) -> None:
    if not isinstance(given, Mapping):
        raise SpecError(
            f"tune.trainer.{name}: {given!r} is no mapping; what a file says would not be part of the run's identity",
            f"write the settings themselves under tune.trainer.{name}",
        )
    clashes = sorted({"optimizer", "scheduler"} & set(given))
    if clashes:
        raise SpecError(
            f"tune.trainer.{name} sets {' and '.join(clashes)}, which the study sets by keys of its own",
            f"remove {' and '.join(clashes)} from it",
        )


def packs(spec: TuneSpec) -> bool:
    """Whether documents are laid one after the other instead of being padded."""
    return bool(spec.trainer.get("packing") or spec.trainer.get("padding_free"))


def shards(spec: TuneSpec) -> bool:
    """Whether FSDP or DeepSpeed spreads the model over processes."""
    return bool(spec.trainer.get("fsdp") or spec.trainer.get("deepspeed"))


def apart(spec: TuneSpec) -> bool:
    """Whether a run needs processes of its own: several, or one whose torch is set up in another way."""
    return spec.processes > 1 or shards(spec) or bool(_WHOLE_PROCESS & set(spec.trainer))
