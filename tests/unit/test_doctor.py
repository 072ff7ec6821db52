"""The doctor's findings, one by one, and the trial study."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from aftertune import doctor
from aftertune.cli.app import app
from aftertune.doctor import examine, trial
from aftertune.errors import AftertuneError
from aftertune.store import Store


def found(store, name):
    return next(finding for finding in examine(store) if finding.name == name)


def test_a_store_that_is_not_there_yet_is_fine_and_stays_away(tmp_path):
    finding = found(tmp_path / "a" / "store", "store")
    assert (finding.status, finding.fix) == ("ok", "")
    assert "not there yet" in finding.found
    assert list(tmp_path.iterdir()) == []


def test_a_newer_store_is_broken_with_its_fix(tmp_path):
    (tmp_path / "aftertune-store.json").write_text('{"format": 99}')
    finding = found(tmp_path, "store")
    assert finding.status == "broken"
    assert "newer" in finding.found
    assert "upgrade" in finding.fix


def test_a_damaged_step_is_found_and_named(tmp_path):
    store = Store(tmp_path / "store")
    with store.write("judge", "0" * 64, {}) as draft:
        (draft.folder / "rows.txt").write_text("whole")
    assert found(tmp_path / "store", "store").status == "ok"
    (broken,) = (tmp_path / "store").rglob("rows.txt")
    broken.write_text("other")
    finding = found(tmp_path / "store", "store")
    assert finding.status == "broken"
    assert str(broken.parent) in finding.found


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")
    assert found(tmp_path / "file", "store").status == "broken"


def test_credentials_are_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert found(tmp_path / "s", "HF_TOKEN").found == "set"
    monkeypatch.delenv("HF_TOKEN")
    assert found(tmp_path / "s", "HF_TOKEN").status == "note"


def test_little_disk_is_a_note_with_a_fix(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 1e18)
    finding = found(tmp_path / "s", "disk")
    assert finding.status == "note"
    assert "--store" in finding.fix


def test_a_missing_extra_is_broken_with_the_one_command(tmp_path, monkeypatch):
    monkeypatch.setitem(doctor.EXTRAS, "hf", ("torch", "no_such_module"))
    findings = {finding.name: finding for finding in examine(tmp_path / "s")}
    extra = findings["extra hf"]
    assert (extra.status, extra.found, extra.fix) == (
        "broken",
        "not installed: no_such_module",
        "pip install 'aftertune[hf]'",
    )
    assert findings["trial study"].status == "note"
    assert "torch" not in findings


def test_exit_5_and_one_json_document_when_something_is_broken(tmp_path, monkeypatch):
    monkeypatch.setitem(doctor.EXTRAS, "hf", ("no_such_module",))
    result = CliRunner().invoke(app, ["doctor", "--json", "--store", str(tmp_path / "s")])
    assert result.exit_code == 5
    said = json.loads(result.stdout)
    assert not said["ready"]
    assert {finding["status"] for finding in said["findings"]} <= {"ok", "note", "broken"}
    words = CliRunner().invoke(app, ["doctor", "--store", str(tmp_path / "s")])
    assert "NO  extra hf: not installed: no_such_module\n      fix: pip install" in words.stdout


def test_the_trial_says_which_stage_broke(monkeypatch, tmp_path):
    study = tmp_path / "broken.yaml"
    study.write_text("study: broken\n")
    monkeypatch.setattr(doctor.studies, "doctor", lambda: study)
    finding = trial()
    assert finding.status == "broken"
    assert finding.found.startswith("the stage resolve broke: broken.yaml")


def test_the_trial_runs_every_stage():
    from aftertune.organism import folder

    try:
        folder("model")
    except AftertuneError as error:
        pytest.skip(f"the organism is not built: {error.message}")
    finding = trial()
    assert finding.status == "ok", finding
    assert "every stage works" in finding.found
