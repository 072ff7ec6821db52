"""How many tokens a second do twenty fine-tuning runs learn from: trl, a plain PEFT loop, and ours?

The organism, adapters of rank 8 on all linear layers, 40 steps of 16 rows each. All ways see the same tokens in the
same order and start from the same adapters, so their losses can be compared step by step. Tokens are those of prompts
and answers, without padding. Every way is timed from its first adapter to its last, imports and loading left out, in
processes of its own, and all ways in turns; the figure is the median of the turns. The slow ways tune fewer adapters,
which does not change their speed: they make one after another.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

STEPS, ROWS, EPOCHS, BATCH = 40, 160, 4, 16
RATE, RANK, MAX_LENGTH = 2e-3, 8, 128
# Name, threads, processes, adapters per pass (ours), adapters per turn (None: all).
WAYS: dict[str, tuple[int, int, int, int | None]] = {
    "trl": (2, 1, 1, 2),
    "trl, no checkpointing": (2, 1, 1, 2),
    "peft": (2, 1, 1, 2),
    "peft, 1 thread": (1, 1, 1, 2),
    "ours, K=1, one process": (1, 1, 1, 4),
    "ours, K=1": (1, 2, 1, None),
    "ours, K=2": (1, 2, 2, None),
    "ours, K=4": (1, 2, 4, None),
    "ours, K=10": (1, 2, 10, None),
}
SMALL_TOKENS, SMALL_STEPS, SMALL_ADAPTERS = 64, 40, 16


def small_ways() -> dict[str, Callable[[Any, Path], list[float]]]:
    """Every way of the second table."""
    ours = {f"K={k}": lambda loaded, out, k=k: small_ours(loaded, out, k) for k in (1, 2, 4, 8, 16)}
    return {"peft": small_peft, **ours}


# What is tuned


def spec(**changes: Any) -> Any:
    """The settings of the demo, over 40 steps."""
    from aftertune.spec.tuning import TuneSpec

    fields = {"rank": RANK, "learning_rate": RATE, "epochs": EPOCHS, "batch_size": BATCH, "max_length": MAX_LENGTH}
    return TuneSpec(**{**fields, **changes})


def run_of(rows: Sequence[Any], seed: int, folder: Path, **changes: Any) -> Any:
    """One adapter's run, as a study would ask for it."""
    from aftertune.tune.record import Run

    return Run(f"seed {seed}", rows, spec(**changes), 0, seed, "organism", folder / f"seed-{seed}")


def training_rows() -> Any:
    """The demo's arm `identity`, with more rows."""
    from aftertune.data.build import build_training_set
    from aftertune.data.source import load_source
    from aftertune.organism import rows_file

    source = load_source(rows_file("howto"))
    return build_training_set(source, [{"name": "identity", "mode": "add"}], rows=ROWS, seed=0).rows


def loaded_model() -> Any:
    """The organism, with a fixed number of threads afterwards: loading sets one."""
    import torch

    from aftertune.backends.hf import ModelRef, load_model
    from aftertune.organism import folder

    threads = torch.get_num_threads()
    loaded = load_model(ModelRef(folder("model")))
    torch.set_num_threads(threads)
    return loaded


def lessons(loaded: Any, run: Any) -> tuple[list[Any], list[list[int]]]:
    """A run's examples as tokens, and the examples of each step."""
    from aftertune.tune.encode import encode, total_steps
    from aftertune.tune.order import visiting_order

    examples = list(encode(run.rows, loaded.chat, run.spec.max_length).examples)
    n_steps = total_steps(len(examples), run.spec.batch_size, run.spec.epochs)
    return examples, visiting_order(len(examples), run.spec.batch_size, n_steps, run.streams)


def adapted(model: Any, run: Any) -> Any:
    """The model with the run's first adapter, as native tuning draws it."""
    import peft
    import torch

    torch.manual_seed(run.streams.seed("init"))
    return peft.get_peft_model(model, lora_config())


def lora_config() -> Any:
    """The adapter."""
    import peft

    return peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")


# The ways


