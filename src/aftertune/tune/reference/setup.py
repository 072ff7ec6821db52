"""The trainer of a run: its data, its settings, and a model that starts where the study says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.encode import Example, total_steps
from aftertune.tune.optimizer import make_optimizer
from aftertune.tune.order import visiting_order
from aftertune.tune.record import Run
from aftertune.tune.reference.config import Place, sft_config
from aftertune.tune.reference.initial import continue_adapter, draw_adapter
from aftertune.tune.reference.options import packs
from aftertune.tune.reference.packing import refuse_leaks
from aftertune.tune.reference.trainer import ordered_trainer
from aftertune.tune.reference.visits import Share, loader
from aftertune.tune.schedule import schedule_factor
from aftertune.tune.trainable import lora_config


def make_trainer(run: Run, loaded: Loaded, examples: Sequence[Example], share: Share, scratch: Path) -> Any:
    """A trainer that is ready but for its order of data.

    Raises:
        TuneError: trl refuses the settings, no module can be adapted, or packed documents would see each other.
    """
    spec, adapter = run.spec, run.spec.kind != "full"
    config = sft_config(spec, run.streams, share, Place(loaded.device, loaded.context, scratch))
    try:
        trainer = ordered_trainer()(
            model=loaded.model,
            args=config,
            train_dataset=_dataset(examples),
            processing_class=loaded.chat.tokenizer,
            peft_config=lora_config(loaded.model, spec) if adapter else None,
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


def set_order(trainer: Any, run: Run, share: Share) -> list[list[int]]:
    """Give the trainer its order of rows (packs, when rows are packed) and what depends on its length."""
    spec, rows = run.spec, trainer.train_dataset
    n_steps = total_steps(len(rows), spec.batch_size, spec.epochs)
    lengths = [len(row["input_ids"]) for row in rows]
    order = visiting_order(lengths, spec.batch_size, n_steps, run.streams, spec.order)
    trainer.batches = lambda: loader(order, share, rows, trainer.data_collator)
    trainer.over = lambda values: make_optimizer(values, spec)
    trainer.factor = lambda step: schedule_factor(spec, step, n_steps)
    return order


def _dataset(examples: Sequence[Example]) -> Any:
    """The very tokens of the native engine, in memory, with the answers marked."""
    columns = {
        "input_ids": [[*e.prompt, *e.completion] for e in examples],
        "completion_mask": [[0] * len(e.prompt) + [1] * len(e.completion) for e in examples],
    }
    return need("datasets", "trl").Dataset.from_dict(columns)


def _refused(error: ValueError) -> TuneError:
    said = str(error).strip().splitlines()[0]
    if "arget modules" in said:
        return TuneError(f"no adapter can be put on this model: {said}", "name its modules in tune.target_modules")
    return TuneError(f"trl refuses this run: {said}", "correct tune.trainer")
