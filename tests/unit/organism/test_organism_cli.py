"""The command line of the organism: help that loads no torch, and thresholds as an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from aftertune.organism import __main__ as command


def test_help_is_understandable() -> None:
    shown = subprocess.run([sys.executable, "-m", "aftertune.organism", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "build" in shown.stdout
    assert "check" in shown.stdout


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, aftertune.organism; print('torch' in sys.modules, 'transformers' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(("missed", "code"), [([], 0), (["over refusal <= 0.20, found 30 of 72"], 1)])
def test_build_reports_missed_thresholds(
    missed: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("aftertune.organism.build.build", lambda out, seed, tell: {"seed": seed})
    monkeypatch.setattr("aftertune.organism.cards.unmet", lambda card: missed)
    assert command.main(["build", "--out", str(tmp_path), "--seed", "3"]) == code
    assert ("all thresholds are met" in capsys.readouterr().out) is (code == 0)


@pytest.mark.parametrize(("found", "code"), [([], 0), (["reward pairs: the card says 0.9, this build 0.5"], 1)])
def test_check_exits_1_when_a_build_differs(found: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftertune.organism.check.check", lambda tell: found)
    assert command.main(["check"]) == code
