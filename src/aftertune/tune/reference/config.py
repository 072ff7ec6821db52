"""A study's settings as trl's, every default that matters written out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.reference.visits import Share
from aftertune.tune.streams import Streams

_SHORT = 2**32  # the longest seed that every library accepts


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is trained.

    Attributes:
        device: `cpu` or `cuda`.
        context: Tokens that fit in a row.
        scratch: A folder that is thrown away.
    """

    device: str
    context: int
    scratch: Path


def sft_config(spec: TuneSpec, streams: Streams, share: Share, place: Place) -> Any:
    """The `trl.SFTConfig` of a run.

    Raises:
        TuneError: trl refuses a value.
    """
    settings = {
        **_training(spec, share),
        **_seeds(streams),
        **_data(spec, place.context),
        **_nothing_kept(place.scratch),
        **_hardware(spec, place.device),
        **spec.trainer,
    }
    try:
        config = need("trl", "trl").SFTConfig(**settings)
    except (ValueError, TypeError, ImportError) as error:
        raise TuneError(f"trl refuses these settings: {_first_line(error)}", "correct tune.trainer") from error
    check_world(spec, config.world_size)
    config._n_gpu = min(1, config.n_gpu)  # one process uses one GPU; more GPUs are used by more processes
    return config


def check_world(spec: TuneSpec, n_processes: int) -> None:
    """Refuse to train with other processes than the study says: a part of every batch would be missing.

    Raises:
        TuneError: there are more or fewer.
    """
    if n_processes != spec.processes:
        raise TuneError(
            f"{n_processes} process{'' if n_processes == 1 else 'es'} at work, but tune.processes is {spec.processes}",
            "start the study without a launcher of your own: it starts its processes itself",
        )


def _training(spec: TuneSpec, share: Share) -> dict[str, Any]:
    checkpointing = {"use_reentrant": False} if spec.gradient_checkpointing else None
    return {
        "per_device_train_batch_size": share.piece,
        "gradient_accumulation_steps": share.n_pieces,
        "average_tokens_across_devices": True,
        "num_train_epochs": 1,  # the loader lays all epochs out as one
        "max_steps": -1,
        "learning_rate": spec.learning_rate,
        "weight_decay": spec.weight_decay,
        "max_grad_norm": spec.max_grad_norm,
        "bf16": spec.precision == "bfloat16",
        "fp16": False,
        "activation_checkpointing": spec.gradient_checkpointing,
        "activation_checkpointing_kwargs": checkpointing,
        "gradient_checkpointing": spec.gradient_checkpointing,
        "use_cache": False,
        "loss_type": "nll",
        "auto_find_batch_size": False,
    }


def _seeds(streams: Streams) -> dict[str, int]:
    return {"seed": streams.seed("dropout") % _SHORT, "data_seed": streams.seed("order") % _SHORT}


def _data(spec: TuneSpec, context: int) -> dict[str, Any]:
    packing = bool(spec.trainer.get("packing"))
    return {
        "completion_only_loss": True,
        "assistant_only_loss": False,
        "max_length": min(spec.max_length, context) if packing else None,  # rows are cut before trl sees them
        "packing": packing,
        "padding_free": False,
        "shuffle_dataset": False,
        "dataset_num_proc": None,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
    }


def _nothing_kept(scratch: Path) -> dict[str, Any]:
    return {
        "output_dir": str(scratch),
        "report_to": "none",
        "push_to_hub": False,
        "save_strategy": "no",
        "eval_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "trust_remote_code": False,
    }


def _hardware(spec: TuneSpec, device: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"use_cpu": device == "cpu", "full_determinism": False}
    if spec.processes > 1:
        settings |= {"ddp_find_unused_parameters": False, "ddp_backend": "gloo" if device == "cpu" else "nccl"}
    return settings


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
