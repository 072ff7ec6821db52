"""A served model, asked through a real server that fails in every way: all is answered, once, in order."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter

import pytest

from aftertune.backends.http import Asked, Drawing, HttpModel, Limits, Prices, usage
from aftertune.errors import NoKey
from aftertune.records import Status, Turn
from aftertune.testing import Faults, endpoint

QUICK = Limits(concurrency=8, timeout_s=5.0, first_wait_s=0.01, attempts=4)


def say(turns, seed):
    return f"echo {turns[-1].content} {seed}"


def ask(*texts, seed=None):
    return [Asked((Turn("user", text),), place if seed is None else seed) for place, text in enumerate(texts)]


def test_two_thousand_requests_through_every_fault_are_answered_once_and_in_order():
    faults = Faults(seed=3, too_many=0.05, broken=0.05, silent=0.02, cut=0.05, malformed=0.02, slow=0.02)
    ended = Counter()
    with endpoint(say, faults=faults) as server:
        model = HttpModel(
            server.base_url, "scripted", limits=Limits(concurrency=64, timeout_s=2.0, first_wait_s=0.02, attempts=8)
        )
        asked = ask(*map(str, range(2000)))
        replies = model.write(asked, Drawing(), lambda place, reply: ended.update([place]))
    assert [reply.text for reply in replies] == [f"echo {n} {n}" for n in range(2000)]
    assert ended == Counter(range(2000))
    assert len(server.answered) == 2000
    assert min(server.met.values()) > 20
    assert set(server.met) == {"too_many", "broken", "silent", "cut", "malformed"}
    assert 8 < server.most_at_once <= 2 * 64  # one that the client gave up counts until the server notices
    # A slow machine can time out on an answer that was under way; then the server gave more than 2,000.
    assert sum(reply.attempts for reply in replies) >= 2000 + server.met.total()
    assert len(server.asked) == sum(reply.attempts for reply in replies)


def test_faults_come_where_the_seed_puts_them():
    def met(concurrency):
        with endpoint(say, faults=Faults(seed=1, broken=0.3)) as server:
            limits = Limits(concurrency=concurrency, first_wait_s=0.0)
            replies = HttpModel(server.base_url, "scripted", limits=limits).write(ask(*"abcdefgh"), Drawing())
        return [reply.attempts for reply in replies]

    assert met(1) == met(8)
    assert max(met(8)) > 1


def test_one_that_fails_to_the_end_leaves_the_others_alone():
    faults = Faults(seed=2, broken=0.6, in_a_row=99)
    with endpoint(say, faults=faults) as server:
        limits = Limits(concurrency=4, attempts=2, first_wait_s=0.0)
        replies = HttpModel(server.base_url, "scripted", limits=limits).write(ask(*map(str, range(40))), Drawing())
    failed = [reply for reply in replies if reply.status == Status.FAILED]
    assert 5 < len(failed) < 30
    assert {(reply.reason, reply.text, reply.attempts) for reply in failed} == {("500: something broke", "", 2)}
    assert all(r.text == f"echo {n} {n}" for n, r in enumerate(replies) if r.status == Status.OK)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("too_many", "429: slow down"),
        ("silent", "no answer within 0.1 s"),
        ("malformed", "the answer is not JSON"),
        ("cut", "the connection failed"),
    ],
)
def test_every_fault_is_tried_again_and_named(kind, reason):
    faults = Faults(**{kind: 1.0}, in_a_row=99, retry_after_s=0.01)
    with endpoint(say, faults=faults) as server:
        limits = Limits(timeout_s=0.1 if kind == "silent" else 5.0, attempts=3, first_wait_s=0.0)
        (reply,) = HttpModel(server.base_url, "scripted", limits=limits).write(ask("a"), Drawing())
    assert reply.status == Status.FAILED
    assert reply.reason.startswith(reason)
    assert reply.attempts == 3 == len(server.asked)


def test_a_wait_that_the_server_asks_for_is_kept():
    with endpoint(say, faults=Faults(too_many=1.0, in_a_row=1, retry_after_s=0.4)) as server:
        began = time.monotonic()
        (reply,) = HttpModel(server.base_url, "scripted", limits=QUICK).write(ask("a"), Drawing())
        took = time.monotonic() - began
    assert (reply.status, reply.attempts) == (Status.OK, 2)
    assert took >= 0.4


def test_a_server_that_asks_for_an_hour_is_not_asked_again():
    with endpoint(say, faults=Faults(too_many=1.0, retry_after_s=3600)) as server:
        (reply,) = HttpModel(server.base_url, "scripted", limits=QUICK).write(ask("a"), Drawing())
    assert (reply.status, reply.attempts, reply.reason) == (Status.FAILED, 1, "429: slow down")


def test_requests_begin_at_the_rate_that_is_allowed():
    with endpoint(say) as server:
        began = time.monotonic()
        limits = Limits(concurrency=8, per_minute=60 * 20)
        HttpModel(server.base_url, "scripted", limits=limits).write(ask(*"abcdefghij"), Drawing())
    assert time.monotonic() - began >= 9 / 20


def test_what_is_sent_and_what_is_read():
    with endpoint(say) as server:
        model = HttpModel(server.base_url, "scripted", extra={"max_tokens": None, "max_completion_tokens": 7, "k": 1})
        chat = Asked((Turn("system", "Be brief."), Turn("user", "Tea?")), 2**40 + 5)
        replies = model.write([chat, Asked("Once upon", 3)], Drawing(0.7, 0.9, 12))
    first, second = sorted(server.asked, key=lambda body: "prompt" in body)
    assert first == {
        "model": "scripted",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea?"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 5,
        "max_completion_tokens": 7,
        "k": 1,
    }
    assert second["prompt"] == "Once upon"
    assert "messages" not in second
    assert [reply.text for reply in replies] == ["echo Tea? 5", "echo Once upon 3"]
    assert (replies[0].n_prompt_tokens, replies[0].n_new_tokens) == (3, 3)
    assert replies[0].latency_s > 0


def test_a_text_that_the_cap_cut_off_is_truncated_and_all_is_summed():
    with endpoint(say) as server:
        replies = HttpModel(server.base_url, "scripted").write(ask("a", "b"), Drawing(max_new_tokens=2))
    assert [(reply.text, reply.status) for reply in replies] == [("echo a", "truncated"), ("echo b", "truncated")]
    sums = usage(replies, Prices(1e6, 2e6))
    assert (sums.n_requests, sums.n_failed, sums.n_prompt_tokens, sums.n_new_tokens, sums.cost) == (2, 0, 2, 4, 10.0)


def test_a_wrong_model_is_said_once_and_the_rest_is_not_asked():
    with endpoint(say) as server:
        replies = HttpModel(server.base_url, "tiny\u0131", limits=Limits(concurrency=2)).write(
            ask(*map(str, range(50))), Drawing()
        )
    assert replies[0].reason == "404: The model `tiny\u0131` does not exist."
    assert replies[-1].reason == "not asked: 404: The model `tiny\u0131` does not exist."
    assert len(server.asked) <= 2
    assert len(replies) == 50


def test_one_refusal_among_answers_does_not_end_the_others():
    with endpoint(say, faults=Faults(seed=4, missing=0.3)) as server:
        limits = Limits(concurrency=1)
        replies = HttpModel(server.base_url, "scripted", limits=limits).write(ask(*map(str, range(30))), Drawing())
    assert replies[0].status == Status.OK
    failed = [reply for reply in replies if reply.status == Status.FAILED]
    assert 3 < len(failed) < 20
    assert {(reply.reason, reply.attempts) for reply in failed} == {("404: not here", 1)}


def test_a_server_that_is_gone_is_given_up():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limits = Limits(concurrency=4, attempts=2, first_wait_s=0.0, give_up_after=5)
    replies = HttpModel(f"http://127.0.0.1:{port}/v1", "m", limits=limits).write(ask(*map(str, range(300))), Drawing())
    assert len(replies) == 300
    assert replies[0].reason.startswith("the connection failed")
    assert sum(reply.attempts > 0 for reply in replies) < 20
    assert replies[-1].reason.startswith("not asked: the connection failed")


def test_nothing_to_ask_asks_nothing():
    assert HttpModel("http://127.0.0.1:1/v1", "m").write([], Drawing()) == []


def test_it_works_where_a_loop_runs_already():
    async def notebook(server):
        return HttpModel(server.base_url, "scripted").write(ask("a"), Drawing())

    with endpoint(say) as server:
        assert [reply.text for reply in asyncio.run(notebook(server))] == ["echo a 0"]


def test_an_error_of_the_callers_own_comes_out_as_it_is():
    def full(place, reply):
        raise OSError("disk full")

    with endpoint(say) as server, pytest.raises(OSError, match="disk full"):
        HttpModel(server.base_url, "scripted").write(ask("a", "b"), Drawing(), full)


def test_a_missing_key_is_named_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("MINE_API_KEY", raising=False)
    with pytest.raises(NoKey, match="MINE_API_KEY is not set") as caught:
        HttpModel("https://api.example.com/v1", "m", key_variable="MINE_API_KEY")
    assert caught.value.exit_code == 5
    monkeypatch.setenv("MINE_API_KEY", "two words")
    with pytest.raises(NoKey, match="MINE_API_KEY holds cannot be a key") as caught:
        HttpModel("https://api.example.com/v1", "m", key_variable="MINE_API_KEY")
    assert "two words" not in str(caught.value) + caught.value.fix


def test_the_key_is_sent_and_shown_nowhere(monkeypatch, caplog):
    monkeypatch.setenv("MINE_API_KEY", "sk-s3cret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    caplog.set_level(0)
    with endpoint(say, token="sk-s3cret") as server:
        model = HttpModel(server.base_url, "scripted", key_variable="MINE_API_KEY")
        (reply,) = model.write(ask("a"), Drawing())
        without = HttpModel(server.base_url, "scripted").write(ask("a"), Drawing())
    with endpoint(say, token="another") as strict:
        refused = HttpModel(strict.base_url, "scripted", key_variable="MINE_API_KEY").write(ask("a"), Drawing())
    assert reply.status == Status.OK
    assert "authorization" not in server.headers[1]
    assert without[0].reason.startswith("401: ")
    assert refused[0].reason == "401: Incorrect API key provided: ***"
    shown = f"{model!r} {vars(model)} {reply!r} {refused!r} {caplog.text}"
    assert "s3cret" not in shown
    assert "sk-other" not in shown


def test_limits_let_something_through():
    for wrong in ({"concurrency": 0}, {"attempts": 0}, {"timeout_s": 0.0}, {"per_minute": 0.0}, {"first_wait_s": -1}):
        with pytest.raises(ValueError, match="let something through"):
            Limits(**wrong)
