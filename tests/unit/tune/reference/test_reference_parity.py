"""The reference engine trains what a plain loop over torch and PEFT trains: same start, order, losses, weights."""

from __future__ import annotations

import pytest
from safetensors.torch import load_file

from aftertune.canon import digest
from aftertune.tune.order import visiting_order
from aftertune.tune.trainable import weights_digest
from tests_support.reference_runs import by_hand, losses, make_run, start_by_hand, train

SETTINGS = [
    {"epochs": 4.5, "warmup": 0.2},  # 14 steps; every third batch is short
    {"epochs": 4, "schedule": "cosine", "weight_decay": 0.1, "micro_batch_size": 3, "max_grad_norm": 0.1},
    {"epochs": 5, "kind": "full", "learning_rate": 1e-3, "weight_decay": 0.1, "gradient_checkpointing": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["lora", "pieces", "full"])
def test_losses_and_weights_are_those_of_a_plain_loop(model_folder, tmp_path, settings):
    record = train(model_folder("llama"), tmp_path, **settings)
    model, said = by_hand(model_folder("llama"), make_run(tmp_path, **settings))
    assert len(said) == record.steps >= 12
    assert losses(tmp_path) == pytest.approx(said, abs=1e-5)
    assert said[-1] < said[0] - 0.01
    name = "model.safetensors" if record.notes else "adapter_model.safetensors"
    own = {name.replace(".default.", "."): value for name, value in model.named_parameters() if value.requires_grad}
    stored = load_file(tmp_path / "checkpoint" / name)
    assert set(stored) <= set(own)
    for name, value in stored.items():
        assert (own[name] - value).abs().max() < 1e-5


def test_the_adapter_starts_as_in_the_native_engine(model_folder, tmp_path):
    record = train(model_folder("llama"), tmp_path, epochs=0.1)
    run = make_run(tmp_path, epochs=0.1)
    model, _ = start_by_hand(model_folder("llama"), run)
    assert record.initial_sha256 == weights_digest(model)
    assert record.order_sha256 == digest(visiting_order(10, 4, 1, run.streams))


def test_streams_can_be_held(model_folder, tmp_path):
    folder, held = model_folder("llama"), {"hold": ("order",), "training_seeds": (1, 2)}
    one, other = train(folder, tmp_path / "a", **held), train(folder, tmp_path / "b", seed=2, **held)
    assert one.order_sha256 == other.order_sha256
    assert one.initial_sha256 != other.initial_sha256


def test_a_later_round_goes_on_from_the_adapter_before(model_folder, tmp_path):
    folder, held = model_folder("llama"), {"rounds": 2, "hold": ("order",)}
    first = train(folder, tmp_path / "a", **held)
    second = train(folder, tmp_path / "b", start=tmp_path / "a/checkpoint", number=2, **held)
    assert second.initial_sha256 == first.final_sha256
    assert second.order_sha256 != first.order_sha256
    assert second.loss_first < first.loss_first


def test_a_later_round_of_full_tuning_goes_on_from_the_model_before(model_folder, tmp_path):
    folder = model_folder("llama")
    first = train(folder, tmp_path / "a", kind="full", rounds=2)
    second = train(folder, tmp_path / "b", kind="full", rounds=2, start=tmp_path / "a/checkpoint", number=2)
    assert second.initial_sha256 == first.final_sha256


def test_a_share_of_the_rows(model_folder, tmp_path):
    settings = {"subsample": 0.6, "epochs": 3}
    record = train(model_folder("llama"), tmp_path, **settings)
    _, said = by_hand(model_folder("llama"), make_run(tmp_path, **settings))
    assert record.rows == 6
    assert losses(tmp_path) == pytest.approx(said, abs=1e-5)
