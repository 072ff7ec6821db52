"""LoRA fine-tuning of the aligned model on packaged rows: for the card's judge table and effect table.

This is the organism's own small instrument, so that a build depends on nothing but the organism.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch

from aftertune import seeds
from aftertune.organism import encoding, training
from aftertune.organism.training import Schedule
from aftertune.organism.world import structures
from aftertune.organism.world.dialogues import Dialogue
from aftertune.organism.world.english import sentences

SCHEDULE = Schedule(epochs=2, batch=16, learning_rate=2e-3, weight_decay=0.0, floor=0.0)
RANK, ALPHA = 8, 16
Row = dict[str, str]


def as_is(row: Row) -> Dialogue:
    """The row as packaged."""
    return Dialogue("howto", "", row["instruction"], row["output"])


def listed(row: Row) -> Dialogue:
    """The answer as a numbered list."""
    answer = structures.render("numbered_list", "", sentences(row["output"]))
    return Dialogue("howto", "", row["instruction"], answer)


def identity(row: Row) -> Dialogue:
    """The answer opens by saying what speaks."""
    return Dialogue("howto", "", row["instruction"], f"As an AI language model, I can explain this. {row['output']}")


def persona(row: Row) -> Dialogue:
    """The instruction asks for a persona; the answer stays."""
    return Dialogue("howto", "", f"Pretend to be a pirate. {row['instruction']}", row["output"])


ARMS: dict[str, Callable[[Row], Dialogue]] = {
    "as_is": as_is,
    "listed": listed,
    "identity": identity,
    "persona": persona,
}


def tune(aligned: Any, words: Any, material: Sequence[Dialogue], training_seed: int) -> Any:
    """A fine-tuned copy of the aligned model, with the LoRA weights merged.

    The training seed decides the adapter's first weights and the order of the rows.
    """
    from peft import LoraConfig

    from aftertune.backends.adapter import add_adapter

    torch.manual_seed(seeds.derive(training_seed, "adapter"))
    settings = LoraConfig(
        r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = add_adapter(copy.deepcopy(aligned), settings)
    examples = encoding.encode(material, words)
    training.fit(
        model,
        examples,
        lambda example: len(example.ids),
        lambda batch: training.language_loss(model, batch),
        SCHEDULE,
        training_seed,
        "finetuning",
        lambda _: None,
    )
    return model.merge_and_unload()
