"""The reference engine trains what a plain loop over torch and PEFT trains, and what the native engine does."""

from __future__ import annotations

import pytest
from safetensors.torch import load_file

from aftertune.backends.hf import ModelRef, load_model
from aftertune.canon import digest
from aftertune.tune.full import tune_full
from aftertune.tune.native.engine import tune_together
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


def test_the_adapter_starts_from_the_stream_init(model_folder, tmp_path):
    record = train(model_folder("llama"), tmp_path, epochs=0.1)
    run = make_run(tmp_path, epochs=0.1)
    model, _ = start_by_hand(model_folder("llama"), run)
    assert record.initial_sha256 == weights_digest(model)
    assert record.order_sha256 == digest(visiting_order([1] * 10, 4, 1, run.streams))


def test_it_is_the_run_that_the_native_engine_makes(model_folder, tmp_path):
    settings = {"epochs": 5, "subsample": 0.9, "checkpoints": (0.3, 1.0), "schedule": "cosine", "warmup": 0.1}
    one = train(model_folder("llama"), tmp_path / "reference", **settings)
    run = make_run(tmp_path / "native", engine="native", **settings)
    run.folder.mkdir()
    other = tune_together(load_model(ModelRef(model_folder("llama"))), [run], lambda *told: None, fail)["run"]
    assert (one.initial_sha256, one.order_sha256) == (other.initial_sha256, other.order_sha256)
    assert (one.steps, one.tokens, one.rows) == (other.steps, other.tokens, other.rows)
    assert losses(tmp_path / "reference") == pytest.approx(losses(tmp_path / "native"), abs=1e-5)
    for name in ("checkpoint", "checkpoint-0.3"):
        a, b = (tmp_path / engine / name for engine in ("reference", "native"))
        assert (a / "adapter_config.json").read_bytes() == (b / "adapter_config.json").read_bytes()
        x, y = (load_file(place / "adapter_model.safetensors") for place in (a, b))
        assert max((x[key] - y[key]).abs().max() for key in x.keys() | y.keys()) < 1e-5


def fail(key, error):
    raise error


def test_full_fine_tuning_is_that_of_the_native_engine(model_folder, tmp_path):
    settings = {"kind": "full", "epochs": 5, "learning_rate": 1e-3, "checkpoints": (0.3, 1.0)}
    one = train(model_folder("llama"), tmp_path / "reference", **settings)
    run = make_run(tmp_path / "native", engine="native", **settings)
    run.folder.mkdir()
    other = tune_full(load_model(ModelRef(model_folder("llama"))), run, lambda *told: None)
    assert (one.initial_sha256, one.order_sha256, one.notes) == (
        other.initial_sha256,
        other.order_sha256,
        other.notes,
    )
    assert losses(tmp_path / "reference") == pytest.approx(losses(tmp_path / "native"), abs=1e-5)
    for name in ("checkpoint", "checkpoint-0.3"):
        a, b = (tmp_path / engine / name for engine in ("reference", "native"))
        assert {path.name for path in a.iterdir()} == {path.name for path in b.iterdir()}
        for file in a.iterdir():
            assert file.name == "model.safetensors" or file.read_bytes() == (b / file.name).read_bytes()


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
