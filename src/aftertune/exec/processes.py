"""Run chains in worker processes on this machine.

Workers are ordinary processes that speak JSON lines: nothing is pickled, and a caller's script is never
imported again. A worker that dies fails the chain it held; the others go on in a fresh worker.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from aftertune.exec.chain import Event, Notify
from aftertune.exec.worker import IDLE, decode_event, encode_chain
from aftertune.plan import Chain

_TAIL = 3000


class _Worker:
    """One worker process with the thread that reads its events into the shared queue."""

    def __init__(self, root: Path, inbox: queue.Queue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        self.chain: Chain | None = None
        self.step: dict[str, Any] | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aftertune.exec.worker", str(root)],
            stdin=subprocess.PIPE,
            text=True,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            encoding="utf-8",
            env=_environment(),
        )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def give(self, chain: Chain) -> None:
        """Hand over the next chain."""
        self.chain = chain
        assert self._process.stdin is not None
        # A worker that died meanwhile is noticed by its listener.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(encode_chain(chain)) + "\n")
            self._process.stdin.flush()

    def stop(self, *, now: bool) -> None:
        """End the process: after its last chain, or at once."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        if now:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def death(self) -> str:
        """Why a worker died, with the end of what it wrote."""
        code = self._process.wait()
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - _TAIL))
        said = self._errors.read().decode(errors="replace").strip()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return f"the worker process {how}" + (f": {said.splitlines()[-1]}" if said else "")

    def _listen(self, inbox: queue.Queue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):
            for line in self._process.stdout:
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))


def run_processes(chains: Sequence[Chain], root: Path, notify: Notify, *, jobs: int) -> None:
    """Run every chain in up to `jobs` workers; events arrive in this thread.

    On any exception here, Ctrl-C included, the workers are killed; finished steps stay in the store.
    """
    waiting, inbox = deque(chains), queue.Queue[tuple[_Worker, dict[str, Any] | None]]()
    with _workers(min(jobs, len(chains)), root, inbox) as alive:
        while alive:
            worker, message = inbox.get()
            if worker not in alive:
                continue
            if message is None:
                if _bury(worker, alive, notify).fatal:
                    waiting.clear()
                if waiting and not alive:
                    alive.append(_Worker(root, inbox))
            elif message["kind"] == IDLE:
                _next(worker, waiting, alive)
            elif _tell(worker, message, notify).fatal:
                waiting.clear()


@contextmanager
def _workers(n: int, root: Path, inbox: queue.Queue[Any]) -> Iterator[list[_Worker]]:
    alive = [_Worker(root, inbox) for _ in range(n)]
    try:
        yield alive
    except BaseException:
        for worker in alive:
            worker.stop(now=True)
        raise


def _next(worker: _Worker, waiting: deque[Chain], alive: list[_Worker]) -> None:
    worker.chain, worker.step = None, None
    if waiting:
        worker.give(waiting.popleft())
    else:
        alive.remove(worker)
        worker.stop(now=False)


def _tell(worker: _Worker, message: dict[str, Any], notify: Notify) -> Event:
    worker.step = message
    event = decode_event(message)
    notify(event)
    return event


def _bury(worker: _Worker, alive: list[_Worker], notify: Notify) -> Event:
    """A worker died: blame the step it was at; before its first chain, nothing can run at all."""
    alive.remove(worker)
    reason = worker.death()
    worker.stop(now=True)
    step = worker.step or {"stage": "start", "key": "", "label": "start a worker"}
    name = worker.chain.name if worker.chain else "worker"
    event = Event(
        "failed",
        name,
        step["stage"],
        step["key"],
        step["label"],
        message=reason,
        fix="most often memory: lower --jobs, measure.sampling.batch_size or tune.micro_batch_size",
        fatal=worker.chain is None,
    )
    notify(event)
    return event


def _environment() -> dict[str, str]:
    """One thread per worker, and no parallel tokenizers: workers are the parallelism."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
