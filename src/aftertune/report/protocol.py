"""What it takes to check a report or make it again: self-checks, training runs, the study, versions, inputs.

The lock file is shown as it is; keys this file does not know are shown too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from aftertune.report.fields import Json, in_order, mapping, number, plain, records, words
from aftertune.report.text import NA

_KNOWN = ("schema", "study", "components", "environment", "inputs", "runs", "steps", "streams", "training_sets")
_MOST_MADE = 20
_SEVERITY = ("error", "warning", "info", "ok")
_SHORT_HASH = 12
_DEEPEST = 3
_NOTHING = "nothing found"
_STUDY_ORDER = ("study", "seed", "initial_model", "data", "arms", "tune", "measure", "analysis")
_STUDY_LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Check:
    """One self-check's finding."""

    status: str
    check: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class ChecksView:
    """All self-checks, the gravest first, and one line about them."""

    checks: tuple[Check, ...]
    passed: tuple[str, ...]
    worst: str
    summary: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell; `full` is shown on hover where `text` is cut, numbers are set to the right."""

    text: str
    full: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A plain table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProtocolView:
    """Everything needed to make the report again."""

    study: str
    components: tuple[tuple[str, str], ...]
    libraries: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]
    inputs: Grid
    made: tuple[tuple[str, str], ...]
    other: str
    commands: tuple[str, ...]
    table: str


def checks_view(results: Json) -> ChecksView:
    """Self-checks: those with something to say one by one, the gravest first; the others by name."""
    found = [
        Check(
            words(row, "status") if row.get("status") in _SEVERITY else "warning",
            words(row, "check"),
            words(row, "where"),
            words(row, "message", limit=2000),
        )
        for row in records(results, "diagnostics")
    ]
    silent = [check for check in found if check.status == "ok" and check.message in ("", _NOTHING)]
    told = sorted((check for check in found if check not in silent), key=lambda check: _SEVERITY.index(check.status))
    passed = tuple(in_order([check.check for check in silent]))
    worst = told[0].status if told else "ok" if found else "warning"
    return ChecksView(tuple(told), passed, worst, _summary(found))


def runs_view(runs: Sequence[Json]) -> Grid:
    """The training runs with their fingerprints, and a note where two of them are one."""
    known = (
        "arm",
        "training_seed",
        "round",
        "repeat",
        "initial_adapter_sha256",
        "order_sha256",
        "final_sha256",
        "steps",
        "tokens",
        "loss_first",
        "loss_last",
        "wall_s",
    )
    extra = in_order([str(key) for run in runs for key in run if key not in (*known, "notes", "details")])
    shown = [key for key in (*known, *extra) if any(run.get(key) not in (None, "", _USUAL.get(key)) for run in runs)]
    rows = tuple(tuple(_run_cell(run, key) for key in shown) for run in runs)
    return Grid(
        tuple(_RUN_WORDS.get(key) or plain(key, limit=60).replace("_", " ") for key in shown),
        rows,
        _twins(runs),
    )


def protocol_view(lock: Json, table: str) -> ProtocolView:
    """The study as declared, with versions, inputs and commands."""
    environment = mapping(lock, "environment")
    other = {key: value for key, value in lock.items() if key not in _KNOWN}
    version = next(
        (
            words(source, "aftertune")
            for source in (mapping(environment, "libraries"), environment, lock)
            if words(source, "aftertune")
        ),
        "",
    )
    return ProtocolView(
        study=_yaml(_in_study_order(lock.get("study"))),
        components=_pairs(mapping(lock, "components")),
        libraries=_pairs(mapping(environment, "libraries")),
        environment=_pairs({key: value for key, value in environment.items() if key != "libraries"}),
        steps=_pairs(mapping(lock, "steps")),
        inputs=_grid(records(lock, "inputs")),
        made=_made(records(lock, "runs")),
        other=_yaml(other or None),
        commands=_commands(version),
        table=table,
    )


_USUAL = {"round": 1, "repeat": 0}  # a column in which every run has this says nothing
_RUN_WORDS = {
    "training_seed": "training seed",
    "initial_adapter_sha256": "adapter at start",
    "order_sha256": "data order",
    "final_sha256": "checkpoint",
    "loss_first": "first loss",
    "loss_last": "last loss",
    "wall_s": "seconds",
}


def _summary(found: Sequence[Check]) -> str:
    if not found:
        return "No self-checks are recorded with these results."
    counts = [(sum(check.status == status for check in found), status) for status in ("error", "warning")]
    named = " and ".join(f"{n} {status}{'' if n == 1 else 's'}" for n, status in counts if n)
    if not named:
        return (
            f"All {len(found)} self-checks passed."
            if all(check.status == "ok" for check in found)
            else ("No self-check found an error or a reason for a warning.")
        )
    kinds = in_order(
        [
            check.check.replace("_", " ")
            for status in ("error", "warning")
            for check in found
            if check.status == status and check.check
        ]
    )
    more = f" and {len(kinds) - 4} more" if len(kinds) > 4 else ""
    return f"The self-checks found {named}: {', '.join(kinds[:4])}{more}."


def _run_cell(run: Json, key: str) -> Cell:
    value = run.get(key)
    if key.endswith("sha256"):
        full = words(run, key)
        return Cell(full[:_SHORT_HASH] or NA, full)
    if isinstance(value, float):
        return Cell(f"{value:.3f}" if key.startswith("loss") else f"{value:,.1f}", numeric=True)
    if isinstance(value, int) and key != "training_seed":
        return Cell(f"{value:,}", numeric=True)
    return Cell(plain(value, limit=80))


def _twins(runs: Sequence[Json]) -> tuple[str, ...]:
    """Training seeds of one arm that ended with the same checkpoint are one run; arms may share their runs."""
    ended: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if words(run, "final_sha256") and not run.get("repeat"):
            name = f"{words(run, 'arm')} training seed {words(run, 'training_seed')}"
            name += f" round {words(run, 'round')}" if run.get("round") not in (None, 1) else ""
            ended.setdefault((words(run, "arm"), words(run, "final_sha256")), []).append(name)
    return tuple(f"{' and '.join(names)} ended with the same checkpoint." for names in ended.values() if len(names) > 1)


def streams_view(streams: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    """What the training seeds vary: arms, and the sentence that holds for them."""
    groups: dict[str, list[str]] = {}
    for row in streams:
        groups.setdefault(words(row, "sentence", limit=1000), []).append(words(row, "arm"))
    return tuple((", ".join(arms), sentence) for sentence, arms in groups.items() if sentence)


def _made(runs: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    """How runs were made: engine, versions, defaults and provenance, once for all runs that agree."""
    groups: dict[str, list[str]] = {}
    for run in runs:
        if mapping(run, "details"):
            name = f"{words(run, 'arm')} {words(run, 'training_seed')}"
            groups.setdefault(_yaml(mapping(run, "details")), []).append(name)
    return tuple((", ".join(in_order(names)), text) for text, names in list(groups.items())[:_MOST_MADE])


def _grid(rows: Sequence[Json]) -> Grid:
    columns = in_order([str(key) for row in rows for key in row])
    shown = [key for key in columns if any(row.get(key) not in (None, "", [], {}) for row in rows)]
    cells = tuple(tuple(_input_cell(row, key) for key in shown) for row in rows)
    return Grid(tuple(plain(key, limit=60).replace("_", " ") for key in shown), cells)


def _input_cell(row: Json, key: str) -> Cell:
    if number(row, key) is not None:
        return Cell(f"{row[key]:,}", numeric=True)
    text = plain(row.get(key), limit=500)
    return Cell(text, full=text if key == "sha256" else "")


def _pairs(values: Mapping[str, Any], above: str = "") -> tuple[tuple[str, str], ...]:
    """Keys and values, nested ones with their path."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{above}{plain(str(key), limit=200)}"
        deeper = isinstance(value, Mapping) and value and above.count("/") < _DEEPEST
        pairs += _pairs(value, f"{name}/") if deeper else [(name, plain(value, limit=500))]
    return tuple(pairs)


def _in_study_order(study: Any) -> Any:
    """The study's parts as people write them; the lock file sorts its keys."""
    if not isinstance(study, Mapping):
        return study
    keys = [
        *(key for key in _STUDY_ORDER if key in study),
        *(key for key in study if key not in _STUDY_ORDER),
    ]
    return {key: study[key] for key in keys}


def _yaml(value: Any) -> str:
    if value is None:
        return ""
    # Through JSON first: a caller may hand over tuples, paths and the like, which YAML would refuse.
    simple = json.loads(json.dumps(value, default=str))
    return plain(yaml.safe_dump(simple, sort_keys=False, allow_unicode=True, width=100), limit=_STUDY_LIMIT)


def _commands(version: str) -> tuple[str, ...]:
    install = f"pip install 'aftertune[hf]=={version}'" if version else "pip install 'aftertune[hf]'"
    return (install, "aftertune run study.yaml --out again", "aftertune report again")
