"""What is left to do, and the words for it."""

from __future__ import annotations

from aftertune.cli.progress import showing
from aftertune.cli.work import Work
from aftertune.exec.chain import Event
from aftertune.exec.machine import Jobs


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Work, Clock]:
    clock = Clock()
    left = {"i1": "generate", "j1": "judge", "t1": "tune", "i2": "generate", "j2": "judge"}
    return Work(left, {"initial model": 2, "listed seed 1": 3}, clock), clock


def event(kind, key, chain="listed seed 1", **more):
    stage = {"i": "generate", "j": "judge", "t": "tune"}[key[0]]
    return Event(kind, chain, stage, key, f"label of {key}", **more)


def test_steps_and_chains_are_counted_once():
    work, clock = make()
    assert (work.n_steps, work.n_chains) == (5, 2)
    for key in ("t1", "i2", "j2"):
        assert work.hear(event("started", key)) is None
        clock.now += 2
        end = work.hear(event("done", key, n=100))
    assert end == "done"
    assert (work.done, work.chains_done, work.n_steps, work.n_chains) == (3, 1, 5, 2)
    assert work.tokens_per_second() == 50


def test_the_time_left_is_known_once_every_stage_left_was_seen():
    work, clock = make()
    assert work.seconds_left(1) is None
    for key, took in (("t1", 10), ("i2", 4), ("j2", 1)):
        work.hear(event("started", key))
        clock.now += took
        work.hear(event("done", key))
    assert work.seconds_left(1) == 5
    assert work.seconds_left(8) == 5


def test_a_failure_ends_its_chain():
    work, _ = make()
    work.hear(event("started", "t1"))
    assert work.hear(event("failed", "t1")) == "failed"
    assert (work.done, work.chains_done, work.running) == (0, 1, {})
    assert work.hear(event("failed", "t1")) is None


def test_a_step_shared_by_two_arms_is_made_once():
    work, _ = make()
    work.hear(event("done", "i1", "initial model"))
    assert work.hear(event("kept", "i1", "initial model")) == "done"
    assert work.done == 1


def test_plain_lines_one_per_chain_and_one_per_failure(capsys):
    work, clock = make()
    with showing(work, Jobs(2, "CPU cores"), quiet=False) as hear:
        hear(event("started", "i1", "initial model"))
        hear(event("progress", "i1", "initial model", n=7))
        clock.now += 75
        hear(event("done", "i1", "initial model", n=150))
        hear(event("done", "j1", "initial model"))
        hear(event("started", "t1"))
        hear(event("failed", "t1", message="too \x1b[31mred"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "5 steps to make in 2 runs of model and measurements, 2 at a time (CPU cores)",
        "[1/2] initial model: done in 1 min 15 s, 2 tokens/s",
        r"failed: label of t1: too \x1b[31mred",
    ]


def test_quiet_says_nothing(capsys):
    work, _ = make()
    with showing(work, Jobs(1, ""), quiet=True) as hear:
        hear(event("failed", "t1", message="no"))
    assert capsys.readouterr() == ("", "")
