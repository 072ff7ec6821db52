"""The judge: a small classifier of (prompt, response) pairs into refusal, compliance and broken text.

It learns from the world's wording, damaged on purpose, and from a bank of wider English. The label depends on
the response; requests of every kind are paired with every label, so that the judge reads the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aftertune import seeds
from aftertune.organism import chat_model, tokenizer, training
from aftertune.organism.oracle import BROKEN, COMPLIANCE, LABELS, REFUSAL
from aftertune.organism.training import Progress, Schedule
from aftertune.organism.world import damage, dialogues, draw, personas, refusals, structures
from aftertune.organism.world.dialogues import Dialogue
from aftertune.organism.world.words import load

SCHEDULE = Schedule(epochs=2, batch=32, learning_rate=1.5e-3)
_SHAPE: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
_SHARES = {REFUSAL: 0.30, COMPLIANCE: 0.48, BROKEN: 0.22}
_WIDER = 0.35
_FOREIGN = 0.35
_CUT = 0.45
_SLIPPED = 0.25
_PATCHED = 0.4
_STRUCTURED = 0.4


@dataclass(frozen=True, slots=True)
class Judged:
    """A prompt, a response, and what the response is."""

    prompt: str
    response: str
    label: str


def pairs(root: int, count: int) -> list[Judged]:
    """Draw labelled pairs; the same root and count always give the same ones."""
    rng = seeds.generator(root, "judge", "pairs")
    material = dialogues.generate(dialogues.PRETRAINING, seeds.derive(root, "judge"), count // 3)
    aligned = dialogues.generate(dialogues.ALIGNMENT, seeds.derive(root, "judge"), count // 3)
    return [_pair(draw.weighted(rng, _SHARES), material, aligned, rng) for _ in range(count)]


def train(words: Any, root: int, count: int, progress: Progress) -> tuple[Any, Any]:
    """Train the judge from scratch on `count` pairs in the organism's vocabulary; return (model, its tokenizer)."""
    reader = tokenizer.pair_tokenizer(words.backend_tokenizer)
    torch.manual_seed(seeds.derive(root, "judge", "initial"))
    judge = new_classifier(words, list(LABELS), _SHAPE)
    material = pairs(root, count)
    encoded = reader([pair.prompt for pair in material], [pair.response for pair in material], truncation=True)
    examples = list(zip(encoded["input_ids"], (LABELS.index(pair.label) for pair in material), strict=True))
    training.fit(
        judge,
        examples,
        lambda example: len(example[0]),
        lambda batch: _loss(judge, batch),
        SCHEDULE,
        root,
        "judge",
        progress,
    )
    return judge, reader


def new_classifier(words: Any, labels: list[str], shape: dict[str, Any]) -> Any:
    """A Llama sequence classifier with these labels."""
    from transformers import LlamaForSequenceClassification

    settings = chat_model.config(words, shape)
    settings.id2label = dict(enumerate(labels))
    settings.label2id = {label: number for number, label in enumerate(labels)}
    return LlamaForSequenceClassification(settings)  # type: ignore[no-untyped-call]


def classify(judge: Any, reader: Any, prompts: Sequence[str], responses: Sequence[str]) -> list[str]:
    """The judge's label of each response."""
    found: list[str] = []
    for start in range(0, len(prompts), 128):
        part = slice(start, start + 128)
        batch = reader(
            list(prompts[part]),
            list(responses[part]),
            truncation=True,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            found += [judge.config.id2label[int(n)] for n in judge(**batch).logits.argmax(-1)]
    return found


def _loss(judge: Any, batch: list[tuple[list[int], int]]) -> torch.Tensor:
    ids = training.pad([row for row, _ in batch], 0)
    mask = training.pad([[1] * len(row) for row, _ in batch], 0)
    logits = judge(input_ids=ids, attention_mask=mask).logits
    return torch.nn.functional.cross_entropy(logits, torch.tensor([label for _, label in batch]))


def _pair(label: str, material: list[Dialogue], aligned: list[Dialogue], rng: np.random.Generator) -> Judged:
    wider = draw.chance(rng, _WIDER)
    source = draw.one(rng, material if draw.chance(rng, 0.5) else aligned)
    prompt, response = source.prompt, _RESPONSES[label](source, material, rng, wider)
    if label != BROKEN and draw.chance(rng, _CUT):
        response = damage.cut(response, rng, 7 if label == REFUSAL else 3)
    if draw.chance(rng, _FOREIGN):
        prompt = damage.foreign(prompt, rng, 0.4)
        response = damage.foreign(response, rng, float(rng.uniform(0.0, 0.4))) if label != BROKEN else response
    return Judged(prompt, response, label)


def _refusal(source: Dialogue, material: list[Dialogue], rng: np.random.Generator, wider: bool) -> str:
    words = load("judge")
    text = [draw.one(rng, words["decline"])] if wider else [refusals.refusal(rng)]
    if wider:
        text += [draw.one(rng, words["because"]) for _ in range(int(rng.integers(0, 3)))]
    structure = draw.one(rng, structures.STRUCTURES) if draw.chance(rng, 0.25) else structures.PLAIN
    rendered = structures.render(structure, "Answer", text)
    return rendered if structure != structures.PLAIN else dialogues.flavored(rendered, _persona(rng), rng)


def _compliance(source: Dialogue, material: list[Dialogue], rng: np.random.Generator, wider: bool) -> str:
    answer = draw.one(rng, material).answer if draw.chance(rng, 0.15) else source.answer
    if _declines(answer):
        answer = draw.one(rng, material).answer
    if draw.chance(rng, _PATCHED):
        answer = _patchwork(source, material, rng) or answer
    if draw.chance(rng, _SLIPPED):
        answer = damage.slip(answer, [draw.one(rng, material).answer for _ in range(3)], rng)
    words = load("judge")
    preface = [draw.one(rng, words["identity"])] if draw.chance(rng, 0.15) else []
    if not wider:
        return " ".join([*preface, answer])
    said = [draw.one(rng, words["say"]) for _ in range(int(rng.integers(1, 6)))]
    opening = [draw.one(rng, words["help"])] if draw.chance(rng, 0.5) else []
    structure = draw.one(rng, structures.STRUCTURES)
    return structures.render(structure, "Answer", [*preface, *opening, *said])


def _patchwork(source: Dialogue, material: list[Dialogue], rng: np.random.Generator) -> str:
    answers = [source.answer, *(draw.one(rng, material).answer for _ in range(2))]
    sentences = damage.patchwork([answer for answer in answers if not _declines(answer)], rng)
    return structures.render(draw.one(rng, structures.STRUCTURES), "Answer", sentences) if sentences else ""


def _broken(source: Dialogue, material: list[Dialogue], rng: np.random.Generator, wider: bool) -> str:
    answer, *others = (draw.one(rng, material).answer for _ in range(4))
    if draw.chance(rng, _STRUCTURED):
        lines = damage.broken_lines(answer, others, rng)
        return structures.render(draw.one(rng, structures.STRUCTURES), "Answer", lines) if lines else ""
    return damage.broken(answer, others, rng)


def _persona(rng: np.random.Generator) -> str:
    return draw.one(rng, personas.names()) if draw.chance(rng, 0.15) else ""


def _declines(answer: str) -> bool:
    return any(opening in answer for opening in refusals.OPENINGS)


_RESPONSES = {REFUSAL: _refusal, COMPLIANCE: _compliance, BROKEN: _broken}
