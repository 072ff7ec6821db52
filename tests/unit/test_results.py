"""Results as JSON: stable bytes, nulls instead of NaN, a clear word for foreign files."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from aftertune.analysis import analyze
from aftertune.errors import TableError
from aftertune.results import SCHEMA, Results, from_json, read_results, to_json, write_results
from aftertune.testing import simulate

CONTRAST_KEYS = {
    "arm",
    "against",
    "benchmark",
    "outcome",
    "judge",
    "claim",
    "estimate",
    "low",
    "high",
    "level",
    "n_seeds",
    "n_items",
    "n_clusters",
    "p_value",
    "p_adjusted",
    "margin",
    "worse",
    "verdict",
    "parts",
    "replication_probability",
    "reason",
    "sentence",
    "primary",
    "rate_arm",
    "rate_against",
    "seeds",
    "bounds",
    "advice",
}


@pytest.fixture(scope="module")
def results() -> Results:
    return analyze(simulate(seed=1, n_items=40, n_seeds=3, n_formats=2, missing=0.05).table, study="s")


def test_round_trip_and_stable_bytes(results: Results, tmp_path: Path) -> None:
    text = to_json(results)
    assert to_json(from_json(text)) == text
    write_results(results, tmp_path / "r.json")
    assert to_json(read_results(tmp_path / "r.json")) == text


def test_the_schema(results: Results) -> None:
    data = json.loads(to_json(results))
    assert data["schema"] == SCHEMA == "aftertune/results/1"
    first = ["schema", "study", "analysis", "contrasts", "rates", "statuses", "components", "diagnostics"]
    assert list(data)[:8] == first
    assert list(data)[8:] == [
        "categories",
        "agreement",
        "judge_errors",
        "corrected",
        "factors",
        "trends",
        "noise",
        "trajectories",
    ]
    assert set(data["contrasts"][0]) >= CONTRAST_KEYS
    assert set(data["contrasts"][0]["seeds"][0]) == {"training_seed", "estimate"}
    assert set(data["contrasts"][0]["bounds"]) == {"low", "high"}


def test_results_without_the_later_sections_are_still_read(results: Results) -> None:
    data = json.loads(to_json(results))
    for name in ("categories", "agreement", "judge_errors", "corrected", "factors", "trends", "noise", "trajectories"):
        del data[name]
    for name in ("gained_interval", "lost_interval", "risk_ratio", "tipping_point"):
        del data["contrasts"][0][name]
    del data["analysis"]["human_judge"]
    old = from_json(json.dumps(data))
    assert (old.noise, old.contrasts[0].risk_ratio, old.analysis.human_judge) == ((), None, "")


def test_nan_becomes_null(results: Results) -> None:
    row = replace(results.contrasts[0], low=math.nan, high=math.inf)
    data = json.loads(to_json(replace(results, contrasts=(row,))))
    assert data["contrasts"][0]["low"] is None
    assert data["contrasts"][0]["high"] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1 is no JSON"),
        ("[]", "the schema is None"),
        ('{"schema": "aftertune/results/9"}', "results/9"),
        ('{"schema": "aftertune/results/1", "analysis": {}}', "analysis lacks"),
    ],
)
def test_foreign_files_are_refused(text: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        from_json(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read_results(tmp_path / "r.json")
