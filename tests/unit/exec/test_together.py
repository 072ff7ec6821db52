"""Chains side by side: who shares a pass, and what one chain's failure or a killed process does to the others."""

from __future__ import annotations

import json
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from aftertune import tuning
from aftertune.errors import StepsFailed
from aftertune.exec.inline import run_inline
from aftertune.exec.processes import run_processes
from aftertune.exec.together import batches
from aftertune.spec.load import load_study
from aftertune.study import prepare, run
from aftertune.tuning import together_key

STUDY = """\
study: together
initial_model: ./model
data:
  source: {path: rows.jsonl}
arms:
  a: {}
  b: {tune: {learning_rate: 1.0e-3, batch_size: 3}}
  wide: {tune: {rank: 4}}
  all: {tune: {kind: full}}
  c: {transforms: [{name: answer_structure, to: numbered_list}]}
tune: {rank: 2, learning_rate: 5.0e-3, epochs: 2, batch_size: 4, max_length: 128, training_seeds: 2}
measure:
  benchmarks: [{path: bench.csv, id: id, harmful: true}]
  sampling: {max_new_tokens: 4}
  judges: [opening_refusal]
analysis: {outcome: refused}
"""


@pytest.fixture
def place(tmp_path, model_folder):
    shutil.copytree(model_folder("llama"), tmp_path / "model")
    rows = [
        {"prompt": f"How do I bake bread {n}?", "completion": f"Mix {n}. Then rest it. Then bake."} for n in range(8)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "bench.csv").write_text("id,prompt\n" + "\n".join(f"{n},Do harm {n}?" for n in range(4)))
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def prepared(place: Path):
    ready = prepare(load_study(place / "study.yaml"), place / "store")
    from aftertune.study import _make_first

    _make_first(ready, lambda event: None)
    return ready


def names(made) -> list[list[str]]:
    return [[chain.name for chain in batch] for batch in made]


def test_runs_of_one_shape_share_a_pass_and_others_do_not(place):
    ready = prepared(place)
    made = names(batches(ready.plan.chains, ready.store, jobs=1, together=8))
    assert made == [
        ["initial model"],
        ["a seed 1", "a seed 2", "b seed 1", "b seed 2"],
        ["wide seed 1", "wide seed 2"],
        ["all seed 1"],
        ["all seed 2"],
        ["c seed 1", "c seed 2"],
    ]


def test_small_steps_are_put_together_until_a_pass_is_full(place):
    ready = prepared(place)
    sizes = [len(batch) for batch in batches(ready.plan.chains, ready.store, jobs=1)]
    assert max(sizes) == 4
    # Two workers: no batch takes more than its share.
    assert all(len(batch) <= 6 for batch in batches(ready.plan.chains, ready.store, jobs=2))
    assert all(len(batch) == 1 for batch in batches(ready.plan.chains, ready.store, jobs=1, together=1))


def test_nothing_is_put_together_without_tuning(place):
    ready = prepared(place)
    initial = ready.plan.chains[0]
    assert all(together_key(step) is None for step in initial.steps)


@pytest.mark.parametrize("execute", [run_inline, partial(run_processes, jobs=2)], ids=["inline", "processes"])
def test_one_run_that_diverges_fails_alone(place, execute):
    bad = "{tune: {alpha: 1.0e+30, optimizer: sgd, learning_rate: 1.0, max_grad_norm: 1.0e+30}}"
    (place / "study.yaml").write_text(STUDY.replace("b: {tune: {learning_rate: 1.0e-3, batch_size: 3}}", f"b: {bad}"))
    with pytest.raises(StepsFailed, match="no longer a number") as caught:
        run(place / "study.yaml", place / "out", store=place / "store", execute=partial(execute, together=4))
    assert "2 steps failed" in str(caught.value)
    ready = prepare(load_study(place / "study.yaml"), place / "store")
    assert sorted(chain.name for chain in ready.todo) == ["b seed 1", "b seed 2"]


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_study_killed_while_tuning_goes_on_from_its_snapshots_to_the_same_bytes(place, monkeypatch):
    whole = run(place / "study.yaml", place / "whole", store=place / "one", execute=partial(run_inline, together=4))
    monkeypatch.setattr(tuning, "SNAPSHOT_EVERY_S", 0.0)
    monkeypatch.setattr("aftertune.exec.chain._EVERY_S", -1.0)

    def kill(event):
        if event.chain == "a seed 2" and event.stage == "tune" and event.n == 3:
            raise Killed

    with pytest.raises(Killed):
        run(
            place / "study.yaml",
            place / "out",
            store=place / "two",
            notify=kill,
            execute=partial(run_inline, together=4),
        )
    assert list((place / "two" / "resume").rglob("state.safetensors"))
    first = {}

    def watch(event):
        if event.kind == "progress" and event.stage == "tune":
            first.setdefault(event.chain, event.n)

    again = run(place / "study.yaml", place / "out", store=place / "two", notify=watch)
    assert first["a seed 1"] > 1
    assert first["c seed 1"] == 1
    for name in ("results.json", "table.parquet", "study.lock.json"):
        assert (again.out / name).read_bytes() == (whole.out / name).read_bytes()
    assert not list((place / "two" / "resume").rglob("*.safetensors"))


def test_a_killed_worker_takes_down_only_the_chains_it_was_at_work_on(place):
    killed = []

    def kill_one(event):
        """Kill this test's worker when the first run of a batch has its responses: its companions only wait."""
        if event.chain == "a seed 1" and event.stage == "judge" and event.kind == "started" and not killed:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            workers = [pid for pid in children if str(place) in Path(f"/proc/{pid}/cmdline").read_text()]
            killed.append(int(workers[0]))
            os.kill(killed[0], signal.SIGKILL)

    with pytest.raises(StepsFailed, match="SIGKILL"):
        run(
            place / "study.yaml",
            place / "out",
            store=place / "store",
            notify=kill_one,
            execute=partial(run_processes, jobs=1, together=4),
        )
    ready = prepare(load_study(place / "study.yaml"), place / "store")
    left = [chain.name for chain in ready.todo]
    assert len(left) <= 1
    assert set(left) <= {"a seed 1", "a seed 2"}
