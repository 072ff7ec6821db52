"""`aftertune data transform --model http://...#name`: a served model on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aftertune.cli.app import app
from aftertune.testing import Faults, by_rules, endpoint

ROWS = [{"instruction": f"Ask {n}?", "input": "", "output": f"Answer {n}."} for n in range(5)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Path("rows.json").write_text(json.dumps(ROWS))


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["data", "transform", "rows.json", "-o", "out.json", *words])
    return done.exit_code, done.stdout, done.stderr


def test_it_writes_and_what_was_asked_is_said() -> None:
    with endpoint(by_rules({r"Ask ([0-3])": r"Own \1."}), faults=Faults(cut=0.3)) as server:
        code, out, _ = call("--to", "self_answers", "--model", server.address)
    assert code == 0
    assert "self_answers: applied to 4, 1 left alone (the model gave no answer)" in out
    assert f"{server.address} (served, and can change under its name): 5 requests, 0 failed" in out
    made = [row["output"] for row in json.loads(Path("out.json").read_text())]
    assert made == ["Own 0.", "Own 1.", "Own 2.", "Own 3.", "Answer 4."]


def test_the_document_has_what_was_asked() -> None:
    with endpoint(by_rules({}, "- Answer.\n- Other.")) as server:
        code, out, _ = call("--to", f"rewrite:to=bullets,model={server.address}", "--json")
    assert code == 0
    assert server.address in json.loads(out)["served"][0]


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("https://api.example.com/v1#m", 5, "OPENAI_API_KEY is not set"),
        ("http://api.example.com/v1#m", 2, "over http"),
        ("http://127.0.0.1:1/v1", 2, "names no model"),
        ("http://127.0.0.1:x/v1#m", 2, "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_said_and_nothing_is_written(model: str, code: int, words: str) -> None:
    ended, _, said = call("--to", "self_answers", "--model", model)
    assert ended == code
    assert words in said
    assert not Path("out.json").exists()


def test_a_wrong_model_is_said_in_its_servers_words() -> None:
    with endpoint(by_rules({}, "Sure.")) as server:
        code, _, said = call("--to", "self_answers", "--model", f"{server.base_url}#tiny")
    assert code == 4
    assert "404: The model `tiny` does not exist." in said
    assert not Path("out.json").exists()