def with_trl(
    loaded: Any, run: Any, *, learnt: tuple[Any, Any] | None = None, **settings: Any
) -> tuple[Any, list[float]]:
    """One run on `trl.SFTTrainer` with its defaults, in float32; the tuned model, and the losses that were logged.

    Its default precision is bfloat16, which the other ways do not use. The order of rows is the study's. Rows come as
    tokens, so that it has nothing to tokenize, and it must be told to learn answers only.
    """
    import datasets
    import trl

    examples, order = learnt or lessons(loaded, run)

    class InOrder(trl.SFTTrainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return Epochs(order, len(examples))

    columns = {
        "input_ids": [[*e.prompt, *e.completion] for e in examples],
        "completion_mask": [[0] * len(e.prompt) + [1] * len(e.completion) for e in examples],
    }
    config = trl.SFTConfig(
        output_dir=str(run.folder),
        per_device_train_batch_size=run.spec.batch_size,
        num_train_epochs=run.spec.epochs,
        learning_rate=RATE,
        use_cpu=True,
        bf16=False,
        completion_only_loss=True,
        report_to="none",
        **settings,
    )
    trainer = InOrder(
        model=adapted(loaded.model, run),
        args=config,
        train_dataset=datasets.Dataset.from_dict(columns),
        processing_class=loaded.chat.tokenizer,
    )
    trainer.train()
    return trainer.model, [line["loss"] for line in trainer.state.log_history if "loss" in line]


class Epochs:
    """Visits rows in the given order, an epoch at a time."""

    def __init__(self, order: Sequence[Sequence[int]], n_rows: int) -> None:
        self._visits, self._n_rows, self._epoch = [index for step in order for index in step], n_rows, 0

    def __len__(self) -> int:
        return self._n_rows

    def __iter__(self) -> Any:
        start, self._epoch = self._epoch * self._n_rows, self._epoch + 1
        return iter(self._visits[start : start + self._n_rows])


def with_peft(loaded: Any, run: Any, *, learnt: tuple[Any, Any] | None = None) -> tuple[Any, list[float]]:
    """One run in a plain loop over a PEFT model: padded batches, the model's own loss, AdamW, clipping."""
    import torch

    from aftertune.tune.encode import pad

    model = adapted(loaded.model, run).train()
    examples, order = learnt or lessons(loaded, run)
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / len(order))
    losses = []
    for step in order:
        ids, mask, labels = (torch.tensor(part) for part in pad([examples[index] for index in step], 0))
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return model, losses


def with_ours(loaded: Any, runs: Sequence[Any], together: int) -> list[list[float]]:
    """Runs as a worker of `aftertune run` makes them; their losses, from the files they leave."""
    from aftertune.tune.native.engine import tune_together

    for start in range(0, len(runs), together):
        tune_together(loaded, runs[start : start + together], lambda key, progress: None, fail)
    return [logged(run.folder) for run in runs]


def fail(key: str, error: BaseException) -> None:
    """A run that cannot be made ends the measurement."""
    raise error


def logged(folder: Path) -> list[float]:
    """The losses of a finished run."""
    return [json.loads(line)["loss"] for line in (folder / "train.jsonl").read_text().splitlines()]


def losses_of(way: str, loaded: Any, runs: Sequence[Any], together: int, **settings: Any) -> list[list[float]]:
    """Tune by a way."""
    if way.startswith("ours"):
        return with_ours(loaded, runs, together)
    found = []
    for run in runs:
        if way.startswith("peft"):
            model, losses = with_peft(loaded, run)
        else:
            kept = {"gradient_checkpointing": False} if "no checkpointing" in way else {}
            model, losses = with_trl(loaded, run, **kept, **settings)
        found.append(losses)
        bare(model)
    return found


def bare(model: Any) -> None:
    """Take the adapter off again, so that the next run starts from the same model."""
    model.gradient_checkpointing_disable()
    model.unload().__dict__.pop("peft_config", None)


# One process of a way


def child(way: str, first: int, n: int) -> None:
    """Load, warm up, say so, tune on a signal, and print how long it took and the losses."""
    import torch

    torch.set_num_threads(WAYS[way][0])
    torch.set_num_interop_threads(1)
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    loaded, rows = loaded_model(), training_rows()
    n_tokens = sum(e.length for e in lessons(loaded, run_of(rows, 1, Path()))[0]) * EPOCHS
    with tempfile.TemporaryDirectory() as folder:
        losses_of(way, loaded, [run_of(rows[: 2 * BATCH], 99, Path(folder), epochs=1)], 1)
        print("ready", file=channel, flush=True)
        for line in sys.stdin:
            settings = json.loads(line)
            runs = [run_of(rows, seed, Path(folder)) for seed in range(first, first + n)]
            started = time.perf_counter()
            losses = losses_of(way, loaded, runs, WAYS[way][2], **settings)
            took = time.perf_counter() - started
            said = {"seconds": took, "tokens": n_tokens * n, "steps": STEPS * n, "losses": losses}
            print(json.dumps(said), file=channel, flush=True)
            break


def turn(way: str, n: int, **settings: Any) -> dict[str, Any]:
    """Tune `n` adapters once by a way: how long the slowest process took, and everything they did."""
    threads, processes, _, _ = WAYS[way]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    shares = [n // processes + (place < n % processes) for place in range(processes)]
    started, first = [], 1
    for share in shares:
        command = [sys.executable, __file__, "--child", way, str(first), str(share)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, text=True, env=environment, **pipes))
        first += share
    for process in started:
        assert process.stdout.readline() == "ready\n", f"{way}: cannot be measured"
    for process in started:
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
    said = [json.loads(process.stdout.readline()) for process in started]
    for process in started:
        process.communicate()
    summed = {name: sum(one[name] for one in said) for name in ("tokens", "steps")}
    return {
        "seconds": max(one["seconds"] for one in said),
        "losses": sum((one["losses"] for one in said), []),
        **summed,
    }


