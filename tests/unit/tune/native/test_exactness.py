"""A run is the same run in any company: bit for bit against itself, closely against PEFT and against vmap(grad)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftertune.backends.adapter import add_adapter
from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.encode import IGNORE, encode, pad, total_steps
from aftertune.tune.native.engine import tune_together
from aftertune.tune.order import visiting_order
from aftertune.tune.record import Run
from aftertune.tune.schedule import schedule_factor
from aftertune.tune.trainable import lora_config
from tests_support.families import LOOPED, make_family

# Positions counted from the mask, biases on the scores, a state that runs on from row to row, stacked experts.
REFUSED = {
    "opt": "does not reproduce OPT",
    "bloom": "cannot be replaced",
    "mamba": "no adapter can be put on this model",
    "mixtral": "is of rank 8",
}
FAMILIES = ["llama", "qwen2", "gemma", "gpt2"]
WORDS = ["flour", "water", "salt", "dough", "oven", "bread", "bowl", "spoon", "table", "kitchen"]


def rows(n: int, longest: int) -> list[Row]:
    """Rows of very different lengths."""
    made = []
    for number in range(n):
        answer = " ".join(WORDS[(number * 7 + k) % 10] for k in range(1 + (number * 5) % longest))
        question = f"How do I use {WORDS[number % 10]}{' please' * (number % 4)}?"
        made.append(Row(str(number), (Turn("user", question), Turn("assistant", answer + "."))))
    return made


FAST = {"rank": 4, "learning_rate": 5e-3, "epochs": 2, "batch_size": 4, "max_length": 200}


def make(folder: Path, key: str, data: list[Row], seed: int, **changes) -> Run:
    folder.mkdir(parents=True)
    return Run(key, data, TuneSpec(**{**FAST, **changes}), 0, seed, "tiny", folder)


def tuned(model: Path, runs: list[Run]) -> dict:
    failures: dict[str, TuneError] = {}
    records = tune_together(load_model(ModelRef(model)), runs, lambda key, at: None, failures.__setitem__)
    assert not failures
    return records


def weights(run: Run) -> bytes:
    return (run.folder / "checkpoint" / "adapter_model.safetensors").read_bytes()


COMPANIONS = [
    {"seed": 2},
    {"seed": 3, "learning_rate": 1e-2, "schedule": "cosine", "batch_size": 3},
    {"seed": 4, "data": rows(9, 30), "epochs": 1, "max_grad_norm": 0.1},
    {"seed": 5, "data": rows(5, 3), "batch_size": 1, "epochs": 1.5},
    {"seed": 6, "optimizer": "sgd", "weight_decay": 0.1},
    {"seed": 7, "micro_batch_size": 2},
    {"seed": 8, "data": rows(16, 11), "dropout": 0.2},
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("changes", [{}, {"dropout": 0.1, "micro_batch_size": 3}], ids=["plain", "dropout, pieces"])
def test_a_run_is_bit_identical_for_every_k_slot_and_company(model_folder, tmp_path, family, changes):
    data, model = rows(11, 12), model_folder(family)
    alone = make(tmp_path / "alone", "x", data, 1, **changes)
    expected = tuned(model, [alone])["x"]
    for k, slot in ((2, 1), (4, 0), (4, 2), (8, 7), (8, 3)):
        company = [dict(one) for one in COMPANIONS[: k - 1]]
        runs = [
            make(tmp_path / f"{k}-{slot}-{n}", str(n), one.pop("data", data), one.pop("seed"), **one)
            for n, one in enumerate(company)
        ]
        mine = make(tmp_path / f"{k}-{slot}-mine", "x", data, 1, **changes)
        runs.insert(slot, mine)
        found = tuned(model, runs)["x"]
        assert weights(mine) == weights(alone)
        assert (mine.folder / "train.jsonl").read_bytes() == (alone.folder / "train.jsonl").read_bytes()
        assert found.final_sha256 == expected.final_sha256


def plain_losses(model: Path, data: list[Row], spec: TuneSpec, run: Run) -> tuple[list[float], dict]:
    """The textbook loop: PEFT, padded batches, torch's cross entropy over all logits, AdamW."""
    import torch

    loaded = load_model(ModelRef(model))
    examples = encode(data, loaded.chat, spec.max_length).examples
    with torch.random.fork_rng():
        torch.manual_seed(run.streams.seed("init"))
        network = add_adapter(loaded.model, lora_config(loaded.model, spec))
    # The base's own dropout stays off: its masks could not be the same.
    network.eval()
    trained = [value for value in network.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=spec.learning_rate, weight_decay=spec.weight_decay)
    n_steps, losses = total_steps(len(examples), spec.batch_size, spec.epochs), []
    lengths = [example.length for example in examples]
    for step, batch in enumerate(visiting_order(lengths, spec.batch_size, n_steps, run.streams)):
        ids, mask, labels = (torch.tensor(part) for part in pad([examples[n] for n in batch], 0))
        logits = network(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, spec.max_grad_norm)
        optimizer.param_groups[0]["lr"] = spec.learning_rate * schedule_factor(spec, step, n_steps)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses, {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_and_weights_are_those_of_a_plain_peft_loop(model_folder, tmp_path, family):
    from safetensors.torch import load_file

    data, model = rows(20, 12), model_folder(family)
    if family == "gpt2":
        model = without_dropout(model, tmp_path / "gpt2")
    run = make(tmp_path / "run", "x", data, 1, epochs=4, learning_rate=1e-3)
    tuned(model, [run, make(tmp_path / "other", "y", data, 2)])
    losses, expected = plain_losses(model, data, run.spec, run)
    lines = [json.loads(line) for line in (run.folder / "train.jsonl").read_text().splitlines()]
    assert len(losses) == 20
    assert max(abs(a - line["loss"]) for a, line in zip(losses, lines, strict=True)) < 1e-5
    found = load_file(str(run.folder / "checkpoint" / "adapter_model.safetensors"))
    for name, value in expected.items():
        mine = found[name.replace(".default", "")]
        assert float((mine - value).norm()) <= 1e-3 * float(value.norm())


@pytest.mark.parametrize("family", sorted({*LOOPED, *REFUSED}))
def test_every_architecture_is_tuned_as_peft_tunes_it_or_refused(tmp_path, family):
    """Sliding windows narrower than the rows, capped scores, scaled logits, experts: right, or not at all."""
    folder = make_family(tmp_path / "model", family)
    if family == "gpt2":
        folder = without_dropout(folder, tmp_path / "dry")
    data = rows(12, 12)
    run = make(tmp_path / "run", "x", data, 1, epochs=2, learning_rate=1e-3, max_length=100)
    failures: list[TuneError] = []
    try:
        tune_together(load_model(ModelRef(folder)), [run], lambda *a: None, lambda key, error: failures.append(error))
    except TuneError as error:
        failures.append(error)
    assert [REFUSED[family] in error.message for error in failures] == [True] * (family in REFUSED)
    if failures:
        return
    losses, _ = plain_losses(folder, data, run.spec, run)
    lines = [json.loads(line) for line in (run.folder / "train.jsonl").read_text().splitlines()]
    # These models are built to be touchy: their losses are near 30, so the tolerance is relative.
    for expected, line in zip(losses, lines, strict=True):
        assert line["loss"] == pytest.approx(expected, rel=2e-4)


def test_a_state_that_runs_on_from_row_to_row_is_seen(tmp_path):
    """By an exactly zero gradient: the numbers themselves move too little in a small model."""
    from aftertune.tune.native.bank import Bank
    from aftertune.tune.native.passes import Network
    from aftertune.tune.native.patch import patched

    for family, expected in (("mamba", True), ("llama", False), ("gemma2", False)):
        loaded = load_model(ModelRef(make_family(tmp_path / family, family)))
        examples = encode(rows(3, 12), loaded.chat, 100).examples
        with patched(loaded.model, Bank([], 4, [1.0], [0.0], "cpu"), gradient_checkpointing=False):
            assert Network.of(loaded, "float32").reaches_back(examples) is expected


def without_dropout(model: Path, folder: Path) -> Path:
    """The same model with its own dropout rates at zero, for comparisons with loops that draw other masks."""
    import shutil

    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    config.update(attn_pdrop=0.0, resid_pdrop=0.0, embd_pdrop=0.0)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_gradients_are_those_of_vmap_over_grad(model_folder):
    """An independent way to K gradients at once: torch.func over stacked PEFT parameters."""
    import torch
    from torch.func import functional_call, grad, vmap

    from aftertune.tune.native.adapter import fresh_adapter
    from aftertune.tune.native.bank import Bank
    from aftertune.tune.native.passes import Network, Part, n_learnt
    from aftertune.tune.native.patch import patched

    k, spec = 3, TuneSpec(**FAST)
    loaded = load_model(ModelRef(model_folder("llama")))
    # Equal shapes, as vmap needs them: the same rows for all, other weights.
    examples = encode(rows(4, 12), loaded.chat, 200).examples
    fresh = [fresh_adapter(loaded.model, spec, seed) for seed in range(k)]
    torch.manual_seed(0)
    pairs = [{name: (a, torch.randn_like(b) * 0.05) for name, (a, b) in one.pairs.items()} for one in fresh]
    bank = Bank(fresh[0].targets, spec.rank, [2.0] * k, [0.0] * k, "cpu")
    for slot, one in enumerate(pairs):
        bank.write(slot, one)
    n_tokens = sum(map(n_learnt, examples))

    class Slotted:
        def __init__(self, index):
            self.index = index

    with patched(loaded.model, bank, gradient_checkpointing=False):
        Network.of(loaded, "float32").learn([Part(Slotted(n), examples, 0, n_tokens, None) for n in range(k)])
    reference = load_model(ModelRef(model_folder("llama")))
    reference.model.set_attn_implementation("eager")
    network = add_adapter(reference.model, lora_config(reference.model, spec)).eval()
    ids, mask, labels = (torch.tensor(part) for part in pad(examples, 0))
    n, length = ids.shape
    allowed = torch.ones(length, length).tril().bool() & mask[:, None, None, :].bool()
    bias = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)
    places = torch.arange(length).expand(n, length)

    def loss(trained):
        out = functional_call(
            network,
            trained,
            kwargs={
                "input_ids": ids,
                "attention_mask": bias,
                "position_ids": places,
                "use_cache": False,
            },
        )
        logits = out.logits[:, :-1].flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=IGNORE)

    stacked = {}
    for name in fresh[0].pairs:
        for part, place in (("A", 0), ("B", 1)):
            full = f"base_model.model.{name}.lora_{part}.default.weight"
            stacked[full] = torch.stack([one[name][place] for one in pairs])
    found = vmap(grad(loss))(stacked)
    for index, target in enumerate(bank.targets):
        mine_a, mine_b = bank.pair(index, grads=True)
        full = f"base_model.model.{target.name}.lora_{{}}.default.weight"
        torch.testing.assert_close(mine_a, found[full.format("A")], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(mine_b.transpose(1, 2), found[full.format("B")], rtol=1e-4, atol=1e-7)
