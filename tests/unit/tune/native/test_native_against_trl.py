"""The native engine against `trl.SFTTrainer` itself, with the same settings: losses, weights, first adapter, order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftertune.backends.hf import ModelRef, load_model
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.native.engine import tune_together
from aftertune.tune.record import Run

pytest.importorskip("trl", reason="trl is an extra")

WORDS = ["flour", "water", "salt", "dough", "oven", "bread", "bowl", "spoon", "table", "kitchen"]
ROWS = [
    Row(
        str(n),
        (
            Turn("user", f"How do I use {WORDS[n % 10]}?"),
            Turn("assistant", " ".join(WORDS[(n * 7 + k) % 10] for k in range(1 + n % 9)) + "."),
        ),
    )
    for n in range(40)
]
SETTINGS = {"rank": 4, "learning_rate": 2e-3, "epochs": 2, "batch_size": 4, "max_length": 128, "schedule": "cosine"}


def course(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma"])
def test_losses_and_weights_agree_over_twenty_steps(model_folder, tmp_path, family):
    from safetensors.torch import load_file

    from aftertune.tune.reference import tune_reference

    ref, runs = ModelRef(model_folder(family)), {}
    for engine in ("native", "reference"):
        (tmp_path / engine).mkdir()
        spec = TuneSpec(engine=engine, warmup=0.1, weight_decay=0.01, max_grad_norm=0.5, **SETTINGS)
        runs[engine] = Run("x", ROWS, spec, 0, 1, "tiny", tmp_path / engine)
    native = tune_together(load_model(ref), [runs["native"]], lambda *a: None, lambda k, e: pytest.fail(str(e)))["x"]
    reference = tune_reference(ref, runs["reference"], lambda *a: None)
    assert native.initial_sha256 == reference.initial_sha256
    assert native.order_sha256 == reference.order_sha256
    ours, theirs = course(tmp_path / "native"), course(tmp_path / "reference")
    assert len(ours) == len(theirs) == 20
    for mine, other in zip(ours, theirs, strict=True):
        assert abs(mine["loss"] - other["loss"]) <= 1e-5
        assert mine["learning_rate"] == pytest.approx(other["learning_rate"], rel=1e-6)
        assert mine["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-3)
    found, expected = (load_file(str(tmp_path / e / "checkpoint/adapter_model.safetensors")) for e in runs)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert float((found[name] - value).norm()) <= 1e-3 * float(value.norm())