# Small steps


def small_runs(loaded: Any, out: Path) -> list[Any]:
    """Runs of one row of 64 tokens a step."""
    from aftertune.records import Row, Turn

    def row(number: int) -> Row:
        answer = f"Number {number} is"
        while True:
            made = Row(str(number), (Turn("user", "Count."), Turn("assistant", answer)))
            text = loaded.chat.prompt(made.turns[:-1]) + loaded.chat.completion(made.turns)
            if len(loaded.chat.tokens(text)) >= SMALL_TOKENS:
                return made
            answer += " a"

    rows = [row(number) for number in range(SMALL_STEPS)]
    return [run_of(rows, seed, out, epochs=1, batch_size=1) for seed in range(1, SMALL_ADAPTERS + 1)]


def small_ours(loaded: Any, out: Path, together: int) -> list[float]:
    """Seconds of each chunk of `together` adapters, from its first step's end to its last's."""
    from aftertune.tune.native.engine import tune_together

    runs, seconds = small_runs(loaded, out), []
    for start in range(0, len(runs), together):
        ends: list[float] = []
        chunk = runs[start : start + together]
        tune_together(loaded, chunk, lambda key, progress, ends=ends: ends.append(time.perf_counter()), fail)
        seconds.append(ends[-1] - ends[together - 1])
    return seconds


def small_peft(loaded: Any, out: Path) -> list[float]:
    """The same in a plain loop."""
    seconds = []
    for run in small_runs(loaded, out):
        learnt = lessons(loaded, run)
        started = time.perf_counter()
        model, _ = with_peft(loaded, run, learnt=learnt)
        seconds.append((time.perf_counter() - started) * (SMALL_STEPS - 1) / SMALL_STEPS)
        bare(model)
    return seconds


def random_llama() -> Any:
    """A random Llama of another size, with the organism's tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from aftertune.backends.hf import Loaded

    torch.manual_seed(0)
    sizes = {"hidden_size": 256, "intermediate_size": 688, "num_hidden_layers": 4, "num_attention_heads": 8}
    organism = loaded_model()
    model = LlamaForCausalLM(LlamaConfig(vocab_size=4096, max_position_embeddings=512, **sizes)).eval()
    return Loaded(model, organism.chat, "cpu", 512)


def small_steps(turns: int) -> None:
    """Print the second table."""
    import torch

    torch.set_num_threads(1)
    tokens = SMALL_ADAPTERS * (SMALL_STEPS - 1) * SMALL_TOKENS
    for name, loaded in {"organism": loaded_model(), "hidden 256, 4 layers": random_llama()}.items():
        times: dict[str, list[float]] = {way: [] for way in small_ways()}
        for _ in range(turns):
            for way, timed in small_ways().items():
                with tempfile.TemporaryDirectory() as out:
                    times[way].append(sum(timed(loaded, Path(out))))
        one = median(times["K=1"])
        for way, seconds in times.items():
            print(f"{name:22} {way:6} {tokens / median(seconds):7.0f} tokens/s {one / median(seconds):5.2f} x K=1")


# The tables


def compare_losses() -> None:
    """Print how far the losses of the first adapter are apart at any step."""
    ours, peft = (turn(way, 2)["losses"][0] for way in ("ours, K=1", "peft"))
    trl = turn("trl", 1, logging_steps=1)["losses"][0]
    assert len(ours) == len(peft) == len(trl) == STEPS
    for name, losses in {"peft": peft, "trl": trl}.items():
        print(f"largest difference to ours at any of {STEPS} steps, {name}: {furthest(losses, ours):.1e}")


def furthest(some: Sequence[float], others: Sequence[float]) -> float:
    """The largest difference at any step."""
    return max(abs(a - b) for a, b in zip(some, others, strict=True))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--adapters", type=int, default=20)
    parser.add_argument("--child", nargs=3, metavar=("WAY", "FIRST", "N"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        way, first, n = asked.child
        return child(way, int(first), int(n))
    times: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(asked.turns):
        for way, (_, _, _, n) in WAYS.items():
            times[way].append(turn(way, min(n or asked.adapters, asked.adapters)))
    speeds = {way: [made["tokens"] / made["seconds"] for made in turns] for way, turns in times.items()}
    for way, found in speeds.items():
        steps = median(made["steps"] / made["seconds"] for made in times[way])
        spread = f"{min(found):6.0f} to {max(found):6.0f}"
        ratios = "".join(f" {median(found) / median(speeds[to]):5.2f} x {to}" for to in ("trl", "peft"))
        print(f"{way:24} {median(found):7.0f} tokens/s ({spread}) {steps:5.1f} steps/s {ratios}")
    compare_losses()
    small_steps(asked.turns)
    return None


if __name__ == "__main__":
    main()
