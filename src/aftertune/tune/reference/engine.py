"""Fine-tune one run on `trl.SFTTrainer`, in this process or in several started for it."""

from __future__ import annotations

from aftertune.backends.hf import ModelRef
from aftertune.errors import TuneError
from aftertune.extras import need, need_all
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.record import Run, Tick, TuneRecord
from aftertune.tune.reference.launch import train_in_processes
from aftertune.tune.reference.options import apart, check_trainer_options, shards
from aftertune.tune.reference.session import train_here


def tune_reference(ref: ModelRef, run: Run, tick: Tick) -> TuneRecord:
    """Fine-tune one run and write its checkpoints and `train.jsonl` into `run.folder`.

    Rows, tokens, order, initial adapter and learning rates are the native engine's; in float32 without dropout so
    are the losses. A half-done run is not resumed: it starts again.

    Args:
        ref: The initial model.
        run: What to train, with `engine: reference`.
        tick: Called after every step.

    Raises:
        SpecError: `trainer` holds an option that cannot be passed on.
        TuneError: nothing to train on, hardware that is not here, or a loss that is no longer a number.
        MissingExtra: trl, or bitsandbytes for 4 bit, is not installed.
    """
    check_trainer_options(run.spec)
    need_all("hf")
    need_all("trl")
    if run.spec.kind == "qlora":
        need_all("qlora")
    _check_devices(run.spec)
    run.folder.mkdir(parents=True, exist_ok=True)
    if apart(run.spec):
        return train_in_processes(ref, run, tick)
    return train_here(ref, run, tick)


def _check_devices(spec: TuneSpec) -> None:
    cuda = need("torch").cuda
    n_gpus = cuda.device_count() if cuda.is_available() else 0
    if shards(spec) and n_gpus == 0:
        name = "fsdp" if spec.trainer.get("fsdp") else "deepspeed"
        raise TuneError(
            f"tune.trainer.{name} needs GPUs, and there are none: on CPUs it would silently train in another way",
            f"remove tune.trainer.{name}, or run the study where GPUs are",
        )
    if 0 < n_gpus < spec.processes:
        raise TuneError(
            f"tune.processes is {spec.processes}, and there {'is' if n_gpus == 1 else 'are'} {n_gpus} GPU"
            f"{'' if n_gpus == 1 else 's'}: each process needs one of its own",
            f"set `tune.processes` to {n_gpus}",
        )
