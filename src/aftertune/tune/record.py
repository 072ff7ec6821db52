"""What a run is asked to do, and what identifies it when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aftertune.records import Row
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.streams import Streams


@dataclass(frozen=True, slots=True)
class Run:
    """One fine-tuning run of one training seed.

    Attributes:
        key: Its name in the store; unique among the runs that are tuned together.
        rows: The training set.
        spec: The settings.
        root: The study's seed.
        training_seed: Fixes adapter initialisation, data order, dropout and the choice of rows.
        base: The initial model as the study names it; written into the adapter's config.
        folder: Where `checkpoint/` (and `checkpoint-0.25/` ... for earlier points) and `train.jsonl` are written.
        start: The checkpoint of the round before; None for the first.
        round: From 1.
        resume: Where the state of a half-done run is kept; None to keep none.
    """

    key: str
    rows: Sequence[Row]
    spec: TuneSpec
    root: int
    training_seed: int
    base: str
    folder: Path
    start: Path | None = None
    round: int = 1
    resume: Path | None = None

    @property
    def streams(self) -> Streams:
        """The run's randomness."""
        return Streams(self.root, self.training_seed, self.spec.hold, self.round)


EXECUTION = "execution"  # the part of a record's details that may differ between machines for one result


@dataclass(frozen=True, slots=True)
class TuneRecord:
    """What identifies a finished run; two runs with one `final_sha256` are one run.

    `details` says how it was made: the engine, library versions, every setting that the study left to a default.
    `notes` say what a reader must know: an early stop, memory that ran out.
    """

    initial_sha256: str
    order_sha256: str
    final_sha256: str
    steps: int
    tokens: int
    rows: int
    rows_cut: int
    rows_left_out: int
    loss_first: float | None
    loss_last: float | None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: optimizer steps, tokens trained on so far, and the latest loss."""

    step: int
    n_steps: int
    tokens: int
    loss: float


Tick = Callable[[str, Progress], None]


def checkpoint_name(point: float) -> str:
    """The folder of a checkpoint inside a run's folder.

    >>> checkpoint_name(0.25), checkpoint_name(1.0)
    ('checkpoint-0.25', 'checkpoint')
    """
    return "checkpoint" if point == 1 else f"checkpoint-{point:g}"
