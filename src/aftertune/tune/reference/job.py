"""A run as JSON, for the processes that train it together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aftertune.backends.hf import ModelRef
from aftertune.records import Row, Turn
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.record import Run, TuneRecord

# Of the whole study, not of one run; a worker needs neither.
_NOT_NEEDED = {"rounds", "external"}


def write_job(file: Path, ref: ModelRef, run: Run) -> None:
    """Write a run as a job."""
    job = {
        "ref": {"path": str(ref.path.absolute()), "chat_template": ref.chat_template, "dtype": ref.dtype},
        "run": {
            "key": run.key,
            "rows": [asdict(row) for row in run.rows],
            "spec": run.spec.model_dump(mode="json", exclude=_NOT_NEEDED),
            "root": run.root,
            "training_seed": run.training_seed,
            "base": run.base,
            "folder": str(run.folder.absolute()),
            "start": None if run.start is None else str(run.start.absolute()),
            "round": run.round,
        },
    }
    file.write_text(json.dumps(job), encoding="utf-8")


def read_job(file: Path) -> tuple[ModelRef, Run]:
    """The run of a job."""
    job = json.loads(file.read_text(encoding="utf-8"))
    fields = job["run"]
    made = {
        "rows": [_row(row) for row in fields["rows"]],
        "spec": TuneSpec(**fields["spec"]),
        "folder": Path(fields["folder"]),
        "start": None if fields["start"] is None else Path(fields["start"]),
    }
    return ModelRef.of(job["ref"]), Run(**{**fields, **made})


def read_record(file: Path) -> TuneRecord:
    """The record that process 0 wrote."""
    fields = json.loads(file.read_text(encoding="utf-8"))
    return TuneRecord(**{**fields, "notes": tuple(fields["notes"])})


def _row(fields: Mapping[str, Any]) -> Row:
    return Row(fields["id"], tuple(Turn(**turn) for turn in fields["turns"]))
