"""The scripted model: rules, cuts, failures, and the same in and out as a served one."""

from __future__ import annotations

import re

import pytest

from aftertune.backends.http import Asked, Drawing, HttpModel
from aftertune.records import Status, Turn
from aftertune.testing import Faults, Scripted, by_rules, endpoint

RULES = {r"capital of (?P<land>\w+)": r"\g<land> has one.", "(?i)^tea": "Boil water and wait."}


def test_the_first_rule_that_fits_answers():
    say = by_rules(RULES, "Sure.")
    texts = ("The capital of Peru?", "tea, the capital of Kenya", "TEA?", "Rice?")
    assert [say([Turn("user", text)], 0) for text in texts] == [
        "Peru has one.",
        "Kenya has one.",
        "Boil water and wait.",
        "Sure.",
    ]
    with pytest.raises(re.error):
        by_rules({"(": "x"})


def test_it_gives_the_replies_that_a_server_with_the_same_script_gives():
    asked = [Asked((Turn("user", "Tea?"),), 1), Asked("Tea", 2), Asked((Turn("user", "The capital of Peru?"),), 3)]
    ended = []
    for drawing in (Drawing(), Drawing(max_new_tokens=2)):
        with endpoint(by_rules(RULES)) as server:
            there = HttpModel(server.base_url, "scripted").write(asked, drawing)
        here = Scripted(RULES).write(asked, drawing, lambda place, reply: ended.append(place))
        alike = ("text", "status", "reason", "n_prompt_tokens", "n_new_tokens", "attempts")
        assert [[getattr(r, name) for name in alike] for r in here] == [
            [getattr(r, name) for name in alike] for r in there
        ]
    assert ended == [0, 1, 2] * 2


def test_no_answer_is_a_failed_reply():
    (reply,) = Scripted({}).write([Asked("Tea", 2)], Drawing())
    assert (reply.status, reply.reason) == (Status.FAILED, "the script has no answer")


def test_as_an_answerer_it_refuses_what_no_model_takes():
    model = Scripted(lambda turns, seed: str(seed))
    assert model([[Turn("user", "a")]] * 2, [1, 2]) == ["1", "2"]
    with pytest.raises(ValueError, match="must end with a user turn"):
        model([[Turn("assistant", "a")]], [1])
    with pytest.raises(ValueError):
        model([[Turn("user", "a")]], [1, 2])


def test_shares_of_faults_are_shares():
    for wrong in ({"cut": 1.5}, {"broken": -0.1}, {"broken": 0.6, "cut": 0.6}, {"slow": 2}):
        with pytest.raises(ValueError, match="shares"):
            Faults(**wrong)


def test_a_port_that_is_taken_is_said():
    with endpoint(by_rules({})) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"), endpoint(by_rules({}), port=port):
            pass
