"""How much faster is the packaged study than the same study written the usual way, in one plain script?

The usual way: for each arm and seed `trl.SFTTrainer` with its defaults (in float32), then, for the initial model and
every adapter, `generate` with the adapter in place, 16 prompts at a time in the order of the file, two threads. Both
ways use the same training sets and prompts, the same judges, the same first adapters and order of rows, so losses and
texts can be compared. Each is a command of its own, timed from its start to its end.

`--arms` and `--seeds` make only a part of the usual way, and scale it: training and generation by their number of
runs and models, the rest not at all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

BATCH = 16
LOGGED = 10  # trl logs the mean loss of so many steps
STAGES = ("start", "data", "training", "generation", "judging")


# The usual way


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - started


def usual(out: Path, n_arms: int, n_seeds: int) -> None:
    """The whole study in one process; leaves losses, texts and times in `out/said.json`."""
    clock = Clock()
    with clock.stage("start"):
        import datasets  # noqa: F401
        import torch
        import trl  # noqa: F401
        from tuning import bare, loaded_model, with_trl

        from aftertune import studies
        from aftertune.spec.load import load_study
        from aftertune.study import prepare

        torch.set_num_threads(2)
        loaded = loaded_model()
        prepared = prepare(load_study(studies.demo()), out / "store")
    with clock.stage("data"):
        runs, conditions = runs_of(prepared, out, n_arms, n_seeds), conditions_of(prepared, loaded)
    said: dict[str, Any] = {"losses": {}, "texts": {}}
    with clock.stage("generation"):
        said["texts"]["initial"] = answers(loaded.model, loaded, conditions)
    for name, run in runs.items():
        with clock.stage("training"):
            model, said["losses"][name] = with_trl(loaded, run)
        with clock.stage("generation"):
            said["texts"][name] = answers(model, loaded, conditions)
        bare(model)
    with clock.stage("judging"):
        judge(prepared, said["texts"])
    said["seconds"] = clock.seconds
    (out / "said.json").write_text(json.dumps(said))


def runs_of(prepared: Any, out: Path, n_arms: int, n_seeds: int) -> dict[str, Any]:
    """The first seeds of the first arms, as runs; their training sets are made here."""
    from aftertune.data.build import read_training_set
    from aftertune.exec.chain import make_step
    from aftertune.tune.record import Run

    for step in prepared.plan.first:
        make_step(step, prepared.store, lambda n, total: None)
    found = {}
    for arm in prepared.study.arms[:n_arms]:
        rows = read_training_set(prepared.store.folder("data", prepared.plan.sets[arm.name, 1]))
        for seed in arm.tune.seeds[:n_seeds]:
            name = f"{arm.name} {seed}"
            root = prepared.study.declared.spec.seed
            found[name] = Run(name, rows, arm.tune, root, seed, "organism", out / "runs" / name)
    return found


def conditions_of(prepared: Any, loaded: Any) -> dict[str, dict[str, list[int]]]:
    """The prompts of every benchmark in every format, as tokens by item."""
    found = {}
    for benchmark in prepared.study.benchmarks:
        for form in prepared.study.formats:
            turns = {item.id: form.form.turns(item.prompt, form.system) for item in benchmark.items}
            prompts = {item: loaded.chat.tokens(loaded.chat.prompt(said)) for item, said in turns.items()}
            found[f"{benchmark.name} {form.name}"] = prompts
    return found


def answers(model: Any, loaded: Any, conditions: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, str]]:
    """What a model answers to every item under every condition."""
    model.eval()
    return {
        name: {item: text for batch in batches(prompts) for item, text in answered(model, loaded, batch)}
        for name, prompts in conditions.items()
    }


def batches(prompts: dict[str, list[int]]) -> Iterator[dict[str, list[int]]]:
    """Prompts a few at a time, in their order."""
    items = list(prompts)
    for start in range(0, len(items), BATCH):
        yield {item: prompts[item] for item in items[start : start + BATCH]}


def answered(model: Any, loaded: Any, batch: dict[str, list[int]]) -> Iterator[tuple[str, str]]:
    """The greedy answers of one batch, padded on the left."""
    import torch

    tokenizer, width = loaded.chat.tokenizer, max(map(len, batch.values()))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in batch.values()])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch.values()])
    settings = {"do_sample": False, "max_new_tokens": 40, "pad_token_id": pad, "use_cache": True}
    with torch.no_grad():
        written = model.generate(input_ids=ids, attention_mask=mask, **settings)
    texts = tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
    yield from zip(batch, texts, strict=True)


def judge(prepared: Any, texts: dict[str, dict[str, dict[str, str]]]) -> None:
    """Every judge on every text; a judge sets one thread, which no other stage comes after."""
    from aftertune.records import Response, Status

    judges = [judge.open() for judge in prepared.study.judges.values()]
    items = {benchmark.name: {item.id: item for item in benchmark.items} for benchmark in prepared.study.benchmarks}
    for answered in texts.values():
        for name, by_item in answered.items():
            asked = [items[name.split()[0]][item] for item in by_item]
            said = [Response(item, 0, text, Status.OK, 1, 1) for item, text in by_item.items()]
            for decide in judges:
                decide(asked, said)


# Ours


def ours(out: Path) -> dict[str, Any]:
    """Losses and texts of a finished demo, named as above."""
    from aftertune import studies
    from aftertune.spec.load import load_study
    from aftertune.steps import read_responses
    from aftertune.study import prepare

    prepared = prepare(load_study(studies.demo()), out / "store")
    losses = {}
    for run in prepared.plan.runs:
        lines = (prepared.store.folder("tune", run.key) / "train.jsonl").read_text().splitlines()
        steps = [json.loads(line)["loss"] for line in lines]
        losses[f"{run.arm} {run.training_seed}"] = [
            mean(steps[at : at + LOGGED]) for at in range(0, len(steps), LOGGED)
        ]
    texts: dict[str, dict[str, dict[str, str]]] = {}
    for cell in prepared.plan.cells:
        if not cell.probe:
            model = "initial" if cell.training_seed is None else f"{cell.arm} {cell.training_seed}"
            found = {said.item: said.text for said in read_responses(prepared.store, cell.responses_key)}
            texts.setdefault(model, {})[f"{cell.benchmark} {cell.prompt_format}"] = found
    return {"losses": losses, "texts": texts}


# The comparison


def timed(command: list[str]) -> float:
    """Wall seconds of a command."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def scaled(seconds: dict[str, float], wall: float, n_runs: int, n_all: int) -> float:
    """What all runs would take."""
    runs, models = n_all / n_runs - 1, (n_all + 1) / (n_runs + 1) - 1
    return wall + seconds["training"] * runs + (seconds["generation"] + seconds["judging"]) * models


