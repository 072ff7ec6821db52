"""Runs made again with the same training seed: what no seed controls, put beside what training seeds do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from aftertune.assemble import judgment_frame
from aftertune.plan import Cell, Plan
from aftertune.results import Diagnostic
from aftertune.steps import read_responses
from aftertune.store import Store


@dataclass(frozen=True, slots=True)
class _Look:
    """What is looked at: the primary judge's verdicts on the primary outcome, without and with repeats."""

    own: dict[tuple[Any, ...], Cell]
    again: tuple[Cell, ...]
    outcome: str
    store: Store

    def texts(self, cells: Iterable[Cell]) -> list[str]:
        return [r.text for cell in cells for r in read_responses(self.store, cell.responses_key)]

    def rate(self, cells: Iterable[Cell]) -> float | None:
        frames = (judgment_frame(cell, self.store).filter(outcome=self.outcome) for cell in cells)
        values = [value for frame in frames for value in frame["value"].drop_nulls()]
        return mean(values) if values else None


def repeat_findings(plan: Plan, store: Store, primary: str, outcome: str) -> Iterator[Diagnostic]:
    """One finding per repeat and benchmark, in the order of the plan."""
    own = {_place(cell): cell for cell in plan.cells if not cell.probe and cell.judge == primary}
    look = _Look(own, tuple(cell for cell in plan.cells if cell.checkpoint.repeat), outcome, store)
    groups: dict[tuple[str, int, str], list[Cell]] = {}
    for cell in look.again:
        groups.setdefault((cell.arm, cell.checkpoint.repeat, cell.benchmark), []).append(cell)
    for again in groups.values():
        yield _finding(look, [own[_place(cell)] for cell in again], again)


def _place(cell: Cell) -> tuple[Any, ...]:
    at = cell.checkpoint
    return (at.arm, at.training_seed, at.place, cell.benchmark, cell.prompt_format)


def _finding(look: _Look, first: Sequence[Cell], again: Sequence[Cell]) -> Diagnostic:
    pairs = list(zip(look.texts(first), look.texts(again), strict=True))
    changed = sum(one != other for one, other in pairs)
    same = _final(first[0], look.store) == _final(again[0], look.store)
    at = again[0]
    return Diagnostic(
        "repeat",
        "ok" if same and not changed else "info",
        f"{at.arm} / {at.benchmark}",
        f"training seed {at.training_seed} run again: {'the same' if same else 'other'} final weights; "
        f"{changed} of {len(pairs)} responses differ{_moved(look, first, again)}",
    )


def _final(cell: Cell, store: Store) -> str:
    """The hash of the weights that a run's last round ended with."""
    return str(store.manifest("tune", str(cell.checkpoint.tune))["facts"]["final_sha256"])


def _moved(look: _Look, first: Sequence[Cell], again: Sequence[Cell]) -> str:
    """How far the rate moves, beside the spread between training seeds."""
    before, after = look.rate(first), look.rate(again)
    if before is None or after is None:
        return ""
    spread = _between_seeds(look, again[0])
    beside = "" if spread is None else f", beside an SD of {100 * spread:.1f} points between training seeds"
    return f"; the {look.outcome} rate moves by {100 * (after - before):+.1f} points{beside}"


def _between_seeds(look: _Look, at: Cell) -> float | None:
    """The SD of the arm's rates over training seeds at its last round; None with fewer than two seeds."""
    by_seed: dict[int | None, list[Cell]] = {}
    for cell in look.own.values():
        same = (cell.arm, cell.benchmark, cell.checkpoint.place) == (at.arm, at.benchmark, at.checkpoint.place)
        if same:
            by_seed.setdefault(cell.training_seed, []).append(cell)
    rates = [rate for cells in by_seed.values() if (rate := look.rate(cells)) is not None]
    return stdev(rates) if len(rates) > 1 else None
