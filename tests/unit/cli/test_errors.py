"""Bad input: what was found, where, what to do; the right exit code; nothing changed on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from aftertune.cli.guard import Settings, guarded
from aftertune.errors import DataError


def refused(place, code, *words):
    result = place.call(*words)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert result.stderr.startswith("error: ")
    assert "\n  fix: " in result.stderr
    return result.stderr


def test_an_unknown_key_is_named_with_its_line_and_the_near_one(place):
    said = refused(place, 2, "run", place.study(("\narms:", "\narmss:")))
    assert "study.yaml:5" in said
    assert "'armss'" in said
    assert "did you mean 'arms'" in said
    assert not (place / "aftertune-store" / "objects").exists()


def test_a_missing_file_suggests_the_near_one(place):
    assert "did you mean 'study.yaml'" in refused(place, 2, "check", "studdy.yaml")


def test_an_empty_file(place):
    (place / "empty.yaml").write_text("")
    assert "empty.yaml: the file is empty" in refused(place, 2, "plan", "empty.yaml")


def test_an_unknown_benchmark(place):
    change = ("- {path: bench.csv, id: id, harmful: true}", "- organism_harn")
    said = refused(place, 2, "status", place.study(change))
    assert "study.yaml:11" in said
    assert "did you mean 'organism_harm'" in said
    assert "aftertune list benchmarks" in said


def test_broken_data_stops_check(place):
    (place / "rows.jsonl").write_text('{"instruction": "a", "output": "b"}\n{"instruction": oops}\n')
    assert "rows.jsonl:2" in refused(place, 2, "check", "study.yaml")


def test_a_newer_store_is_left_alone(place):
    store = place / "newer"
    store.mkdir()
    (store / "aftertune-store.json").write_text('{"format": 99}')
    for verb in ("run", "check", "plan", "status"):
        assert "newer aftertune" in refused(place, 5, verb, "study.yaml", "--store", store)
    assert [path.name for path in store.iterdir()] == ["aftertune-store.json"]


def test_a_folder_that_is_no_store(place):
    assert "no store" in refused(place, 5, "plan", "study.yaml", "--store", place / "model")


@pytest.mark.parametrize("flag", ["--out", "--store"])
def test_a_folder_flag_on_a_file_is_refused_before_any_work(place, flag):
    said = refused(place, 2, "run", "study.yaml", flag, place / "bench.csv" / "below")
    assert "bench.csv is a file" in said
    assert not (place / "aftertune-store").exists()


def test_usage_errors_exit_2_with_a_suggestion(place):
    wrong_flag, wrong_verb = place.call("run", "study.yaml", "--job", "2"), place.call("stauts", "study.yaml")
    assert (wrong_flag.exit_code, wrong_verb.exit_code) == (2, 2)
    assert "--jobs" in wrong_flag.stderr
    assert "status" in wrong_verb.stderr


def test_zero_jobs_are_refused(place):
    assert place.call("run", "study.yaml", "--jobs", "0").exit_code == 2


def test_json_errors_are_one_document_on_standard_output(place):
    result = place.call("run", "nowhere.yaml", "--json")
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == error["exit_code"] == 2
    assert error["type"] == "SpecError"
    assert "nowhere.yaml" in error["message"]
    assert error["fix"]


def test_control_characters_cannot_reach_the_terminal(place):
    name = "a\x1b[31m\u202eb.yaml"
    said = refused(place, 2, "check", name)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert r"a\x1b[31m\u202eb.yaml" in said


def wrapped(fail):
    """A command that fails in its own way, behind the guard."""
    Settings.debug = False
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    @guarded
    def verb() -> None:
        fail()

    return CliRunner().invoke(app, [])


def raising(error):
    def fail():
        raise error

    return fail


def test_an_unexpected_error_is_short_and_its_traceback_is_kept():
    result = wrapped(raising(ZeroDivisionError("oh")))
    assert result.exit_code == 4
    assert result.stderr.startswith("error: unexpected ZeroDivisionError: oh\n  fix: this is a bug")
    kept = result.stderr.split("report it with ")[1].split(". Finished")[0]
    with open(kept) as file:
        assert "raise error" in file.read()
    os.remove(kept)


def test_the_worlds_trouble_is_the_environments(tmp_path):
    result = wrapped(lambda: (tmp_path / "none").read_text())
    assert result.exit_code == 5
    assert "No such file" in result.stderr


def test_an_interrupt_is_no_traceback():
    result = wrapped(raising(KeyboardInterrupt()))
    assert (result.exit_code, result.stderr) == (4, "stopped\n")


def test_debug_shows_the_traceback(place):
    result = place.call("--debug", "check", "none.yaml")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "error: none.yaml" in result.stderr


def test_our_errors_keep_their_message_and_fix():
    result = wrapped(raising(DataError("row 3 is broken", "mend it")))
    assert (result.exit_code, result.stderr) == (2, "error: row 3 is broken\n  fix: mend it\n")


def test_a_reader_that_goes_away_is_no_error():
    line = f"{sys.executable} -m aftertune list | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_the_output_is_said(unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aftertune", "list", "judges"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 5
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
