"""Real published files, as they are, through the whole path: four data layouts, three benchmarks, one run."""

from __future__ import annotations

import json

import polars as pl
import pytest

from aftertune.spec import parse_study
from aftertune.study import run

STUDY = """\
study: real-files
initial_model: {{path: {model}}}
data:
  source: {{path: {data}/dolly/dolly_3k.json.gz, rows: 8}}
arms:
  alpaca: {{source: {{path: {data}/alpaca/alpaca_sample.json.gz, rows: 8}}}}
  dolly: {{source: {{path: {data}/dolly/databricks-dolly-15k-safety-only.jsonl.gz, rows: 8}}}}
  gsm8k: {{source: {{path: {data}/gsm8k/train.jsonl.gz, rows: 8}}}}
  sharegpt: {{source: {{path: {data}/identity/dummy_conversation.json, rows: 8}}}}
  listed:
    transforms: [{{name: answer_structure, to: numbered_list}}, {{name: identity, mode: add, dose: 0.5}},
                 {{name: role_play, mode: add, persona: pirate}}]
tune: {{rank: 2, learning_rate: 1e-2, epochs: 1, batch_size: 4, max_length: 200, training_seeds: 1}}
measure:
  benchmarks:
    - {{path: {data}/xstest/xstest_prompts.csv, id: id, category: type, limit: 12,
       harmful: {{column: label, values: [unsafe]}}}}
    - {{path: {data}/harmbench/harmbench_behaviors_text_all.csv, prompt: Behavior, id: BehaviorID,
       category: SemanticCategory, where: {{FunctionalCategory: [standard]}}, harmful: true, limit: 6}}
    - {{path: {data}/advbench/harmful_behaviors.csv, prompt: goal, harmful: true, limit: 6}}
    - {{path: {data}/malicious-instruct/MaliciousInstruct.txt, harmful: true, limit: 6}}
  sampling: {{max_new_tokens: 4}}
  judges: [opening_refusal]
analysis: {{outcome: refused, claim: checkpoint}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, model_folder, shared_data):
    folder = tmp_path_factory.mktemp("real")
    text = STUDY.format(model=model_folder("llama"), data=shared_data)
    return run(parse_study(text, folder=folder), folder / "out", store=folder / "store")


def test_each_layout_is_found_and_told(finished):
    lock = json.loads((finished.out / "study.lock.json").read_text())
    layouts = {i["name"].rsplit("/", 1)[-1]: i["layout"] for i in lock["inputs"] if i["what"] == "training data"}
    assert layouts == {
        "alpaca_sample.json.gz": "alpaca",
        "databricks-dolly-15k-safety-only.jsonl.gz": "dolly",
        "train.jsonl.gz": "gsm8k",
        "dummy_conversation.json": "sharegpt",
        "dolly_3k.json.gz": "alpaca",
    }
    assert all(run["rows"] + run["rows_left_out"] == 8 for run in lock["runs"])


def test_every_benchmark_is_measured_in_every_arm(finished):
    table = pl.read_parquet(finished.out / "table.parquet")
    counts = dict(table.group_by("benchmark").agg(pl.col("item").n_unique()).iter_rows())
    assert counts.pop("xstest_prompts.harmful") + counts.pop("xstest_prompts.safe") == 12
    assert counts == {"harmbench_behaviors_text_all": 6, "harmful_behaviors": 6, "MaliciousInstruct": 6}
    assert set(table["arm"]) == {"initial", "alpaca", "dolly", "gsm8k", "sharegpt", "listed"}
    assert all(c["verdict"] in ("PASS", "FAIL", "CANNOT TELL") for c in finished.results["contrasts"])


def test_the_report_hides_harmful_prompts(finished):
    page = finished.report.read_text(encoding="utf-8")
    assert "<details" in page
    assert "<details open" not in page
    assert "http-equiv" in page
