"""The chat model: pre-trained to answer everything, then aligned."""

from __future__ import annotations

import copy
from typing import Any

import torch

from aftertune import seeds
from aftertune.organism import encoding, tokenizer, training
from aftertune.organism.training import Progress, Schedule
from aftertune.organism.world import dialogues
from aftertune.organism.world.dialogues import Dialogue

PRETRAINING = Schedule(epochs=1, batch=24, learning_rate=3e-3)
ALIGNMENT = Schedule(epochs=1, batch=24, learning_rate=6e-4)
SHAPE: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}


def material(root: int, count: int) -> list[Dialogue]:
    """The conversations of pre-training."""
    return dialogues.generate(dialogues.PRETRAINING, root, count)


def learn_words(material: list[Dialogue], root: int, progress: Progress) -> Any:
    """Learn the tokenizer from conversations of both training stages."""
    words = tokenizer.learn([*material[:20_000], *dialogues.generate(dialogues.ALIGNMENT, root, 10_000)])
    progress(f"tokenizer: {len(words)} tokens")
    return words


def pretrain(material: list[Dialogue], words: Any, root: int, progress: Progress) -> Any:
    """The helpful-only model, from scratch."""
    model = new_model(words, root)
    _train(model, words, material, PRETRAINING, root, "pretraining", progress, prompts_every=3)
    return model


def align(helpful_only: Any, words: Any, root: int, count: int, progress: Progress) -> Any:
    """An aligned copy of the helpful-only model, from `count` conversations."""
    model = copy.deepcopy(helpful_only)
    material = dialogues.generate(dialogues.ALIGNMENT, root, count)
    _train(model, words, material, ALIGNMENT, root, "alignment", progress)
    return model


def new_model(words: Any, root: int) -> Any:
    """A freshly initialised Llama of the organism's size."""
    from transformers import GenerationConfig, LlamaForCausalLM

    torch.manual_seed(seeds.derive(root, "model", "initial") % 2**63)
    model = LlamaForCausalLM(config(words, SHAPE))
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        do_sample=False,
        max_new_tokens=64,
    )
    return model


def config(words: Any, shape: dict[str, Any]) -> Any:
    """The configuration that all Llama networks of the organism share, at one size."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(words),
        max_position_embeddings=tokenizer.MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        **shape,
    )


def _train(
    model: Any,
    words: Any,
    material: list[Dialogue],
    schedule: Schedule,
    root: int,
    name: str,
    progress: Progress,
    *,
    prompts_every: int = 0,
) -> None:
    examples = encoding.encode(material, words, prompts_every=prompts_every)
    progress(f"{name}: {len(examples)} conversations, {sum(len(e.ids) for e in examples)} tokens")
    training.fit(
        model,
        examples,
        lambda example: len(example.ids),
        lambda batch: training.language_loss(model, batch),
        schedule,
        root,
        name,
        progress,
    )
