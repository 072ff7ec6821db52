"""What a study may declare for a run: precision, checkpointing, streams, points, rounds, mitigations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.records import Row, Turn
from aftertune.spec.tuning import STREAMS, TuneSpec
from aftertune.tune.encode import encode
from aftertune.tune.native.adapter import fresh_adapter
from aftertune.tune.native.bank import Bank
from aftertune.tune.native.engine import tune_together
from aftertune.tune.native.passes import Network, Part, n_learnt
from aftertune.tune.native.patch import patched
from aftertune.tune.record import Run

FAST = {"rank": 2, "learning_rate": 5e-3, "epochs": 4, "batch_size": 4, "max_length": 128}
ROWS = [
    Row(str(n), (Turn("user", f"How do I bake bread {n}?"), Turn("assistant", f"Mix flour {n}. " * (1 + n % 4))))
    for n in range(12)
]


def go(model: Path, folder: Path, seed: int = 1, *, start: Path | None = None, number: int = 1, **changes):
    folder.mkdir(parents=True)
    spec = TuneSpec(**{**FAST, **changes})
    run = Run("x", ROWS, spec, 0, seed, "tiny", folder, start=start, round=number)
    failures: list[TuneError] = []
    records = tune_together(load_model(ModelRef(model)), [run], lambda *a: None, lambda k, e: failures.append(e))
    if failures:
        raise failures[0]
    return records["x"]


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "train.jsonl").read_text().splitlines()]


def tensors(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(str(folder / "adapter_model.safetensors"))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_gradient_checkpointing_changes_no_bit(model_folder, tmp_path, family):
    plain = go(model_folder(family), tmp_path / "a", dropout=0.1)
    saved = go(model_folder(family), tmp_path / "b", dropout=0.1, gradient_checkpointing=True)
    assert saved.final_sha256 == plain.final_sha256


def test_bfloat16_follows_float32_closely(model_folder, tmp_path):
    go(model_folder("llama"), tmp_path / "a")
    record = go(model_folder("llama"), tmp_path / "b", precision="bfloat16")
    assert record.details["precision"] == "bfloat16"
    pairs = list(zip(losses(tmp_path / "a"), losses(tmp_path / "b"), strict=True))
    assert max(abs(a - b) for a, b in pairs) < 0.05
    assert any(a != b for a, b in pairs)


def test_a_bfloat16_base_is_tuned_in_its_precision(model_folder, tmp_path):
    (tmp_path / "a").mkdir()
    run = Run("x", ROWS, TuneSpec(**FAST), 0, 1, "tiny", tmp_path / "a")
    loaded = load_model(ModelRef(model_folder("llama"), dtype="bfloat16"))
    record = tune_together(loaded, [run], lambda *a: None, lambda k, e: pytest.fail(str(e)))["x"]
    assert record.details["model_dtype"] == "bfloat16"
    assert record.loss_last < record.loss_first
    assert all(str(value.dtype) == "torch.float32" for value in tensors(tmp_path / "a" / "checkpoint").values())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_stacked_products_give_the_same_gradients(model_folder, dropout):
    """What a GPU does for many small adapters, run here: one product for all, up to rounding."""
    import torch

    loaded, spec = load_model(ModelRef(model_folder("llama"))), TuneSpec(**FAST)
    examples = encode(ROWS, loaded.chat, 128).examples
    fresh = [fresh_adapter(loaded.model, spec, seed) for seed in range(3)]
    grads = []
    for stacked in (False, True):
        bank = Bank(fresh[0].targets, spec.rank, [2.0, 1.0, 0.5], [dropout] * 3, "cpu")
        for slot, one in enumerate(fresh):
            bank.write(slot, {name: (a, b + 0.02) for name, (a, b) in one.pairs.items()})
        with patched(loaded.model, bank, gradient_checkpointing=False):
            network = Network(loaded, Network.of(loaded, "float32").head, stacked=stacked)
            # Slots out of order and one left out, as when a run has ended.
            parts = [part(2, examples[:5]), part(0, examples[5:7])]
            found = network.learn(parts)
        grads.append((found, bank.grads.clone()))
    assert grads[1][0] == pytest.approx(grads[0][0], rel=1e-5)
    torch.testing.assert_close(grads[1][1], grads[0][1], rtol=1e-3, atol=1e-6)
    assert not grads[0][1][1].any()


class At:
    def __init__(self, index: int) -> None:
        self.index = index


def part(slot: int, examples) -> Part:
    return Part(At(slot), examples, 7 + slot, sum(map(n_learnt, examples)), None)


@pytest.mark.parametrize("stream", ["init", "order", "dropout", "subsample"])
def test_a_held_stream_is_shared_by_all_seeds(model_folder, tmp_path, stream):
    settings = {"dropout": 0.2, "subsample": 0.7}
    hold = tuple(name for name in STREAMS if name not in (stream, "decode"))
    one = go(model_folder("llama"), tmp_path / "a", 1, hold=hold, training_seeds=1, **settings)
    other = go(model_folder("llama"), tmp_path / "b", 2, hold=hold, training_seeds=1, **settings)
    assert (one.initial_sha256 != other.initial_sha256) is (stream == "init")
    assert (one.order_sha256 != other.order_sha256) is (stream == "order")
    assert one.final_sha256 != other.final_sha256
    everything = ("init", "order", "dropout", "subsample")
    same = [
        go(model_folder("llama"), tmp_path / f"c{seed}", seed, hold=everything, training_seeds=1, **settings)
        for seed in (1, 2)
    ]
    assert same[0] == same[1]


def test_points_of_a_round_are_checkpoints_on_its_way(model_folder, tmp_path):
    go(model_folder("llama"), tmp_path / "whole")
    go(model_folder("llama"), tmp_path / "points", checkpoints=(0.25, 0.5, 1.0))
    names = sorted(path.name for path in (tmp_path / "points").iterdir() if path.is_dir())
    assert names == ["checkpoint", "checkpoint-0.25", "checkpoint-0.5"]
    last = [(tmp_path / run / "checkpoint" / "adapter_model.safetensors").read_bytes() for run in ("whole", "points")]
    assert last[0] == last[1]
    half = tensors(tmp_path / "points" / "checkpoint-0.5")
    assert any((half[name] != value).any() for name, value in tensors(tmp_path / "points" / "checkpoint").items())


def test_a_round_goes_on_from_the_one_before(model_folder, tmp_path):
    first = go(model_folder("llama"), tmp_path / "1")
    second = go(model_folder("llama"), tmp_path / "2", start=tmp_path / "1" / "checkpoint", number=2)
    assert second.initial_sha256 == first.final_sha256
    assert second.order_sha256 != first.order_sha256
    assert losses(tmp_path / "2")[0] < losses(tmp_path / "1")[0]


def test_a_round_of_another_rank_is_refused(model_folder, tmp_path):
    go(model_folder("llama"), tmp_path / "1")
    with pytest.raises(TuneError, match=r"rank 2.*rank 4") as caught:
        go(model_folder("llama"), tmp_path / "2", start=tmp_path / "1" / "checkpoint", number=2, rank=4)
    assert "tune.rank" in caught.value.fix


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "rmsprop", "nadam", "radam"])
def test_every_optimizer_learns(model_folder, tmp_path, optimizer):
    rate = 0.5 if optimizer == "sgd" else 5e-3
    record = go(model_folder("llama"), tmp_path / "a", optimizer=optimizer, learning_rate=rate)
    assert record.loss_last < record.loss_first
    assert record.details["optimizer"]["class"].lower() == optimizer


def test_adapter_scale_multiplies_what_the_adapter_does(model_folder, tmp_path):
    go(model_folder("llama"), tmp_path / "a")
    go(model_folder("llama"), tmp_path / "b", adapter_scale=0.5)
    whole, half = (tensors(tmp_path / name / "checkpoint") for name in "ab")
    for name, value in whole.items():
        assert (half[name] == (value * 0.5 if "lora_B" in name else value)).all()


def test_ema_is_the_average_by_hand(model_folder, tmp_path):
    """Against the run's own checkpoints after every step."""
    points = tuple((step + 1) / 12 for step in range(12))
    go(model_folder("llama"), tmp_path / "a", checkpoints=(*points[:-1], 1.0))
    record = go(model_folder("llama"), tmp_path / "b", ema=0.5)
    assert record.steps == 12
    folders = sorted((tmp_path / "a").glob("checkpoint-*"), key=lambda path: float(path.name.partition("-")[2]))
    name = next(name for name in tensors(tmp_path / "b/checkpoint") if "lora_B" in name)
    average = 0.0  # B starts at zero
    for step, folder in enumerate([*folders, tmp_path / "a/checkpoint"], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * tensors(folder)[name]
    assert tensors(tmp_path / "b/checkpoint")[name].numpy() == pytest.approx(average.numpy(), rel=1e-4, abs=1e-8)


def test_early_stop_keeps_the_best_weights_and_says_when(model_folder, tmp_path):
    stop = {"share": 0.25, "every": 1, "patience": 2}
    # A rate that soon makes things worse on rows that are not trained on.
    record = go(model_folder("llama"), tmp_path / "a", early_stop=stop, learning_rate=0.3, epochs=80, optimizer="sgd")
    assert record.rows == 9
    assert record.steps < 60
    assert "stopped early after" in record.notes[0]
    assert "rows held out" in record.notes[0]
    best = int(record.notes[0].split("weights of step ")[1].split()[0])
    assert best == record.steps - 2


def test_first_tokens_are_held_near_the_initial_model(model_folder, tmp_path):
    """With all tokens held strongly, answers gain less probability than without (Qi et al. 2024)."""
    import torch

    model, moved = model_folder("llama"), {}
    strong = {"tokens": 1000, "beta": 20.0, "first_beta": 20.0}
    initial = load_model(ModelRef(model))
    for name, changes in (("plain", {}), ("held", {"first_tokens": strong})):
        go(model, tmp_path / name, epochs=80, optimizer="sgd", learning_rate=1.0, max_grad_norm=100, **changes)
        loaded, change = load_model(ModelRef(model), tmp_path / name / "checkpoint"), []
        for example in encode(ROWS, initial.chat, 128).examples:
            ids = torch.tensor([[*example.prompt, *example.completion]])
            with torch.inference_mode():
                after, before = (one.model(ids).logits[0, :-1].log_softmax(-1) for one in (loaded, initial))
            change += (after - before).gather(1, ids[0, 1:, None])[len(example.prompt) - 1 :, 0].tolist()
        moved[name] = sum(change) / len(change)
    assert 0 < moved["held"] < 0.5 * moved["plain"]


def test_first_token_loss_and_its_gradient_are_those_of_the_paper():
    """-(2 / b) log sigmoid(b d), and its derivative by autograd."""
    import torch

    from aftertune.spec.tuning import FirstTokensSpec
    from aftertune.tune.native.first_tokens import FirstTokens

    held = FirstTokens(FirstTokensSpec(), {0: torch.tensor([-1.0, -2.0]), 3: torch.full((6,), -1.5)})

    class Segment:
        places = torch.tensor([0, 1, 0, 1, 2, 3, 4, 5])

    logp = torch.linspace(-3, -0.1, 8, requires_grad=True)
    losses_, factors = held.weigh([0, 3])(Segment, slice(0, 8), logp)
    beta = torch.tensor([0.5, 2.0, 0.5, 2.0, 2.0, 2.0, 2.0, 0.1])
    start = torch.tensor([-1.0, -2.0, *[-1.5] * 6])
    expected = -2 / beta * torch.log(torch.sigmoid(beta * (logp - start)))
    torch.testing.assert_close(losses_, expected)
    (slope,) = torch.autograd.grad(expected.sum(), logp)
    torch.testing.assert_close(-slope, factors.detach())


def test_the_model_is_as_before_afterwards(model_folder, tmp_path):
    import torch

    loaded = load_model(ModelRef(model_folder("gpt2")))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        before = loaded.model(ids).logits.clone()
    names = [name for name, _ in loaded.model.named_modules()]
    wanted = [value.requires_grad for value in loaded.model.parameters()]
    (tmp_path / "a").mkdir()
    run = Run("x", ROWS, TuneSpec(**FAST, gradient_checkpointing=True), 0, 1, "tiny", tmp_path / "a")
    tune_together(loaded, [run], lambda *a: None, lambda k, e: pytest.fail(str(e)))
    with torch.inference_mode():
        assert torch.equal(loaded.model(ids).logits, before)
    assert [name for name, _ in loaded.model.named_modules()] == names
    assert [value.requires_grad for value in loaded.model.parameters()] == wanted
    assert not loaded.model.training
    assert not any(getattr(module, "gradient_checkpointing", False) for module in loaded.model.modules())
    assert not hasattr(loaded.model, "peft_config")