def same_texts(theirs: dict[str, Any], own: dict[str, Any]) -> tuple[int, int]:
    """How many texts are the same, of how many."""
    pairs = [
        (text, own[model][condition][item])
        for model, conditions in theirs.items()
        for condition, by_item in conditions.items()
        for item, text in by_item.items()
    ]
    return sum(a == b for a, b in pairs), len(pairs)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--usual", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.usual:
        return usual(asked.usual, asked.arms, asked.seeds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "usual").mkdir()
        mine = timed([str(Path(sys.executable).parent / "aftertune"), "demo", "--out", str(folder / "demo")])
        part = ["--arms", str(asked.arms), "--seeds", str(asked.seeds)]
        wall = timed([sys.executable, __file__, "--usual", str(folder / "usual"), *part])
        theirs, own = json.loads((folder / "usual/said.json").read_text()), ours(folder / "demo")
    seconds, n_runs, n_all = theirs["seconds"], len(theirs["losses"]), len(own["losses"])
    theirs_all = scaled(seconds, wall, n_runs, n_all)
    print(f"the usual way, {n_runs} of {n_all} runs: {wall:.1f} s")
    print("  " + ", ".join(f"{stage} {took:.1f} s" for stage, took in seconds.items()))
    print(f"the usual way, {n_all} runs: {theirs_all:.1f} s")
    print(f"aftertune demo: {mine:.1f} s, {theirs_all / mine:.1f} times faster")
    rest = theirs_all - seconds["judging"] * (n_all + 1) / (n_runs + 1)
    print(f"  {rest / mine:.1f} times, if the usual way judged in no time")
    apart = [
        [abs(a - b) for a, b in zip(theirs["losses"][run], own["losses"][run], strict=True)] for run in theirs["losses"]
    ]
    last, any_ = max(line[-1] for line in apart), max(map(max, apart))
    print(f"mean losses of {LOGGED} steps: the last are within {last:.1e}, all within {any_:.1e}")
    n_same, n = same_texts(theirs["texts"], own["texts"])
    print(f"identical greedy texts: {n_same} of {n} ({n_same / n:.2%})")
    return None


if __name__ == "__main__":
    main()
