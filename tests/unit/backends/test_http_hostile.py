"""Servers that mean no good: floods, endless drips, redirects, packed answers, words that act on a terminal."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aftertune.backends.http import Asked, Drawing, HttpModel, Limits
from aftertune.backends.http_answer import Fault, cleaned, read_refusal, read_reply
from aftertune.records import Status, Turn

ONCE = Limits(timeout_s=5.0, attempts=1, most_bytes=100_000)


@contextmanager
def raw(answer: bytes, *, drip: bytes = b"") -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends these bytes to whoever comes, and goes on dripping others."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(65536))
                try:
                    connection.sendall(answer)
                    while drip:
                        connection.sendall(drip)
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", heard
        thread.join(5)


def reply_of(url: str, limits: Limits = ONCE, **options):
    (reply,) = HttpModel(url, "m", limits=limits, **options).write([Asked((Turn("user", "Tea?"),), 1)], Drawing())
    return reply


def test_a_flood_is_cut_off():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    with raw(head, drip=b"10000\r\n" + b"a" * 65536 + b"\r\n") as (url, _):
        reply = reply_of(url)
    assert (reply.status, reply.reason) == (Status.FAILED, "the answer is larger than 100,000 bytes")


def test_a_drip_that_never_ends_does():
    began = time.monotonic()
    with raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50000\r\n\r\n", drip=b" ") as (url, _):
        reply = reply_of(url, Limits(timeout_s=1.0, attempts=1))
    assert reply.reason == "no answer within 1 s"
    assert time.monotonic() - began < 4


def test_a_redirect_is_not_followed_and_takes_no_key_along(monkeypatch):
    monkeypatch.setenv("MINE_API_KEY", "sk-s3cret")
    with raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (other, heard):
        there = f"HTTP/1.1 307 Go\r\nlocation: {other}/x\r\ncontent-length: 0\r\n\r\n".encode()
        with raw(there) as (url, asked):
            reply = reply_of(url, key_variable="MINE_API_KEY")
        assert heard == []
        socket.create_connection(("127.0.0.1", int(other.rsplit(":")[-1].split("/")[0]))).close()
    assert reply.reason == "307: redirected to 127.0.0.1, which is not followed"
    assert b"sk-s3cret" in asked[0]


def test_a_packed_answer_is_not_unpacked():
    with raw(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}") as (url, _):
        assert reply_of(url).reason == "the answer is packed, which was not asked for"


def test_what_is_no_http_is_a_fault_in_one_clean_line():
    with raw(b"\x1b[31mhello\r\n\r\n") as (url, _):
        reply = reply_of(url)
    assert reply.status == Status.FAILED
    assert reply.reason.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": {}}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {}}]}',
        b"[" * 100_000,
        b'{"choices": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_bodies_of_another_form_are_faults(body):
    found = read_reply(body)
    assert isinstance(found, Fault)
    assert found.again


def test_odd_texts_and_counts_are_read_as_far_as_they_go():
    half = read_reply(b'{"choices": [{"message": {"content": "a\\ud800b"}}], "usage": {"prompt_tokens": -1}}')
    assert (half.text, half.n_prompt_tokens, half.n_new_tokens) == ("a?b", None, None)
    half.text.encode()
    parts = read_reply(b'{"choices": [{"message": {"content": [{"text": "a"}, 7, {"text": "b"}]}}], "usage": []}')
    assert parts.text == "ab"
    refused = read_reply(b'{"choices": [{"message": {"content": null, "refusal": "No."}}]}')
    assert refused.text == "No."
    nothing = read_reply(b'{"choices": [{"message": {"role": "assistant", "content": null}}]}')
    assert (nothing.text, nothing.status) == ("", Status.OK)
    assert read_reply(b'{"choices": [{"text": "x", "finish_reason": "content_filter"}]}') == Fault(
        "withheld by the server's content filter", again=False
    )


def test_a_servers_words_are_short_and_act_on_nothing():
    said = read_refusal(500, b'{"detail": "\\u001b]0;title\\u0007\\u202e<b>' + b"x" * 10_000 + b'"}')
    assert said.isprintable()
    assert len(said) < 250
    assert cleaned("a sk-s3cret b" * 1000, secret="sk-s3cret").startswith("a *** ba *** b")
    began = time.monotonic()
    read_refusal(500, b"{" * 16_384)
    cleaned("\x1b[" * 500_000)
    assert time.monotonic() - began < 1
