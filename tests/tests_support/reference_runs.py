"""Small runs of the reference engine, and the same training written out by hand to compare them with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aftertune.backends.hf import ModelRef, load_model
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import encode, pad, total_steps
from aftertune.tune.order import drawn, visiting_order
from aftertune.tune.record import Run, TuneRecord
from aftertune.tune.reference import tune_reference
from aftertune.tune.schedule import schedule_factor

FAST = {"rank": 2, "learning_rate": 5e-3, "epochs": 2, "batch_size": 4, "max_length": 128, "engine": "reference"}
ROWS = [
    Row(
        str(n),
        (
            Turn("user", f"How do I bake bread number {n}?"),
            Turn("assistant", f"First, mix flour {n}." + " Then rest." * (n % 4)),
        ),
    )
    for n in range(10)
]


def make_run(out: Path, *, seed: int = 1, rows=ROWS, start=None, number: int = 1, **changes: Any) -> Run:
    """A run of the settings above, with changes."""
    return Run("run", rows, TuneSpec(**{**FAST, **changes}), 0, seed, "tiny", out, start=start, round=number)


def train(folder: Path, out: Path, **changes: Any) -> TuneRecord:
    """Train on the reference engine."""
    return tune_reference(ModelRef(folder), make_run(out, **changes), lambda key, progress: None)


def losses(out: Path) -> list[float]:
    """What `train.jsonl` says of the loss."""
    return [json.loads(line)["loss"] for line in (out / "train.jsonl").read_text().splitlines()]


def start_by_hand(folder: Path, run: Run) -> tuple[Any, Any]:
    """The model, with a fresh adapter for LoRA, and its chat."""
    import torch
    from peft import LoraConfig

    from aftertune.backends.adapter import add_adapter

    loaded = load_model(ModelRef(folder))
    if run.spec.kind == "full":
        return loaded.model.train(), loaded.chat
    rank = run.spec.rank
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    torch.manual_seed(run.streams.seed("init"))
    return add_adapter(loaded.model, config).train(), loaded.chat


def by_hand(folder: Path, run: Run) -> tuple[Any, list[float]]:
    """The trained model and its losses: a plain loop over torch and PEFT, sharing only rows, order and schedule."""
    import torch

    spec, streams = run.spec, run.streams
    model, chat = start_by_hand(folder, run)
    examples = drawn(encode(run.rows, chat, spec.max_length).examples, spec.subsample, streams)
    n_steps = total_steps(len(examples), spec.batch_size, spec.epochs)
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=spec.learning_rate, weight_decay=spec.weight_decay)
    said = []
    lengths = [example.length for example in examples]
    for number, batch in enumerate(visiting_order(lengths, spec.batch_size, n_steps, streams)):
        optimizer.param_groups[0]["lr"] = spec.learning_rate * schedule_factor(spec, number, n_steps)
        ids, mask, labels = (torch.tensor(part) for part in pad([examples[i] for i in batch], 1))
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, spec.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        said.append(float(loss.detach()))
    return model, said
