"""Requests a second to a served model: many under way at once, against one after the other.

The server is `aftertune.testing.endpoint` in a process of its own, which takes 50 ms for every answer: a fast model.
The plain client is the standard library's, on one connection that stays open.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from aftertune.backends.http import Asked, Drawing, HttpModel, Limits, Reply
from aftertune.records import Status, Turn
from aftertune.testing import Faults, endpoint

REQUESTS, PLAIN, SECONDS = 2000, 200, 0.05
SOUND = Faults(slow=1.0, slow_s=SECONDS)
BAD = Faults(
    seed=1, too_many=0.05, broken=0.05, silent=0.02, cut=0.05, malformed=0.03, slow=1.0, slow_s=SECONDS
)  # fmt: skip


def _serve(faults: Faults, ours: Connection) -> None:
    with endpoint(lambda turns, seed: f"echo {turns[-1].content}", faults=faults) as server:
        ours.send(server.base_url)
        ours.recv()
        ours.send(dict(server.met))


@contextmanager
def served(faults: Faults) -> Iterator[tuple[str, Connection]]:
    """A server in another process: its address, and a line to it that brings its counts."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(faults, its))
    process.start()
    yield ours.recv(), ours
    process.join()


def plain(base_url: str, n: int) -> float:
    """Requests a second, one after the other."""
    place = urlsplit(base_url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port)
    began = time.perf_counter()
    for number in range(n):
        said = [{"role": "user", "content": str(number)}]
        body = json.dumps({"model": "scripted", "messages": said, "max_tokens": 16, "seed": number})
        connection.request("POST", f"{place.path}/chat/completions", body, {"content-type": "application/json"})
        found = json.loads(connection.getresponse().read())
        assert found["choices"][0]["message"]["content"] == f"echo {number}"
    return n / (time.perf_counter() - began)


def ours(base_url: str, concurrency: int) -> tuple[float, list[Reply], Counter[int]]:
    """Requests a second, many at once; the replies; and how often each was handed over."""
    limits, ended = Limits(concurrency=concurrency, timeout_s=2.0, first_wait_s=0.05), Counter[int]()
    asked = [Asked((Turn("user", str(number)),), number) for number in range(REQUESTS)]
    began = time.perf_counter()
    replies = HttpModel(base_url, "scripted", limits=limits).write(
        asked, Drawing(max_new_tokens=16), lambda place, reply: ended.update([place])
    )
    return REQUESTS / (time.perf_counter() - began), replies, ended


def main() -> int:
    """Print the comparison; fails when a request was lost, doubled or mixed up."""
    with served(SOUND) as (url, line):
        one = plain(url, PLAIN)
        print(f"plain client, one after the other: {one:.0f} requests/s")
        for concurrency in (16, 64):
            rate, _, _ = ours(url, concurrency)
            print(f"ours, concurrency {concurrency}: {rate:.0f} requests/s, {rate / one:.1f} times")
        line.send("end")
        line.recv()
    with served(BAD) as (url, line):
        rate, replies, ended = ours(url, 64)
        line.send("end")
        met = line.recv()
    lost = sum(reply.status != Status.OK or reply.text != f"echo {n}" for n, reply in enumerate(replies))
    doubled = sum(ended.values()) - len(ended)
    attempts = sum(reply.attempts for reply in replies)
    print(f"ours, concurrency 64, with faults: {rate:.0f} requests/s, {attempts:,} attempts, {met}")
    print(f"lost or mixed up: {lost}; doubled: {doubled}")
    return int(lost > 0 or doubled > 0)


if __name__ == "__main__":
    sys.exit(main())
