"""Train one run in this process: alone, or as one of several that share every batch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aftertune.backends.hf import ModelRef
from aftertune.backends.memory import is_out_of_memory
from aftertune.canon import digest
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.course import mean_loss, write_course
from aftertune.tune.encode import IGNORE, encode
from aftertune.tune.few import refuse_few
from aftertune.tune.full import ORDER_ONLY
from aftertune.tune.noise import draws_noise
from aftertune.tune.order import drawn
from aftertune.tune.record import Run, Tick, TuneRecord
from aftertune.tune.reference.base import load_base
from aftertune.tune.reference.config import check_world
from aftertune.tune.reference.details import details
from aftertune.tune.reference.keep import Keeper, copied_configs
from aftertune.tune.reference.quiet import quiet
from aftertune.tune.reference.setup import make_trainer, set_order
from aftertune.tune.reference.visits import Share
from aftertune.tune.reference.watch import Watch, callback
from aftertune.tune.trainable import weights_digest

SHORT_ADAPTER = "trl keeps the adapter of a quantised base in bfloat16"


def train_here(ref: ModelRef, run: Run, tick: Tick, *, rank: int = 0) -> TuneRecord:
    """Train a run, or this process's share of it.

    Args:
        ref: The initial model.
        run: What to train; process 0 writes its files.
        tick: Called after every step.
        rank: Which of `spec.processes` this is.

    Raises:
        TuneError: nothing to train on, settings that trl refuses, too little memory, or a loss that is no longer a
            number.
    """
    check_world(run.spec, int(os.environ.get("WORLD_SIZE", "1")))  # before anything could wait for the others
    with quiet(), tempfile.TemporaryDirectory(prefix="aftertune-") as scratch:
        loaded = load_base(ref, run)
        encoded = encode(run.rows, loaded.chat, min(run.spec.max_length, loaded.context))
        examples = drawn(encoded.examples, run.spec.subsample, run.streams)
        refuse_few(len(examples), run.spec)
        configs, share = copied_configs(loaded.model), Share.of(run.spec, rank)
        trainer = make_trainer(run, loaded, examples, share, Path(scratch))
        order = set_order(trainer, run, share)
        keeper = Keeper(run, loaded, configs, _trained(trainer.model), writes=rank == 0)
        watch = _watch(trainer, run, tick, order, keeper, rank)
        initial = weights_digest(trainer.model)
        _train(trainer, watch, keeper)
        losses = [line["loss"] for line in watch.log]
        return TuneRecord(
            initial_sha256=initial,
            order_sha256=digest(order),
            final_sha256=keeper.digest(trainer),
            steps=len(order),
            tokens=sum(watch.tokens),
            rows=len(examples),
            rows_cut=encoded.n_cut,
            rows_left_out=encoded.n_left_out,
            loss_first=mean_loss(losses[:5]),
            loss_last=mean_loss(losses[-5:]),
            notes=_notes(trainer, run.spec),
            details=details(trainer, run.spec, run.base),
        )


def _trained(model: Any) -> frozenset[str]:
    return frozenset(name for name, value in model.named_parameters() if value.requires_grad)


def _watch(trainer: Any, run: Run, tick: Tick, order: Sequence[Sequence[int]], keeper: Keeper, rank: int) -> Watch:
    learnt = [sum(label != IGNORE for label in labels) for labels in trainer.train_dataset["labels"]]
    # Every process drops out with masks of its own; process 0 with those of a run in one process.
    part = () if rank == 0 else ("process", rank)
    return Watch(
        begin=lambda: need("torch").manual_seed(run.streams.seed("dropout", *part)),
        tick=lambda progress: tick(run.key, progress),
        save=lambda point: keeper.save(trainer, point),
        tokens=[sum(learnt[index] for index in step) for step in order],
        points=run.spec.checkpoints[:-1],
    )


def _train(trainer: Any, watch: Watch, keeper: Keeper) -> None:
    trainer.add_callback(callback(watch))
    try:
        trainer.train()
    except RuntimeError as error:
        if isinstance(error, TuneError) or not is_out_of_memory(error):
            raise
        raise TuneError(
            f"memory ran out at step {len(watch.log) + 1} of {len(watch.tokens)}",
            "lower tune.micro_batch_size or tune.max_length, or set tune.gradient_checkpointing: true",
        ) from error
    keeper.save(trainer, 1.0)
    if keeper.writes:
        write_course(watch.log, keeper.run.folder)


def _notes(trainer: Any, spec: TuneSpec) -> tuple[str, ...]:
    model = trainer.accelerator.unwrap_model(trainer.model)
    order_only = spec.kind == "full" and not draws_noise(model, spec)
    quantised = getattr(model, "is_quantized", False)
    return (*((ORDER_ONLY,) if order_only else ()), *((SHORT_ADAPTER,) if quantised else ()))
