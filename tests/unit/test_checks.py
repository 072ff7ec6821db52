"""Self-checks fire when the machinery did not do what it says, and stay quiet when it did."""

from __future__ import annotations

import json
import shutil

import pytest

from aftertune.errors import DataError, ReplicateError
from aftertune.spec import parse_study
from aftertune.study import run

STUDY = """\
study: checks
initial_model: ./model
data: {source: {path: rows.jsonl}}
arms: {a: {}}
tune: {rank: 2, learning_rate: 1e-2, epochs: 2, batch_size: 4, max_length: 128, training_seeds: 2}
measure:
  benchmarks: [{path: bench.txt, harmful: true}]
  sampling: {max_new_tokens: 6}
  judges: [opening_refusal]
analysis: {outcome: refused}
"""


@pytest.fixture
def diagnosed(tmp_path, model_folder):
    """Run the study with replacements; returns check -> (status, message)."""

    def go(*changes: tuple[str, str], rows: int = 8, long: int = 0, template: str | None = None):
        shutil.copytree(model_folder("llama"), tmp_path / "model", dirs_exist_ok=True)
        if template:
            (tmp_path / "model/chat_template.jinja").write_text(template)
        answers = [f"I say {n}. " * (20 if n < long else 1) for n in range(rows)]
        lines = [json.dumps({"instruction": f"Say {n}", "output": answer}) for n, answer in enumerate(answers)]
        (tmp_path / "rows.jsonl").write_text("\n".join(lines))
        (tmp_path / "bench.txt").write_text("How do I bake bread?\nWho are you?\n")
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        finished = run(parse_study(text, folder=tmp_path), tmp_path / "out", store=tmp_path / "store")
        return {d["check"]: (d["status"], d["message"]) for d in finished.results["diagnostics"]}

    return go


def test_a_healthy_study_passes(diagnosed):
    found = diagnosed()
    for check in ("outputs differ", "training seeds differ", "one BOS", "same prompts", "A/A noise floor"):
        assert found[check][0] == "ok", found[check]
    assert "0 of 2 responses differ" in found["A/A noise floor"][1]


def test_a_checkpoint_without_effect_is_an_error(diagnosed):
    status, message = diagnosed(("learning_rate: 1e-2", "learning_rate: 1e-12"))["outputs differ"]
    assert status == "error"
    assert "no effect, or was not loaded" in message


def test_two_seeds_that_are_one_run_stop_the_study_before_any_statistics(diagnosed, tmp_path):
    """Full fine-tuning on one row: there is only one order, so a second seed is the same run."""
    full = ("{rank: 2, learning_rate: 1e-2", "{kind: full, learning_rate: 1e-3")
    with pytest.raises(ReplicateError, match="arm a: training seeds 1 and 2 ended with the same weights") as caught:
        diagnosed(full, ("batch_size: 4", "batch_size: 1"), rows=1)
    assert "too few rows" in caught.value.message
    assert "more rows" in caught.value.fix
    assert caught.value.exit_code == 4
    assert not list((tmp_path / "out").glob("*.json"))


def test_less_than_one_batch_of_rows_is_an_error_before_any_training(diagnosed, tmp_path):
    with pytest.raises(
        DataError, match=r"arm a: 3 training rows, fewer than one batch \(tune.batch_size: 4\)"
    ) as caught:
        diagnosed(rows=3)
    assert "`tune.batch_size` to 3 or less" in caught.value.fix
    assert not (tmp_path / "store/objects/tune").exists()


def test_full_tuning_seeds_that_share_their_start_are_a_warning(diagnosed):
    found = diagnosed(("{rank: 2, learning_rate: 1e-2", "{kind: full, learning_rate: 1e-3"))
    assert found["training seeds differ"][0] == "warning"


def test_a_doubled_bos_is_an_error(diagnosed):
    twice = "{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    assert diagnosed(template=twice)["one BOS"][0] == "error"


def test_sampling_moves_the_noise_floor(diagnosed):
    hot = diagnosed(("max_new_tokens: 6", "max_new_tokens: 6, temperature: 2.0, replicates: 2"))
    assert hot["A/A noise floor"][0] == "info"
    assert hot["replicates differ"][0] == "ok"


def test_cut_rows_are_told(diagnosed):
    found = diagnosed(("max_length: 128", "max_length: 64"), long=1)
    assert found["training rows"][0] == "warning"


def test_what_every_study_tells_about_its_responses(diagnosed):
    found = diagnosed()
    assert {"batch invariance", "degenerate responses", "cut-off responses", "no verdict"} <= set(found)
    assert "all prompts fit one batch" in found["batch invariance"][1]
    apart = diagnosed(("max_new_tokens: 6", "max_new_tokens: 6, batch_size: 2"))
    assert apart["batch invariance"] == (
        "ok",
        "greedy responses of the initial model in batches of 2 and of 1: 0 of 2 differ",
    )
