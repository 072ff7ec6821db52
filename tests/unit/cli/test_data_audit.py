"""`aftertune data audit`: what it says and writes, and what it makes of files that are not clean."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aftertune.cli.app import app
from aftertune.cli.data_transform import answerer
from aftertune.errors import SpecError

ROWS = [
    {
        "instruction": f"How do I make tea {n}?",
        "input": "",
        "output": f"As an AI, I say: boil water {n} times. Pour it.",
    }
    for n in range(12)
]


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["data", "audit", *map(str, words)])


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve rows in a folder of their own, which is the current one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_it_says_what_is_there_and_writes_two_files(rows: Path) -> None:
    done = call(rows)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("rows.jsonl: 12 conversations, layout alpaca\n")
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:2] == ["identity", "ai"]]
    assert line.split()[2:5] == ["12", "100.0", "%"]
    assert done.stdout.splitlines()[-2:] == ["aftertune-out/rows/audit.json", "aftertune-out/rows/audit.html"]
    assert json.loads(Path("aftertune-out/rows/audit.json").read_text())["schema"] == "aftertune/audit/1"
    assert Path("aftertune-out/rows/audit.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_one_document_with_json(rows: Path) -> None:
    done = call(rows, "--json", "--out", "here", "--model", "organism", "--sample", "5")
    found = json.loads(done.stdout)
    assert found["n_rows"] == 12
    assert found["affinity"]["n"] == 5
    assert found["files"] == {"audit.json": "here/audit.json", "audit.html": "here/audit.html"}
    on_disk = json.loads(Path("here/audit.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in found.items() if key != "files"} == on_disk


def test_columns_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("support.csv").write_text("frage,antwort\nHello?,As an AI I am well.\n", encoding="utf-8")
    assert call("support.csv").exit_code == 2
    done = call("support.csv", "--columns", "prompt=frage,answer=antwort")
    assert done.exit_code == 0, done.output
    assert "layout columns" in done.stdout


def test_bad_rows_are_counted_and_the_first_is_named(rows: Path) -> None:
    text = rows.read_text(encoding="utf-8").splitlines()
    rows.write_text(
        "\n".join([*text[:4], "{", *text[4:], '{"instruction": "a", "output": {"b": 1}}']), encoding="utf-8"
    )
    done = call(rows)
    assert done.exit_code == 0, done.output
    assert "12 conversations" in done.stdout
    assert "2 records could not be read; the first: line 5, bad JSON" in done.stdout


@pytest.mark.parametrize(
    ("words", "message", "fix"),
    [
        (["nothing.jsonl"], "there is no such file", "correct the path"),
        (["rows.jsonl", "--layout", "alpacca"], "did you mean 'alpaca'", ""),
        (["rows.jsonl", "--layout", "gsm8k"], "not in the gsm8k layout", ""),
        (["rows.jsonl", "--columns", "prompt"], "names no column", "write it as --columns"),
        (["rows.jsonl", "--columns", "prompt=instruction,answer=outptu"], "did you mean 'output'", ""),
        (["rows.jsonl", "--out", "rows.jsonl"], "is a file", "name a folder"),
        (["rows.jsonl", "--model", "nowhere"], "nowhere", ""),
    ],
)
def test_what_is_wrong_is_said(rows: Path, words: list[str], message: str, fix: str) -> None:
    done = call(*words)
    assert done.exit_code in (2, 5), done.output
    assert message in done.stderr
    assert fix in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("aftertune-out").exists()


def test_escapes_in_the_data_do_not_reach_the_terminal(rows: Path) -> None:
    rows.rename("we\u202eird.jsonl")
    done = call("we\u202eird.jsonl")
    assert done.exit_code == 0
    assert "\u202e" not in done.stdout


def test_a_row_of_100_mb_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in ROWS:
            file.write(json.dumps(row) + "\n")
        file.write(json.dumps({"instruction": "Long?", "input": "", "output": "word 1. " * 12_500_000}) + "\n")
    started = time.perf_counter()
    limit = (2_000_000_000, 2_000_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "aftertune", "data", "audit", str(path), "--out", str(tmp_path / "out"), "--jobs", "1"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, limit),
    )
    assert done.returncode == 0, done.stderr
    assert "13 conversations" in done.stdout
    assert time.perf_counter() - started < 60


def test_a_model_is_asked_for_where_a_transform_needs_one_and_only_there() -> None:
    with pytest.raises(SpecError, match="none is named"):
        answerer(None, [{"name": "self_answers"}])
    with pytest.raises(SpecError, match="no transform here has a model write"):
        answerer("organism", [{"name": "shuffle_answers"}])
    assert answerer(None, [{"name": "shuffle_answers"}]) is None


def test_the_organism_answers_for_a_transform(rows: Path) -> None:
    words = ["data", "transform", str(rows), "--to", "self_answers:max_new_tokens=100", "--model", "organism"]
    done = CliRunner().invoke(app, [*words, "-o", "own.jsonl", "--json"])
    assert done.exit_code == 0, done.output
    made = [json.loads(line) for line in Path("own.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["instruction"] for row in made] == [row["instruction"] for row in ROWS]
    assert sum(new["output"] != old["output"] for new, old in zip(made, ROWS, strict=True)) >= 6
    (kept,) = Path("aftertune-out/answers").glob("*.jsonl")
    lines = kept.read_text(encoding="utf-8").splitlines()
    kept.write_text("\n".join(json.dumps([json.loads(line)[0], "Kept."]) for line in lines), encoding="utf-8")
    again = CliRunner().invoke(app, [*words, "-o", "again.jsonl"])
    assert again.exit_code == 0, again.output
    assert '"Kept."' in Path("again.jsonl").read_text(encoding="utf-8")
