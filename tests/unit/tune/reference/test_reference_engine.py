"""Runs of the reference engine: they repeat, leave only what they should, and say what went wrong."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import aftertune.extras
from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import MissingExtra, TuneError
from aftertune.tune.reference import tune_reference
from tests_support.models import with_infinite_weight
from tests_support.reference_runs import make_run, train


@pytest.mark.parametrize("family", ["qwen2", "gemma", "gpt2"])
def test_other_families_learn_and_their_adapters_load(model_folder, tmp_path, family):
    record = train(model_folder(family), tmp_path, epochs=5)
    assert record.loss_last < record.loss_first
    assert load_model(ModelRef(model_folder(family)), tmp_path / "checkpoint").model is not None


def test_same_seed_same_bytes_other_seed_other_run(model_folder, tmp_path):
    import torch

    folder = model_folder("llama")
    one = train(folder, tmp_path / "a", dropout=0.1)
    torch.manual_seed(5)
    again, other = train(folder, tmp_path / "b", dropout=0.1), train(folder, tmp_path / "c", dropout=0.1, seed=2)
    assert one == again
    for name in ("checkpoint/adapter_model.safetensors", "checkpoint/adapter_config.json", "train.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert one.initial_sha256 != other.initial_sha256
    assert one.order_sha256 != other.order_sha256
    assert one.final_sha256 != other.final_sha256


def test_dropout_is_drawn_from_its_stream(model_folder, tmp_path):
    folder, held = model_folder("llama"), {"dropout": 0.3, "hold": ("init", "order")}
    one, other = train(folder, tmp_path / "a", **held), train(folder, tmp_path / "b", seed=2, **held)
    assert (one.initial_sha256, one.order_sha256) == (other.initial_sha256, other.order_sha256)
    assert one.final_sha256 != other.final_sha256


def test_checkpoints_before_the_end(model_folder, tmp_path):
    folder = model_folder("llama")
    train(folder, tmp_path / "a", epochs=4, checkpoints=(0.5, 1.0), schedule="constant")
    train(folder, tmp_path / "b", epochs=2, schedule="constant")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["checkpoint", "checkpoint-0.5", "train.jsonl"]
    half, whole = tmp_path / "a/checkpoint-0.5", tmp_path / "b/checkpoint"
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (half / name).read_bytes() == (whole / name).read_bytes()


def test_full_fine_tuning_writes_an_ordinary_model(model_folder, tmp_path):
    folder = model_folder("llama")
    one = train(folder, tmp_path / "a", kind="full")
    other = train(folder, tmp_path / "b", kind="full", seed=2)
    assert one.initial_sha256 == other.initial_sha256
    assert one.final_sha256 != other.final_sha256
    assert "differ in data order only" in one.notes[0]
    assert load_model(ModelRef(tmp_path / "a/checkpoint")).model is not None
    names = {path.name for path in (tmp_path / "a/checkpoint").iterdir()}
    assert names == {path.name for path in folder.iterdir()}
    before, after = (json.loads((place / "config.json").read_text()) for place in (folder, tmp_path / "a/checkpoint"))
    assert after == before


def test_a_model_with_dropout_of_its_own_gets_no_such_note(model_folder, tmp_path):
    assert train(model_folder("gpt2"), tmp_path, kind="full", epochs=0.1).notes == ()


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "RMSprop", "NAdam", "RAdam"])
def test_the_optimizer_is_the_one_asked_for(model_folder, tmp_path, optimizer):
    record = train(model_folder("llama"), tmp_path, optimizer=optimizer.lower(), epochs=0.1, weight_decay=0.1)
    assert record.details["optimizer"]["class"] == optimizer
    assert record.details["optimizer"]["weight_decay"] == 0.1


def test_every_setting_is_recorded_and_nothing_of_the_machine(model_folder, tmp_path):
    trainer = {"neftune_noise_alpha": 5.0}
    details = train(model_folder("llama"), tmp_path, precision="bfloat16", trainer=trainer).details
    settings = details["sft_config"]
    assert (details["engine"], settings["neftune_noise_alpha"], settings["bf16"]) == ("reference", 5.0, True)
    assert settings["gradient_checkpointing"] is settings["activation_checkpointing"] is False
    assert settings["report_to"] == []
    assert {"torch", "transformers", "trl", "peft", "accelerate", "datasets"} <= set(details["libraries"])
    assert details["peft_config"]["r"] == 2
    assert details["peft_config"]["base_model_name_or_path"] == "tiny"
    text = json.dumps(details)
    for word in (str(tmp_path), str(Path.home()), "/tmp", "TOKEN>", os.uname().nodename + "_"):
        assert word not in text


def test_progress_and_log(model_folder, tmp_path):
    told = []
    run = make_run(tmp_path)
    record = tune_reference(ModelRef(model_folder("llama")), run, lambda key, progress: told.append((key, progress)))
    lines = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [progress.step for _, progress in told] == list(range(1, 7))
    assert {key for key, _ in told} == {"run"}
    assert sum(line["tokens"] for line in lines) == record.tokens == told[-1][1].tokens
    assert set(lines[0]) == {"step", "loss", "learning_rate", "grad_norm", "tokens"}
    assert lines[0]["learning_rate"] == 5e-3
    assert all(math.isfinite(line["grad_norm"]) for line in lines)


def test_diverging_run_says_so(model_folder, tmp_path):
    broken = with_infinite_weight(model_folder("llama"), tmp_path / "broken")
    with pytest.raises(TuneError, match="no longer a number at step 1 of 6"):
        train(broken, tmp_path / "a")


def test_unknown_target_modules(model_folder, tmp_path):
    with pytest.raises(TuneError, match="no adapter can be put on this model") as caught:
        train(model_folder("llama"), tmp_path, target_modules=("no_such_module",))
    assert "tune.target_modules" in caught.value.fix


def test_a_value_that_trl_refuses(model_folder, tmp_path):
    with pytest.raises(TuneError, match="trl refuses this run: Invalid `loss_type`"):
        train(model_folder("llama"), tmp_path, trainer={"loss_type": "no_such_loss"})


@pytest.mark.parametrize("trainer", [{"fsdp": True}, {"deepspeed": {"zero_optimization": {"stage": 2}}}])
def test_spreading_a_model_needs_gpus(model_folder, tmp_path, trainer):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(TuneError, match="needs GPUs, and there are none"):
        train(model_folder("llama"), tmp_path, processes=2, trainer=trainer)


def test_a_missing_extra_is_named_with_its_command(model_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(aftertune.extras.EXTRAS, "trl", ("no_such_module",))
    with pytest.raises(MissingExtra) as caught:
        train(model_folder("llama"), tmp_path)
    assert caught.value.fix == "pip install 'aftertune[trl]'"
    monkeypatch.setitem(aftertune.extras.EXTRAS, "qlora", ("no_such_module",))
    monkeypatch.setitem(aftertune.extras.EXTRAS, "trl", ())
    with pytest.raises(MissingExtra) as caught:
        train(model_folder("llama"), tmp_path, kind="qlora")
    assert caught.value.fix == "pip install 'aftertune[qlora]'"


def test_nothing_is_printed_and_nothing_is_left_in_the_home_folder(model_folder, tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    code = (
        "import sys; from pathlib import Path; from tests_support.reference_runs import train; "
        "train(Path(sys.argv[1]), Path(sys.argv[2]), kind='full', checkpoints=(0.5, 1.0))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_", "TRANSFORMERS_"))}
    paths = os.pathsep.join(str(Path(place).parent) for place in (sys.modules["tests_support"].__file__,))
    env = {**kept, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(Path(paths).parent)}
    arguments = [sys.executable, "-W", "error", "-c", code, str(model_folder("llama")), str(tmp_path / "out")]
    ran = subprocess.run(arguments, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []
    assert list(temporary.iterdir()) == []
    kinds = {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert kinds <= {".safetensors", ".json", ".jsonl", ".jinja"}
