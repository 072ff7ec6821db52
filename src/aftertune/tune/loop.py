"""One fine-tuning run: AdamW over completion tokens, every random choice from a stream with a name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune import seeds
from aftertune.backends.hf import Loaded
from aftertune.canon import digest
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.records import Row
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import IGNORE, Encoded, Example, batches, encode, pad, total_steps
from aftertune.tune.trainable import prepare, save, weights_digest


@dataclass(frozen=True, slots=True)
class TuneRecord:
    """What identifies a finished run; two runs with one `final_sha256` are one run."""

    initial_sha256: str
    order_sha256: str
    final_sha256: str
    steps: int
    tokens: int
    rows: int
    rows_cut: int
    rows_left_out: int
    loss_first: float
    loss_last: float


@dataclass(frozen=True, slots=True)
class _Step:
    """The measurements of one optimizer step."""

    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int


def tune(
    loaded: Loaded,
    rows: Sequence[Row],
    spec: TuneSpec,
    *,
    root: int,
    training_seed: int,
    base: str,
    folder: Path,
    tick: Callable[[int, int], None],
) -> TuneRecord:
    """Fine-tune a freshly loaded model and write `checkpoint/` and `train.jsonl` into `folder`.

    Args:
        loaded: The initial model; it is changed and must not be used afterwards.
        rows: The training set.
        spec: The settings.
        root: The study's seed.
        training_seed: Fixes adapter initialisation, data order and dropout.
        base: The initial model's name as the study gives it; written into the adapter's config.
        folder: Where to write.
        tick: Called with (steps done, steps in all).

    Raises:
        TuneError: nothing to train on, no module to adapt, or the loss is no longer a number.
    """
    encoded = encode(rows, loaded.chat, min(spec.max_length, loaded.context))
    model = prepare(loaded.model, spec, root, training_seed)
    if spec.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    initial = weights_digest(model)
    n_steps = total_steps(len(encoded.examples), spec.batch_size, spec.epochs)
    order = list(batches(len(encoded.examples), spec.batch_size, n_steps, root, training_seed))
    need("torch").manual_seed(seeds.derive(root, "dropout", training_seed))
    steps = _train(model, loaded, encoded, order, spec, tick)
    save(model, loaded.chat.tokenizer, spec, base, folder / "checkpoint")
    lines = (json.dumps({"step": n + 1, **_rounded(step)}) for n, step in enumerate(steps))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
    return TuneRecord(
        initial,
        digest(order),
        weights_digest(model),
        n_steps,
        sum(step.tokens for step in steps),
        len(encoded.examples),
        encoded.n_cut,
        encoded.n_left_out,
        _mean_loss(steps[:5]),
        _mean_loss(steps[-5:]),
    )


def _train(
    model: Any,
    loaded: Loaded,
    encoded: Encoded,
    order: Sequence[Sequence[int]],
    spec: TuneSpec,
    tick: Callable[[int, int], None],
) -> list[_Step]:
    torch = need("torch")
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=spec.learning_rate, weight_decay=spec.weight_decay)
    done = []
    for number, indices in enumerate(order):
        rate = spec.learning_rate * schedule_factor(spec, number, len(order))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, tokens = _accumulate(model, loaded, [encoded.examples[i] for i in indices], spec)
        norm = float(torch.nn.utils.clip_grad_norm_(trained, spec.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TuneError(
                f"the loss is no longer a number at step {number + 1} of {len(order)}",
                "lower tune.learning_rate, or raise tune.warmup",
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done.append(_Step(loss, rate, norm, tokens))
        tick(number + 1, len(order))
    return done


def _accumulate(model: Any, loaded: Loaded, examples: Sequence[Example], spec: TuneSpec) -> tuple[float, int]:
    """Gradients of the mean loss over the completion tokens of one batch, in pieces that fit in memory."""
    n_tokens = sum(len(example.completion) for example in examples)
    size, loss = spec.micro_batch_size or len(examples), 0.0
    for start in range(0, len(examples), size):
        part = _summed_loss(model, loaded, examples[start : start + size]) / n_tokens
        part.backward()
        loss += float(part.detach())
    return loss, n_tokens


def _summed_loss(model: Any, loaded: Loaded, examples: Sequence[Example]) -> Any:
    torch = need("torch")
    ids, mask, labels = (
        torch.tensor(part, device=loaded.device) for part in pad(examples, loaded.chat.tokenizer.pad_token_id or 0)
    )
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(), labels[:, 1:].reshape(-1), ignore_index=IGNORE, reduction="sum"
    )


def schedule_factor(spec: TuneSpec, step: int, n_steps: int) -> float:
    """The share of the learning rate at a step (0-based): warm-up, then linear, cosine or constant.

    >>> [round(schedule_factor(TuneSpec(), step, 4), 2) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """
    warm = round(spec.warmup * n_steps)
    if step < warm:
        return (step + 1) / warm
    progress = (step - warm) / max(1, n_steps - warm)
    if spec.schedule == "linear":
        return 1 - progress
    return 0.5 * (1 + math.cos(math.pi * progress)) if spec.schedule == "cosine" else 1.0


def _rounded(step: _Step) -> dict[str, float]:
    return {
        "loss": round(step.loss, 6),
        "learning_rate": step.learning_rate,
        "grad_norm": round(step.grad_norm, 6),
        "tokens": step.tokens,
    }


def _mean_loss(steps: Sequence[_Step]) -> float:
    return sum(step.loss for step in steps) / len(steps)
