"""Running a tiny study from the command line: verdicts, files, progress, resuming, failing."""

from __future__ import annotations

import json
import re
import signal
import time

import pytest

from aftertune.study import OUTPUTS, PREVIOUS

SHORT = ("max_length: 128", "max_length: 8")  # no prompt fits: refused before any tuning
# The first step leaves no finite weights: tuning fails.
DIVERGES = (
    "{rank: 2, learning_rate: 1e-2",
    "{rank: 2, alpha: 1e+30, optimizer: sgd, max_grad_norm: 1e+30, learning_rate: 1",
)
OTHER = ("epochs: 2", "epochs: 8")


def test_a_run_prints_verdicts_and_the_four_paths(finished):
    said = (finished / "first.out").read_text()
    assert "as_is against initial, bench: " in said
    assert re.search(r"^  Fine-tuning with recipe `listed` ", said, re.MULTILINE)
    assert re.search(r"^\d+ steps made, 0 kept from earlier runs$", said, re.MULTILINE)
    for name in OUTPUTS:
        assert f"  out/{name}\n" in said
        assert (finished / "out" / name).is_file()


def test_progress_without_a_terminal_is_one_plain_line_per_finished_run(finished):
    lines = (finished / "first.err").read_text().splitlines()
    opening = r"\d+ steps to make in 5 runs of model and measurements, 1 at a time \(--jobs\)$"
    assert re.match(opening, lines[0])
    progress = [line for line in lines if line.startswith("[")]
    assert [line.split()[0] for line in progress] == [f"[{n}/5]" for n in range(1, 6)]
    assert re.match(r"\[2/5\] as_is seed 1: done in \d+ s", progress[1])
    assert "\x1b" not in "".join(lines)


def test_a_second_run_makes_nothing_and_says_so(again):
    result = again.call("run", "study.yaml", "--out", "out")
    assert result.exit_code == 0
    assert re.search(r"^0 steps made, \d+ kept", result.stdout, re.MULTILINE)
    assert result.stderr == ""


def test_json_is_one_document_with_results_steps_and_files(again):
    result = again.call("run", "study.yaml", "--out", "out", "--json")
    document = json.loads(result.stdout)
    assert document["schema"] == "aftertune/results/1"
    assert document["steps"]["made"] == 0
    assert set(document["files"]) == set(OUTPUTS)
    assert {contrast["arm"] for contrast in document["contrasts"]} == {"as_is", "listed"}


def test_the_default_folder_is_named_after_the_study(again):
    assert again.call("run", "study.yaml").exit_code == 0
    assert (again / "aftertune-out" / "tiny" / "report.html").is_file()


def test_the_store_may_be_named_by_the_environment(again, monkeypatch):
    (again / "aftertune-store").rename(again / "elsewhere")
    monkeypatch.setenv("AFTERTUNE_STORE", "elsewhere")
    assert "\n0 steps made" in again.call("run", "study.yaml", "--out", "out").stdout
    assert not (again / "aftertune-store").exists()


def test_a_failed_run_leaves_no_old_results_looking_current_and_loses_none(again):
    before = {name: (again / "out" / name).read_bytes() for name in OUTPUTS}
    again.study(DIVERGES, name="bad.yaml")
    failed = again.run("run", "bad.yaml", "--out", "out", "--jobs", "2")
    assert failed.returncode == 4, failed.stderr
    assert re.search(r"failed: tune as_is, seed 1: the loss is no longer a number at step \d+ of", failed.stderr)
    assert re.search(r"error: 4 steps failed, \d+ of \d+ are not done; the others are kept", failed.stderr)
    assert "lower tune.learning_rate" in failed.stderr
    assert [path.name for path in (again / "out").iterdir()] == [PREVIOUS]
    assert {name: (again / "out" / PREVIOUS / name).read_bytes() for name in OUTPUTS} == before
    status = json.loads(again.call("status", "bad.yaml", "--json").stdout)
    assert status["last_run"]["state"] == "failed"
    assert "no longer a number" in status["last_run"]["message"]
    assert again.call("run", "study.yaml", "--out", "out").exit_code == 0
    assert sorted(path.name for path in (again / "out").iterdir()) == sorted(OUTPUTS)


def test_a_length_that_no_row_fits_is_refused_before_any_tuning(again):
    again.study(SHORT, name="short.yaml")
    refused = again.run("run", "short.yaml", "--out", "other")
    assert refused.returncode == 2
    assert "arm as_is: all 10 prompts are longer than max_length (8 tokens)" in refused.stderr
    assert "raise tune.max_length" in refused.stderr


def test_how_many_adapters_share_a_pass_changes_no_byte(again):
    again.study(("training_seeds: 2", "training_seeds: 3"), name="more.yaml")
    for k in ("1", "4"):
        made = again.run("run", "more.yaml", "--out", k, "--store", f"store-{k}", "--jobs", "1", "--together", k)
        assert made.returncode == 0, made.stderr
    for name in OUTPUTS:
        assert (again / "1" / name).read_bytes() == (again / "4" / name).read_bytes()
    manifests = (again / "store-4" / "objects" / "tune").rglob("manifest.json")
    together = [json.loads(path.read_text())["facts"]["details"]["execution"]["together"] for path in manifests]
    assert sorted(together) == [2, 2, 4, 4, 4, 4]


def test_a_refused_study_leaves_the_results_alone(again):
    again.study(("rank: 2", "rnk: 2"))
    assert again.call("run", "study.yaml", "--out", "out").exit_code == 2
    assert sorted(path.name for path in (again / "out").iterdir()) == sorted(OUTPUTS)


@pytest.mark.parametrize(("jobs", "how"), [("1", signal.SIGINT), ("2", signal.SIGINT), ("2", signal.SIGTERM)])
def test_a_stopped_run_keeps_its_steps_and_says_how_to_go_on(again, jobs, how):
    again.study(OTHER, name="other.yaml")
    code, out, err = stopped(again, how, "run", "other.yaml", "--out", "other", "--jobs", jobs)
    assert code == 4, err
    assert re.search(r"error: stopped; \d+ of \d+ steps are finished and kept\n  fix: run the same", err)
    assert "Traceback" not in out + err
    assert json.loads(again.call("status", "other.yaml", "--json").stdout)["last_run"]["state"] == "stopped"


def test_the_same_command_goes_on_after_ctrl_c(again):
    again.study(OTHER, name="other.yaml")
    words = ("run", "other.yaml", "--out", "other", "--jobs", "2")
    assert stopped(again, signal.SIGINT, *words)[0] == 4
    went_on = again.run(*words, "--quiet")
    assert went_on.returncode == 0, went_on.stderr
    assert "steps to make" not in went_on.stderr
    assert (again / "other" / "report.html").is_file()


def stopped(place, how, *words):
    """Start a run, and send it a signal once a step is being written."""
    process = place.start(*words)
    end = time.monotonic() + 120
    while not any((place / "aftertune-store" / "tmp").glob("*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing was begun"
        time.sleep(0.05)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.slow
def test_the_organism_study_runs_from_init_to_report(place):
    assert place.call("init", "mine.yaml").exit_code == 0
    text = (place / "mine.yaml").read_text()
    for old, new in (("rows: 200", "rows: 20"), ("epochs: 3", "epochs: 1"), ("seeds: 5", "seeds: 2")):
        text = text.replace(old, new)
    (place / "mine.yaml").write_text(text)
    done = place.run("run", "mine.yaml", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "listed against as_is, organism_harm: " in done.stdout
