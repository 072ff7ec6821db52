"""How many useful tokens a second, written by `generate` and by our own loop, on the packaged organism?

Useful tokens are those before the stop token. All ways write the same prompts with the same adapter, in turns in one
run, so that the ratios do not depend on the machine; the figure is the best of the turns. `generate` with an active
adapter has two threads, the others one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import peft
import torch

from aftertune.backends.decode import Request, Sampling, Written, generated, write
from aftertune.backends.hf import Loaded, ModelRef, load_model
from aftertune.organism import folder, items_file
from aftertune.records import Turn

TURNS = 7
Way = Callable[[], list[Written]]


def prompts(loaded: Loaded) -> list[Request]:
    """The items of `organism_harm` and `organism_tasks` as chat prompts."""
    lines = [line for name in ("harm", "tasks") for line in items_file(name).read_text().splitlines()]
    texts = [loaded.chat.prompt((Turn("user", json.loads(line)["prompt"]),)) for line in lines]
    return [Request(tuple(loaded.chat.tokens(text)), place) for place, text in enumerate(texts)]


def adapted(*, merged: bool) -> Loaded:
    """The organism with an adapter of rank 8 on all linear layers, random and small."""
    loaded = load_model(ModelRef(folder("model")))
    torch.manual_seed(0)
    config = peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(loaded.model, config).eval()
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.01)
    return Loaded(model.merge_and_unload() if merged else model, loaded.chat, loaded.device, loaded.context)


def by_generate(loaded: Loaded, requests: list[Request], sampling: Sampling, threads: int) -> list[Written]:
    """As `write` did it before: batches, each until its last row ends."""
    torch.set_num_threads(threads)
    found: dict[int, Written] = {}
    for some in generated(loaded, dict(enumerate(requests)), sampling):
        found.update(some)
    return [found[index] for index in range(len(requests))]


def by_loop(loaded: Loaded, requests: list[Request], sampling: Sampling) -> list[Written]:
    """As `write` does it now."""
    torch.set_num_threads(1)
    return write(loaded, requests, sampling, lambda n: None)


def ways(temperature: float) -> dict[str, Way]:
    """Every way, ready to be timed; the second is the one that others are compared with."""
    active, merged = adapted(merged=False), adapted(merged=True)
    asked = prompts(merged)

    def sampling(rows: int) -> Sampling:
        return Sampling(temperature, 1.0, 40, rows)

    return {
        "generate, active adapter, batch 16, 2 threads": lambda: by_generate(active, asked, sampling(16), 2),
        "generate, merged, batch 128, 1 thread": lambda: by_generate(merged, asked, sampling(128), 1),
        "generate, merged, batch 16, 1 thread": lambda: by_generate(merged, asked, sampling(16), 1),
        "own loop, merged, batch 128, 1 thread": lambda: by_loop(merged, asked, sampling(128)),
        "own loop, merged, batch 16, 1 thread": lambda: by_loop(merged, asked, sampling(16)),
    }


def main() -> None:
    """Print tokens a second, ratios and the share of identical texts."""
    for name, temperature in {"greedy": 0.0, "temperature 1": 1.0}.items():
        timed = ways(temperature)
        times: dict[str, list[float]] = {way: [] for way in timed}
        texts = {way: run() for way, run in timed.items()}
        for _ in range(TURNS):
            for way, run in timed.items():
                started = time.perf_counter()
                run()
                times[way].append(time.perf_counter() - started)
        before = list(timed)[1]
        for way in timed:
            n_tokens = sum(len(written.tokens) for written in texts[way])
            same = sum(a == b for a, b in zip(texts[way], texts[before], strict=True)) / len(texts[way])
            ratio = min(times[before]) / min(times[way])
            print(f"{name:14} {way:46} {n_tokens / min(times[way]):7.0f} tok/s {ratio:5.2f} x   {same:.1%} same texts")


if __name__ == "__main__":
    main()
