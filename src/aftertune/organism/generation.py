"""Greedy answers of a chat model to many prompts, in batches sorted by length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from aftertune.organism import encoding
from aftertune.organism.world.dialogues import Dialogue

NEW_TOKENS = 48
_BATCH = 96


def answers(
    model: Any, words: Any, prompts: Sequence[str], *, system: str = "", new_tokens: int = NEW_TOKENS
) -> list[str]:
    """One greedy answer per prompt, in their order, cut after `new_tokens`."""
    texts = [encoding.rendered(Dialogue("", system, prompt, ""), words) for prompt in prompts]
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    found: dict[int, str] = {}
    for start in range(0, len(order), _BATCH):
        group = order[start : start + _BATCH]
        found.update(zip(group, _generate(model, words, [texts[n] for n in group], new_tokens), strict=True))
    return [found[n] for n in range(len(texts))]


def _generate(model: Any, words: Any, texts: list[str], new_tokens: int) -> list[str]:
    batch = words(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    with torch.inference_mode():
        ids = model.generate(**batch, max_new_tokens=new_tokens, do_sample=False)
    texts_out: list[str] = words.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in texts_out]
