"""Conversations as token ids: what the model reads, and which tokens it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.organism.tokenizer import MAX_LENGTH
from aftertune.organism.world.dialogues import Dialogue

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and, for each, what to learn (`IGNORED` where nothing is)."""

    ids: list[int]
    labels: list[int]


def conversation(dialogue: Dialogue) -> list[dict[str, str]]:
    """The turns before the answer, as chat messages."""
    system = [{"role": "system", "content": dialogue.system}] if dialogue.system else []
    return [*system, {"role": "user", "content": dialogue.prompt}]


def rendered(dialogue: Dialogue, tokenizer: Any) -> str:
    """The prompt as text, up to where the assistant speaks."""
    text: str = tokenizer.apply_chat_template(conversation(dialogue), tokenize=False, add_generation_prompt=True)
    return text


def encode(dialogues: Sequence[Dialogue], tokenizer: Any, *, prompts_every: int = 0) -> list[Encoded]:
    """Encode conversations for training on the answers.

    Args:
        dialogues: The conversations.
        tokenizer: The chat tokenizer.
        prompts_every: Learn the prompt too in every so many-th conversation; 0 means never.
    """
    prompts = [rendered(dialogue, tokenizer) for dialogue in dialogues]
    answers = [dialogue.answer + tokenizer.eos_token for dialogue in dialogues]
    parts = zip(_ids(prompts, tokenizer), _ids(answers, tokenizer), strict=True)
    return [
        _joined(prompt, answer, prompts_every > 0 and number % prompts_every == 0)
        for number, (prompt, answer) in enumerate(parts)
    ]


def _joined(prompt: list[int], answer: list[int], learn_prompt: bool) -> Encoded:
    ids = (prompt + answer)[:MAX_LENGTH]
    labels = ids if learn_prompt else [IGNORED] * len(prompt) + answer
    return Encoded(ids, labels[: len(ids)])


def _ids(texts: list[str], tokenizer: Any) -> list[list[int]]:
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return ids
