"""gate: the exit code is the verdict, at any margin; nothing unsure passes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import aftertune
from aftertune.cli.app import app
from aftertune.gate import choose, judge
from aftertune.results import Diagnostic, read_results, write_results
from aftertune.testing import simulate

TABLE = simulate(seed=5, changes={"worse": 0.3, "same": 0.0}, n_items=80, n_seeds=4, missing=0.15).table


def call(*words):
    return CliRunner().invoke(app, ["gate", *map(str, words)])


def refused(*words):
    result = call(*words)
    assert result.exit_code == 2, result.output
    assert "\n  fix: " in result.stderr
    return result.stderr


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_results(aftertune.analyze(TABLE), tmp_path / "results.json")
    return tmp_path / "results.json"


def changed(path, **fields):
    write_results(replace(read_results(path), **fields), path)


@pytest.mark.parametrize(("margin", "code", "word"), [(90, 0, "PASS"), (1, 1, "FAIL")])
def test_all_pass_or_one_fails(results, margin, code, word):
    result = call(results, "--margin-pp", margin)
    assert result.exit_code == code
    assert result.stdout.splitlines()[-1] == f"Gate at a margin of {margin} points, 2 contrasts: {word}"


def test_one_arm_alone_may_be_undecided(results):
    result = call(results, "--margin-pp", 1, "--arm", "same")
    assert result.exit_code == 3
    assert result.stdout.startswith("CANNOT TELL: same against initial, simulated, harmful, recipe claim: the change")
    assert "  To decide: " in result.stdout


@pytest.mark.parametrize("claim", ["recipe", "checkpoint"])
@pytest.mark.parametrize("outcome", ["harmful", "correct"])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_verdict_is_that_of_a_new_analysis_at_the_margin(claim, outcome, level, tmp_path):
    drawn = simulate(seed=7, changes={"a": 0.1, "b": -0.1}, n_items=50, n_seeds=3, outcome=outcome, missing=0.1).table
    write_results(aftertune.analyze(drawn, outcome=outcome, claim=claim, level=level), tmp_path / "results.json")
    kept = read_results(tmp_path / "results.json")
    for points in (0, 1, 2, 5, 8, 12, 20, 40):
        again = aftertune.analyze(drawn, outcome=outcome, claim=claim, level=level, margin=points / 100)
        decided = judge(kept, choose(kept), margin=points / 100)
        assert [row.verdict for row in decided] == [row.verdict for row in again.contrasts], points
        assert [row.advice for row in decided] == [row.advice or "" for row in again.contrasts], points


def test_events_are_rare_and_the_verdict_still_is(tmp_path):
    rare = simulate(seed=3, changes={"a": 0.01}, n_items=300, n_seeds=3, base_rate=0.01).table
    write_results(aftertune.analyze(rare), tmp_path / "results.json")
    kept = read_results(tmp_path / "results.json")
    assert "few items show the event" in kept.contrasts[0].reason
    for points in (0.5, 1, 2, 3, 5, 10):
        wanted = aftertune.analyze(rare, margin=points / 100).contrasts[0].verdict
        assert judge(kept, choose(kept), margin=points / 100)[0].verdict == wanted


def test_without_a_margin_it_is_the_analysis_own(results):
    result = call(results, "--json")
    document = json.loads(result.stdout)
    kept = read_results(results)
    assert document["margin"] == kept.analysis.margin
    assert [row["verdict"] for row in document["contrasts"]] == [row.verdict for row in kept.contrasts]
    assert result.exit_code == document["exit_code"]


def test_a_folder_serves_as_well(results):
    assert call(results.parent, "--margin-pp", 90).exit_code == 0


def test_a_refused_interval_cannot_pass(tmp_path):
    alone = simulate(seed=1, n_items=40, n_seeds=1).table
    write_results(aftertune.analyze(alone), tmp_path / "results.json")
    result = call(tmp_path, "--margin-pp", 99)
    assert result.exit_code == 3
    assert "no interval: one training seed says nothing about the recipe" in result.stdout
    assert "To decide: Train at least 3 seeds" in result.stdout


def test_an_error_of_a_self_check_stops_a_pass_and_no_failure(results):
    found = Diagnostic("one BOS", "error", "prompts", "two beginning-of-text tokens")
    changed(results, diagnostics=(found,))
    passed, failed = call(results, "--margin-pp", 90), call(results, "--margin-pp", 1)
    assert (passed.exit_code, failed.exit_code) == (3, 1)
    assert "but self-check one BOS found an error: two beginning-of-text tokens" in passed.stdout


def test_the_other_claim_is_refused_with_the_command(results):
    said = refused(results, "--margin-pp", 5, "--claim", "checkpoint")
    assert "the results make the recipe claim" in said
    assert "aftertune analyze TABLE --claim checkpoint" in said
    assert call(results, "--margin-pp", 90, "--claim", "recipe").exit_code == 0


def test_an_unknown_arm_suggests_the_near_one(results):
    assert "did you mean 'same'" in refused(results, "--arm", "sane")


def test_nothing_primary_is_bad_input(results):
    changed(results, contrasts=())
    assert "nothing to decide" in refused(results, "--margin-pp", 5)


def test_results_of_an_earlier_version_are_sent_back(results):
    kept = read_results(results)
    changed(results, contrasts=tuple(replace(row, one_sided=None) for row in kept.contrasts))
    assert "run `aftertune analyze` on the table again" in refused(results, "--margin-pp", 90)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"{", "line 1 is no JSON"),
        (b"[]", "the schema is None"),
        (b'{"schema": "aftertune/results/9"}', "results/9"),
        (b'{"schema": "aftertune/results/1", "analysis": {}}', "analysis lacks"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_results(tmp_path, content, word):
    (tmp_path / "r.json").write_bytes(content)
    said = refused(tmp_path / "r.json", "--margin-pp", 5)
    assert "r.json: " in said
    assert word in said


def test_a_field_of_the_wrong_type_is_named(results):
    text = json.loads(results.read_text())
    text["contrasts"][0]["one_sided"]["low"] = "x"
    results.write_text(json.dumps(text))
    assert "contrasts.0.one_sided 'low'" in refused(results, "--margin-pp", 5)


def test_a_table_a_missing_file_and_an_empty_folder(tmp_path, results):
    (tmp_path / "t.csv").write_text("arm\n")
    (tmp_path / "empty").mkdir()
    assert "aftertune analyze" in refused(tmp_path / "t.csv", "--margin-pp", 5)
    assert "no such file" in refused(tmp_path / "none.json", "--margin-pp", 5)
    assert "has no results.json" in refused(tmp_path / "empty", "--margin-pp", 5)


@pytest.mark.parametrize("margin", ["-1", "101", "nan", "5%"])
def test_a_margin_out_of_range(results, margin):
    assert call(results, "--margin-pp", margin).exit_code == 2


def test_deciding_loads_no_torch(results):
    """The three verbs in one process: none needs the libraries that run models."""
    from aftertune.table import write_table

    write_table(TABLE, results.parent / "t.parquet")
    calls = [["analyze", "t.parquet", "--report", "r.html"], ["gate", "results.json"], ["power"]]
    code = (
        "import sys\nfrom aftertune.cli import main\n"
        f"for words in {calls!r}:\n    try:\n        main(words)\n    except SystemExit as end:\n"
        "        assert end.code in (None, 0, 1), (words, end.code)\n"
        "print(sorted({'torch', 'transformers', 'peft', 'scipy.stats'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=results.parent, check=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
