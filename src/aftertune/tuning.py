"""The tuning stage: which engine makes a step, and which steps are made together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from aftertune.canon import digest
from aftertune.errors import AftertuneError
from aftertune.plan import Step
from aftertune.spec.tuning import TuneSpec
from aftertune.store import Draft, Store
from aftertune.tune.record import Run, Tick, TuneRecord

Failed = Callable[[str, AftertuneError], None]
SNAPSHOT_EVERY_S = 30.0  # how often half-done runs are kept


def together_key(step: Step) -> str | None:
    """What steps must share to be tuned in one bank; None for a step that is made on its own.

    Nothing of torch is needed to tell.
    """
    if step.stage != "tune":
        return None
    spec = _spec(step.work)
    if spec.engine != "native" or spec.kind != "lora":
        return None
    targets = spec.target_modules if isinstance(spec.target_modules, str) else list(spec.target_modules)
    shape = [spec.rank, targets, spec.precision, spec.gradient_checkpointing]
    return digest([dict(step.work["model"]), shape])


def tune_steps(
    steps: Sequence[Step],
    store: Store,
    drafts: Mapping[str, Draft],
    tick: Tick,
    failed: Failed,
    base: Callable[[Mapping[str, Any]], Any],
) -> None:
    """Make tune steps of one `together_key`, or a single one of any kind; fills each draft that succeeds.

    Args:
        steps: The steps.
        store: Where their inputs are.
        drafts: Where each step's files go, by key.
        tick: Told after each optimizer step, with the step's key.
        failed: Told about each step that could not be made; the others go on.
        base: Gives the loaded initial model of a step's work; tuning an adapter leaves it as it was.
    """
    rows = _Rows(store)
    runs = [_run(step, store, drafts[step.key].folder, rows) for step in steps]
    if together_key(steps[0]) is not None:
        from aftertune.tune.native.engine import tune_together

        records = tune_together(base(steps[0].work), runs, tick, failed, snapshot_every_s=SNAPSHOT_EVERY_S)
    else:
        records = {runs[0].key: _alone(steps[0], runs[0], tick)}
    for key, record in records.items():
        drafts[key].facts.update(asdict(record))


def forget_half_done(store: Store, key: str) -> None:
    """Remove what was kept of a run before it was done."""
    shutil.rmtree(_resume(store, key), ignore_errors=True)


def _alone(step: Step, run: Run, tick: Tick) -> TuneRecord:
    from aftertune.backends.hf import ModelRef, load_model

    if run.spec.engine == "external":
        from aftertune.tune.external import take_external

        return take_external(step.work, run, tick)
    ref = ModelRef.of(step.work["model"])
    if run.spec.engine == "reference":
        from aftertune.tune.reference import tune_reference

        return tune_reference(ref, run, tick)
    from aftertune.tune.full import tune_full

    return tune_full(load_model(ref, run.start), run, tick, snapshot_every_s=SNAPSHOT_EVERY_S)


class _Rows:
    """Training sets, read once for all runs that share them; the last one stays for the next runs of its arm."""

    _last: ClassVar[dict[str, Any]] = {}

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, key: str) -> Any:
        from aftertune.data.build import read_training_set

        folder = self._store.folder("data", key)
        if str(folder) not in self._last:
            self._last.clear()
            self._last[str(folder)] = read_training_set(folder)
        return self._last[str(folder)]


def _run(step: Step, store: Store, folder: Path, rows: _Rows) -> Run:
    work = step.work
    return Run(
        step.key,
        rows(work["data"]),
        _spec(work),
        work["root"],
        work["training_seed"],
        work["name"],
        folder,
        _start(work, store),
        work["round"],
        _resume(store, step.key),
    )


def _start(work: Mapping[str, Any], store: Store) -> Path | None:
    if work["start"] is None:
        return None
    from aftertune.steps import checkpoint_folder

    return checkpoint_folder(store, work["start"], "checkpoint")


def _spec(work: Mapping[str, Any]) -> TuneSpec:
    return TuneSpec.model_validate(work["tune"])


def _resume(store: Store, key: str) -> Path:
    return store.root / "resume" / key
