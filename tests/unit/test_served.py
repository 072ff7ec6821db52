"""Answers of served models for transforms: what they depend on, what is kept, what counts as none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from aftertune.backends.http import HttpModel, Limits
from aftertune.data.build import Writer, needs_model
from aftertune.errors import GenerateError, ModelError
from aftertune.records import Turn
from aftertune.served import ServedAnswers, notes
from aftertune.testing import Faults, Scripted, endpoint
from aftertune.writers import answers_of

GREEDY = Writer("served", 0.0, 16)
ASKED = [[Turn("user", text)] for text in ("Tea?", "Rice?", "Tea?")]


def say(turns, seed):
    return f" {turns[-1].content} {seed} "


def answers(server, writer=GREEDY, folder=None, limits=None):
    model = HttpModel(server.base_url, server.model, limits=limits)
    return ServedAnswers(model, server.address, writer, folder)


def test_the_same_prompt_is_asked_once_and_greedy_needs_no_seed():
    with endpoint(say) as server:
        assert answers(server)(ASKED, [1, 2, 3]) == ["Tea? 0", "Rice? 0", "Tea? 0"]
        assert len(server.asked) == 2
        drawn = answers(server, Writer("served", 1.0, 16))(ASKED, [1, 2, 3])
    assert drawn == ["Tea? 1", "Rice? 2", "Tea? 3"]


def test_what_was_written_is_kept_under_all_that_can_change_it(tmp_path):
    with endpoint(say) as server, endpoint(say, model="other") as other:
        first = answers(server, folder=tmp_path)(ASKED, [1, 2, 3])
        asked = len(server.asked)
        assert answers(server, folder=tmp_path)(ASKED, [4, 5, 6]) == first
        assert len(server.asked) == asked
        answers(server, Writer("served", 0.0, 17), tmp_path)(ASKED, [1, 2, 3])
        answers(server, Writer("served", 0.5, 16), tmp_path)(ASKED, [1, 2, 3])
        answers(other, folder=tmp_path)(ASKED, [1, 2, 3])
        assert len(server.asked) == asked + 2 + 3
        assert len(other.asked) == 2


def test_failures_are_no_answers_are_counted_and_are_asked_again(tmp_path):
    limits = Limits(attempts=1)
    asked = [[Turn("user", str(n))] for n in range(40)]
    with endpoint(say, faults=Faults(seed=5, broken=0.3, in_a_row=1)) as server:
        model = answers(server, folder=tmp_path, limits=limits)
        first = model(asked, range(40))
        lost = first.count("")
        assert 3 < lost < 30
        assert f"40 requests, {lost} failed (500: something broke: {lost}), tokens" in model.note
        again = answers(server, folder=tmp_path, limits=limits)
        assert again(asked, range(40)) == [f"{n} 0" for n in range(40)]
        assert len(server.asked) == 40 + lost
    assert notes({GREEDY: model}) == [model.note]
    assert notes({GREEDY: Scripted({})}) == notes(None) == []


def test_an_answer_that_the_cap_cut_off_is_none_and_kept_as_none(tmp_path):
    short = Writer("served", 0.0, 1)
    with endpoint(say) as server:
        assert answers(server, short, tmp_path)(ASKED, [0, 0, 0]) == ["", "", ""]
        assert answers(server, short, tmp_path)(ASKED, [0, 0, 0]) == ["", "", ""]
        assert len(server.asked) == 2


def test_an_outage_is_an_error_and_not_rows_left_alone(tmp_path):
    with endpoint(say) as server:
        gone = answers(server, folder=tmp_path)
        model = HttpModel(server.base_url, "tiny")
        with pytest.raises(GenerateError, match="failed 2 times: 404: The model `tiny` does not exist"):
            ServedAnswers(model, "tiny", GREEDY, None)(ASKED, [0, 0, 0])
    with pytest.raises(GenerateError, match="the connection failed"):
        ServedAnswers(
            HttpModel(server.base_url, "scripted", limits=Limits(attempts=1)), "x", GREEDY, tmp_path
        )(ASKED, [0, 0, 0])  # fmt: skip
    assert gone([], []) == []


def test_a_transform_finds_its_served_model_by_address():
    with endpoint(say) as server:
        specs = [{"name": "self_answers", "model": server.address}, {"name": "rewrite", "to": "bullets"}]
        found = answers_of(specs, server.address)
        assert list(found) == needs_model(specs)
        assert [answer(ASKED[:1], [0]) for answer in found.values()] == [["Tea? 0"]] * 2
    with pytest.raises(ModelError, match="names no model"):
        answers_of(specs, server.base_url)


KILLED = """
import sys
from pathlib import Path
from aftertune.backends.http import HttpModel, Limits
from aftertune.data.build import Writer
from aftertune.records import Turn
from aftertune.served import ServedAnswers
model = HttpModel(sys.argv[1], "scripted", limits=Limits(concurrency=1))
answers = ServedAnswers(model, "scripted", Writer("served", 0.0, 16), Path(sys.argv[2]))
answers([[Turn("user", str(n))] for n in range(200)], range(200))
"""


def test_a_killed_process_goes_on_where_it_was(tmp_path):
    with endpoint(say, faults=Faults(slow=1.0, slow_s=0.02)) as server:
        process = subprocess.Popen([sys.executable, "-c", KILLED, server.base_url, str(tmp_path)])
        ends = time.monotonic() + 60
        while server.answered.total() < 20 and time.monotonic() < ends:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        before = server.answered.total()
        assert 20 <= before < 200
        model = HttpModel(server.base_url, "scripted", limits=Limits(concurrency=16))
        again = ServedAnswers(model, "scripted", GREEDY, tmp_path)
        assert again([[Turn("user", str(n))] for n in range(200)], range(200)) == [f"{n} 0" for n in range(200)]
        assert 200 <= len(server.asked) <= 203  # the one under way, and one whose line was not written yet
