"""Train a run in several processes under torchrun, and bring its record and its troubles back.

Not under `accelerate launch`, which in the tested versions started one process where two were asked for.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aftertune.backends.hf import ModelRef
from aftertune.errors import TuneError
from aftertune.tune.record import Progress, Run, Tick, TuneRecord
from aftertune.tune.reference.job import read_record, write_job

_POLL_S = 0.1
_GRACE_S = 20.0  # torchrun ends its workers when it is asked to, within this
_TAIL = 1500  # characters of a worker's last words
_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"  # colours and cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b.?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def train_in_processes(ref: ModelRef, run: Run, tick: Tick) -> TuneRecord:
    """Train a run in `spec.processes` processes of this machine.

    Raises:
        TuneError: a process failed; says what the first of them said.
    """
    with tempfile.TemporaryDirectory(prefix="aftertune-") as scratch:
        job = Path(scratch, "job.json")
        write_job(job, ref, run)
        with _started(job, run.spec.processes) as process:
            _follow(process, job.with_name("progress.jsonl"), run.key, tick)
        if process.returncode != 0 or not job.with_name("record.json").exists():
            raise _trouble(job.parent, run.spec.processes)
        return read_record(job.with_name("record.json"))


def _command(job: Path, processes: int) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    logs = ["--redirects=2", f"--log-dir={job.with_name('logs')}"]
    return [*launcher, *logs, "-m", "aftertune.tune.reference.worker", str(job), str(os.getpid())]


@contextmanager
def _started(job: Path, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """The launcher at work; it and its workers are ended on the way out, whatever happens."""
    with job.with_name("launcher.log").open("wb") as errors:
        process = subprocess.Popen(
            _command(job, processes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _follow(process: subprocess.Popen[bytes], file: Path, key: str, tick: Tick) -> None:
    """Pass progress on until the launcher ends."""
    told = 0
    while True:
        ended = process.poll() is not None
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        for line in lines[told:]:
            tick(key, Progress(**json.loads(line)))
        told = len(lines)
        if ended:
            return
        time.sleep(_POLL_S)


def _trouble(folder: Path, processes: int) -> TuneError:
    """What went wrong: what a worker said on purpose, else the end of what it wrote."""
    for file in sorted(folder.glob("error-*.json")):
        said = json.loads(file.read_text(encoding="utf-8"))
        return TuneError(said["message"], said["fix"])
    words = [last_words(file) for file in sorted(folder.glob("logs/**/stderr.log"))]
    found = next((text for text in words if "Error" in text), next(filter(None, words), ""))
    why = _last_line_first(found or last_words(folder / "launcher.log"))
    return TuneError(
        f"one of {processes} training processes failed: {why}",
        "try it with `tune.processes: 1`, and lower tune.micro_batch_size if memory ran out",
    )


def _last_line_first(text: str) -> str:
    """The line that says what went wrong, and below it what led there."""
    before, _, last = text.rpartition("\n")
    return f"{last}\n{before}".strip()


def last_words(file: Path) -> str:
    """The end of a text file, without what would move a terminal's cursor or change its colours."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    return _ESCAPES.sub("", text.replace("\r", "\n")).strip()[-_TAIL:]
