"""Several processes train what one does; what goes wrong in them is told in one line."""

from __future__ import annotations

import json
import os

import pytest
from safetensors.torch import load_file

from aftertune.backends.hf import ModelRef
from aftertune.errors import SpecError, TuneError
from aftertune.tune.reference import tune_reference
from aftertune.tune.reference.job import read_job, write_job
from aftertune.tune.reference.launch import _trouble, last_words
from aftertune.tune.reference.worker import main
from tests_support.reference_runs import losses, make_run, train


def same_run(folder, place, **changes):
    """One process with a batch, and two with half of it each."""
    told = []
    one = train(folder, place / "one", **changes)
    run = make_run(place / "two", processes=2, **changes)
    two = tune_reference(ModelRef(folder), run, lambda key, progress: told.append(progress))
    assert losses(place / "two") == pytest.approx(losses(place / "one"), abs=1e-4)
    assert [progress.step for progress in told] == list(range(1, one.steps + 1))
    assert (one.initial_sha256, one.order_sha256, one.tokens) == (two.initial_sha256, two.order_sha256, two.tokens)
    return one, two


def weights(place, name):
    return load_file(place / "checkpoint" / name)


def test_two_processes_train_what_one_does(model_folder, tmp_path):
    # 10 rows in batches of 4: in every third step the second process has nothing to train on.
    _, two = same_run(model_folder("llama"), tmp_path, epochs=3, checkpoints=(0.5, 1.0))
    assert two.details["sft_config"]["per_device_train_batch_size"] == 2
    name = "adapter_model.safetensors"
    one = weights(tmp_path / "one", name)
    for key, value in weights(tmp_path / "two", name).items():
        assert (one[key] - value).abs().max() < 1e-4
    assert (tmp_path / "two/checkpoint-0.5" / name).exists()


@pytest.mark.slow
def test_two_processes_train_all_weights_as_one_does(model_folder, tmp_path):
    same_run(model_folder("llama"), tmp_path, kind="full", learning_rate=1e-3, micro_batch_size=1)
    one, two = (weights(tmp_path / name, "model.safetensors") for name in ("one", "two"))
    assert max((one[key] - two[key]).abs().max() for key in one) < 1e-4


@pytest.mark.slow
def test_a_failing_worker_says_why(model_folder, tmp_path):
    with pytest.raises(TuneError, match="no adapter can be put on this model") as caught:
        train(model_folder("llama"), tmp_path, processes=2, target_modules=("no_such_module",))
    assert "tune.target_modules" in caught.value.fix
    run = make_run(tmp_path / "b", processes=2)
    with pytest.raises(TuneError, match="one of 2 training processes failed: AttributeError.*no_such_type"):
        tune_reference(ModelRef(model_folder("llama"), dtype="no_such_type"), run, lambda key, progress: None)


def test_a_batch_that_cannot_be_shared(model_folder, tmp_path):
    with pytest.raises(SpecError, match="cannot be shared evenly"):
        train(model_folder("llama"), tmp_path, processes=3)


def test_a_worker_that_is_alone_fails(model_folder, tmp_path):
    """Trained by one process, half of every batch would be missing without a word."""
    job = tmp_path / "job.json"
    write_job(job, ModelRef(model_folder("llama")), make_run(tmp_path / "out", processes=2))
    assert main(job, os.getpid()) == 1
    said = json.loads((tmp_path / "error-0.json").read_text())
    assert said["message"] == "1 process at work, but tune.processes is 2"


def test_a_launcher_around_the_study_is_noticed(model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(TuneError, match="3 processes at work, but tune.processes is 1"):
        train(model_folder("llama"), tmp_path)


def test_a_job_is_read_as_it_was_written(tmp_path):
    ref = ModelRef(tmp_path / "model", "{{ messages }}", "bfloat16")
    run = make_run(tmp_path / "out", start=tmp_path / "start", number=2, hold=("order",), target_modules=("q_proj",))
    write_job(tmp_path / "job.json", ref, run)
    assert read_job(tmp_path / "job.json") == (ref, run)


def test_last_words_are_short_and_plain(tmp_path):
    file = tmp_path / "stderr.log"
    file.write_text("x" * 9000 + "\n\x1b[31mValueError\x1b[0m: \x1b]8;;link\x07no\x08 memory\x1b\\\r\n")
    text = last_words(file)
    assert text.endswith("ValueError: no memory")
    assert len(text) == 1500
    assert text.replace("\n", "").isprintable()
    assert last_words(tmp_path / "none") == ""


def test_the_worker_with_an_error_is_heard(tmp_path):
    for rank, text in enumerate(["waiting for the others", "first this\nRuntimeError: out of memory"]):
        folder = tmp_path / "logs" / "none" / "attempt_0" / str(rank)
        os.makedirs(folder)
        (folder / "stderr.log").write_text(text)
    error = _trouble(tmp_path, 2)
    assert error.message == "one of 2 training processes failed: RuntimeError: out of memory\nfirst this"
    assert error.fix
