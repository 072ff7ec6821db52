"""Fine-tuning runs: seeds are right, runs repeat, checkpoints load anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.full import ORDER_ONLY, tune_full
from aftertune.tune.native.engine import tune_together
from aftertune.tune.record import Run
from aftertune.tune.schedule import schedule_factor
from tests_support.models import with_infinite_weight

FAST = {"rank": 2, "learning_rate": 5e-3, "epochs": 2, "batch_size": 4, "max_length": 128}
ROWS = [
    Row(
        str(n),
        (Turn("user", f"How do I bake bread number {n}?"), Turn("assistant", f"First, mix flour {n}. Then rest.")),
    )
    for n in range(10)
]


def run(folder: Path, out: Path, seed: int = 1, rows=ROWS, tick=lambda key, at: None, **changes):
    out.mkdir()
    spec = TuneSpec(**{**FAST, **changes})
    loaded = load_model(ModelRef(folder))
    one = Run("x", rows, spec, 0, seed, "tiny", out)
    if spec.kind == "full":
        return tune_full(loaded, one, tick)
    failures: list[TuneError] = []
    records = tune_together(loaded, [one], tick, lambda key, error: failures.append(error))
    if failures:
        raise failures[0]
    return records["x"]


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma", "gpt2"])
def test_lora_learns_and_the_adapter_loads(model_folder, tmp_path, family):
    record = run(model_folder(family), tmp_path / "a", epochs=6)
    assert record.loss_last < record.loss_first
    assert record.steps == 18
    assert record.details["engine"] == "native"
    before = load_model(ModelRef(model_folder(family)))
    after = load_model(ModelRef(model_folder(family)), tmp_path / "a" / "checkpoint")
    import torch

    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        assert not torch.equal(before.model(ids).logits, after.model(ids).logits)


def test_same_seed_same_bytes_other_seed_other_run(model_folder, tmp_path):
    folder = model_folder("llama")
    one, again = run(folder, tmp_path / "a"), run(folder, tmp_path / "b")
    other = run(folder, tmp_path / "c", seed=2)
    assert one == again
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "a/checkpoint" / name).read_bytes() == (tmp_path / "b/checkpoint" / name).read_bytes()
    assert one.initial_sha256 != other.initial_sha256
    assert one.order_sha256 != other.order_sha256
    assert one.final_sha256 != other.final_sha256


def test_global_generator_does_not_reach_the_run(model_folder, tmp_path):
    import torch

    torch.manual_seed(1)
    one = run(model_folder("llama"), tmp_path / "a", dropout=0.2)
    torch.manual_seed(2)
    assert run(model_folder("llama"), tmp_path / "b", dropout=0.2) == one


def test_micro_batches_give_the_same_gradient(model_folder, tmp_path):
    whole = run(model_folder("llama"), tmp_path / "a")
    pieces = run(model_folder("llama"), tmp_path / "b", micro_batch_size=1)
    assert pieces.loss_last == pytest.approx(whole.loss_last, rel=1e-4)


def test_full_fine_tuning_seeds_share_their_start(model_folder, tmp_path):
    one = run(model_folder("llama"), tmp_path / "a", kind="full", learning_rate=1e-3)
    other = run(model_folder("llama"), tmp_path / "b", seed=2, kind="full", learning_rate=1e-3)
    assert one.initial_sha256 == other.initial_sha256
    assert one.final_sha256 != other.final_sha256
    assert ORDER_ONLY in one.notes
    loaded = load_model(ModelRef(model_folder("llama")), tmp_path / "a" / "checkpoint")
    assert loaded.model is not None


def test_long_rows_are_cut_and_counted(model_folder, tmp_path):
    long_answer = Row("a", (Turn("user", "Hi"), Turn("assistant", "bread " * 200)))
    long_prompt = Row("b", (Turn("user", "bread " * 200), Turn("assistant", "Hi")))
    record = run(model_folder("llama"), tmp_path / "a", rows=[*ROWS, long_answer, long_prompt])
    assert (record.rows_cut, record.rows_left_out, record.rows) == (1, 1, 11)


def test_nothing_left_to_train_on(model_folder, tmp_path):
    long_prompt = Row("b", (Turn("user", "bread " * 200), Turn("assistant", "Hi")))
    with pytest.raises(TuneError, match="max_length"):
        run(model_folder("llama"), tmp_path / "a", rows=[long_prompt])


def test_diverging_run_says_so(model_folder, tmp_path):
    broken = with_infinite_weight(model_folder("llama"), tmp_path / "broken")
    with pytest.raises(TuneError, match="no longer a number at step 1 of"):
        run(broken, tmp_path / "a")


def test_unknown_target_modules(model_folder, tmp_path):
    with pytest.raises(TuneError, match="target_modules|adapter") as caught:
        run(model_folder("llama"), tmp_path / "a", target_modules=("no_such_module",))
    assert "tune.target_modules" in caught.value.fix


def test_train_log_has_every_step(model_folder, tmp_path):
    record = run(model_folder("llama"), tmp_path / "a")
    lines = [json.loads(line) for line in (tmp_path / "a/train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, record.steps + 1))
    assert sum(line["tokens"] for line in lines) == record.tokens


def test_checkpoint_holds_no_pickle_and_no_path(model_folder, tmp_path):
    run(model_folder("llama"), tmp_path / "a")
    names = sorted(path.name for path in (tmp_path / "a/checkpoint").iterdir())
    assert names == ["adapter_config.json", "adapter_model.safetensors"]
    assert str(tmp_path) not in (tmp_path / "a/checkpoint/adapter_config.json").read_text()


def test_schedules():
    warm = TuneSpec(warmup=0.5, schedule="constant")
    assert [schedule_factor(warm, step, 4) for step in range(4)] == [0.5, 1.0, 1.0, 1.0]
    cosine = TuneSpec(schedule="cosine")
    assert schedule_factor(cosine, 2, 4) == pytest.approx(0.5)


def test_a_model_that_drops_out_by_itself_varies_in_more_than_order(model_folder, tmp_path):
    record = run(model_folder("gpt2"), tmp_path / "a", kind="full", learning_rate=1e-3)
    assert ORDER_ONLY not in record.notes
