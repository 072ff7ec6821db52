"""One of several processes that train a run together: `torchrun ... -m aftertune.tune.reference.worker JOB.json PID`.

Beside the job it writes `progress.jsonl` and `record.json` (process 0), or `error-RANK.json`. It ends when the
process PID, which waits for it, is gone.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from aftertune.errors import AftertuneError
from aftertune.extras import need
from aftertune.tune.record import Progress
from aftertune.tune.reference.job import read_job
from aftertune.tune.reference.session import train_here


def main(file: Path, waiting: int) -> int:
    """Train this process's share of a job that the process `waiting` waits for; the exit code."""
    rank = int(os.environ.get("RANK", "0"))  # set by torchrun
    try:
        _train(file, rank, waiting)
    except AftertuneError as error:
        said = {"message": error.message, "fix": error.fix}
        file.with_name(f"error-{rank}.json").write_text(json.dumps(said), encoding="utf-8")
        return 1
    return 0


def _train(file: Path, rank: int, waiting: int) -> None:
    torch = need("torch")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    ref, run = read_job(file)

    def tick(key: str, progress: Progress) -> None:
        _check_alive(waiting)
        if rank == 0:
            with file.with_name("progress.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(progress)) + "\n")

    record = train_here(ref, run, tick, rank=rank)
    if rank == 0:
        file.with_name("record.json").write_text(json.dumps(asdict(record)), encoding="utf-8")
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _check_alive(process: int) -> None:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        raise SystemExit("nobody waits for this training any more") from None


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2])))
