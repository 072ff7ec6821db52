"""The stages that run in a second process beside the main one: the judge, then the effect of fine-tuning.

They read and write folders, never live models, so that they give the same as in one process after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aftertune.organism import judge_training, measure, storage
from aftertune.organism.measure import Chat, HeldOut
from aftertune.organism.recipe import Sizes

Answers = dict[str, list[str]]


def train_judge(folder: Path, root: int, sizes: Sizes) -> None:
    """Train the judge on the vocabulary in `folder/model` and save it to `folder/judge`."""
    storage.fix_threads()
    words = storage.tokenizer(folder / "model")
    judge, reader = judge_training.train(words, root, sizes.judge_pairs, lambda _: None)
    storage.save(folder / "judge", judge, reader)


def measure_effects(folder: Path, sizes: Sizes) -> tuple[dict[str, Any], Answers]:
    """Fine-tune the model in `folder/model` in every arm and measure it.

    Returns:
        The card's table of effects, and the answers of each arm's first model to the judge's questions.
    """
    storage.fix_threads()
    aligned = Chat(storage.model(folder / "model"), storage.tokenizer(folder / "model"))
    return measure.effects(aligned, HeldOut.every(sizes.items_every), sizes)
