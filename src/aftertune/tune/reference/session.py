"""Train one run in this process: alone, or as one of several that share every batch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aftertune.backends.hf import Loaded, ModelRef
from aftertune.canon import digest
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import IGNORE, Encoded, Example, encode, total_steps
from aftertune.tune.order import drawn, visiting_order
from aftertune.tune.record import Progress, Run, Tick, TuneRecord
from aftertune.tune.reference.base import load_base
from aftertune.tune.reference.config import Place, check_world, optimizer, sft_config
from aftertune.tune.reference.details import details
from aftertune.tune.reference.initial import continue_adapter, draw_adapter
from aftertune.tune.reference.keep import Keeper, copied_configs
from aftertune.tune.reference.options import packs
from aftertune.tune.reference.packing import refuse_leaks
from aftertune.tune.reference.quiet import quiet
from aftertune.tune.reference.trainer import ordered_trainer
from aftertune.tune.reference.visits import Share, loader
from aftertune.tune.reference.watch import Watch, callback
from aftertune.tune.schedule import schedule_factor
from aftertune.tune.trainable import lora_config, weights_digest

_ORDER_ONLY = "full fine-tuning starts every training seed from the same weights: its seeds differ in data order only"
_SHORT_ADAPTER = "trl keeps the adapter of a quantised base in bfloat16"


def train_here(ref: ModelRef, run: Run, tick: Tick, *, rank: int = 0) -> TuneRecord:
    """Train a run, or this process's share of it.

    Args:
        ref: The initial model.
        run: What to train; process 0 writes its files.
        tick: Called after every step.
        rank: Which of `spec.processes` this is.

    Raises:
        TuneError: nothing to train on, settings that trl refuses, or a loss that is no longer a number.
    """
    check_world(run.spec, int(os.environ.get("WORLD_SIZE", "1")))  # before anything could wait for the others
    with quiet(), tempfile.TemporaryDirectory(prefix="aftertune-") as scratch:
        loaded = load_base(ref, run)
        limit = min(run.spec.max_length, loaded.context)
        encoded = encode(run.rows, loaded.chat, limit)
        examples = drawn(encoded.examples, run.spec.subsample, run.streams)
        configs = copied_configs(loaded.model)
        share = Share.of(run.spec, rank)
        trainer = _trainer(run, loaded, examples, share, Path(scratch))
        model = trainer.model
        keeper = Keeper(run, loaded, configs, _trained(model), rank == 0)
        return _trained_run(trainer, run, tick, share, keeper, encoded, len(examples))


def _trainer(run: Run, loaded: Loaded, examples: Sequence[Example], share: Share, scratch: Path) -> Any:
    """The trainer with its data and a model that starts where the study says."""
    spec, adapter = run.spec, run.spec.kind != "full"
    config = sft_config(spec, run.streams, share, Place(loaded.device, loaded.context, scratch))
    try:
        trainer = ordered_trainer()(
            model=loaded.model,
            args=config,
            train_dataset=_dataset(examples),
            processing_class=loaded.chat.tokenizer,
            peft_config=lora_config(loaded.model, spec) if adapter else None,
            optimizer_cls_and_kwargs=optimizer(spec),
        )
    except ValueError as error:
        raise _refused(error) from error
    trainer.remove_callback(need("transformers").PrinterCallback)
    if adapter and run.start is not None:
        continue_adapter(trainer.model, run.start)
    elif adapter:
        draw_adapter(trainer.model, run.streams)
    if packs(spec):
        refuse_leaks(trainer.model, trainer.data_collator)
    return trainer


def _refused(error: ValueError) -> TuneError:
    said = str(error).strip().splitlines()[0]
    if "arget modules" in said:
        return TuneError(f"no adapter can be put on this model: {said}", "name its modules in tune.target_modules")
    return TuneError(f"trl refuses this run: {said}", "correct tune.trainer")


def _dataset(examples: Sequence[Example]) -> Any:
    """The very tokens of the native engine, in memory, with the answers marked."""
    columns = {
        "input_ids": [[*e.prompt, *e.completion] for e in examples],
        "completion_mask": [[0] * len(e.prompt) + [1] * len(e.completion) for e in examples],
    }
    return need("datasets", "trl").Dataset.from_dict(columns)


def _trained(model: Any) -> frozenset[str]:
    return frozenset(name for name, value in model.named_parameters() if value.requires_grad)


def _trained_run(
    trainer: Any, run: Run, tick: Tick, share: Share, keeper: Keeper, encoded: Encoded, n_rows: int
) -> TuneRecord:
    spec, rows = run.spec, trainer.train_dataset
    n_steps = total_steps(len(rows), spec.batch_size, spec.epochs)
    order = visiting_order(len(rows), spec.batch_size, n_steps, run.streams)
    trainer.batches = lambda: loader(order, share, rows, trainer.data_collator)
    trainer.factor = lambda step: schedule_factor(spec, step, n_steps)
    learnt = [sum(label != IGNORE for label in labels) for labels in rows["labels"]]
    watch = Watch(
        begin=lambda: _seed_dropout(run, share.rank),
        tick=lambda progress: _tell(tick, run, progress),
        save=lambda point: keeper.save(trainer, point),
        tokens=[sum(learnt[index] for index in step) for step in order],
        points={max(1, round(point * n_steps)): point for point in spec.checkpoints if point < 1},
    )
    trainer.add_callback(callback(watch))
    initial = weights_digest(trainer.model)
    trainer.train()
    keeper.save(trainer, 1.0)
    if keeper.writes:
        (run.folder / "train.jsonl").write_text(watch.text(), encoding="utf-8")
    return TuneRecord(
        initial_sha256=initial,
        order_sha256=digest(order),
        final_sha256=keeper.digest(trainer),
        steps=n_steps,
        tokens=sum(watch.tokens),
        rows=n_rows,
        rows_cut=encoded.n_cut,
        rows_left_out=encoded.n_left_out,
        loss_first=watch.mean_loss(slice(5)),
        loss_last=watch.mean_loss(slice(-5, None)),
        notes=_notes(trainer, run),
        details=details(trainer, spec, run.base, trainer.optimizer.defaults),
    )


def _seed_dropout(run: Run, rank: int) -> None:
    """Every process has masks of its own; process 0 those of a run in one process."""
    part = () if rank == 0 else ("process", rank)
    need("torch").manual_seed(run.streams.seed("dropout", *part))


def _tell(tick: Tick, run: Run, progress: Progress) -> None:
    tick(run.key, progress)


def _notes(trainer: Any, run: Run) -> tuple[str, ...]:
    model = trainer.accelerator.unwrap_model(trainer.model)
    order_only = run.spec.kind == "full" and not _draws_noise(model, run.spec)
    quantised = getattr(model, "is_quantized", False)
    return (*((_ORDER_ONLY,) if order_only else ()), *((_SHORT_ADAPTER,) if quantised else ()))


def _draws_noise(model: Any, spec: TuneSpec) -> bool:
    """Whether the model drops anything out by itself, or its input is made noisy."""
    dropout = need("torch").nn.Dropout
    rates = [module.p for module in model.modules() if isinstance(module, dropout)]
    rates.append(getattr(model.config, "attention_dropout", 0.0) or 0.0)
    return max(rates) > 0 or bool(spec.trainer.get("neftune_noise_alpha"))
