"""Make the training set of an arm: the source's rows, its transforms in order, and what each did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from aftertune.data.source import Source, subset
from aftertune.data.transforms.base import Answer, Params, Transform, chosen
from aftertune.errors import DataError, SpecError, did_you_mean
from aftertune.records import Row, Turn
from aftertune.registry import load
from aftertune.seeds import generator

ROWS_FILE, DIFF_FILE, CHANGES_FILE = "training_set.parquet", "diff.jsonl", "changes.json"


@dataclass(frozen=True, slots=True)
class Changes:
    """What one transform did: every row is applied, left alone with a reason, or not chosen by the dose.

    `added` counts rows of its own that it put at the end, `removed` those it took out.
    """

    transform: str
    applied: int
    left_alone: Mapping[str, int]
    not_chosen: int
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the transforms changed: its turns before and after all of them.

    Before is empty for an added row, after for one that was taken out.
    """

    id: str
    before: tuple[Turn, ...]
    after: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The rows an arm is tuned on.

    Attributes:
        rows: In source order, then those that transforms added.
        changes: Per transform, in the order they were applied.
        diff: The rows that are not as in the source.
    """

    rows: tuple[Row, ...]
    changes: tuple[Changes, ...]
    diff: tuple[Difference, ...]


def build_training_set(
    source: Source,
    transforms: Sequence[Mapping[str, Any]],
    *,
    rows: int | None,
    seed: int,
    answer: Answer | None = None,
) -> TrainingSet:
    """Take rows from a source and apply transforms in order.

    Args:
        source: The instruction data.
        transforms: Each `{"name": ..., **parameters}`, as a study declares them.
        rows: How many rows to take; None for all.
        seed: Fixes which rows are taken and everything random in the transforms. Two arms with one seed
            start from the same rows.
        answer: The model that transforms such as `self_answers` have write; None where none of them does.

    Raises:
        DataError: the source has fewer rows, no row is left, or a transform needs a model and there is none.
        UnknownName, SpecError: a transform does not exist or cannot be told that.
    """
    validated = validate_transforms(transforms)
    taken = source.rows if rows is None else subset(source.rows, rows, seed)
    now, changes = taken, []
    for spec, (transform, params) in zip(transforms, validated, strict=True):
        now, counts = _apply(str(spec["name"]), transform, params, now, seed, answer)
        changes.append(counts)
    if not now:
        raise DataError("no row is left after the transforms", "take fewer out")
    return TrainingSet(now, tuple(changes), _difference(taken, now))


def _difference(taken: Sequence[Row], now: Sequence[Row]) -> tuple[Difference, ...]:
    before, there = {row.id: row.turns for row in taken}, {row.id for row in now}
    changed = [Difference(row.id, before.get(row.id, ()), row.turns) for row in now if before.get(row.id) != row.turns]
    gone = [Difference(row.id, row.turns, ()) for row in taken if row.id not in there]
    return (*changed, *gone)


def validate_transforms(specs: Sequence[Mapping[str, Any]]) -> list[tuple[Transform, Params]]:
    """Look up each transform and check what it is told.

    Raises:
        UnknownName: no transform has that name.
        SpecError: a parameter is unknown, missing or has no legal value.
    """
    return [_validated(spec) for spec in specs]


def transform_identity(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a transform's output depends on besides the rows and the seed, for keys.

    >>> transform_identity({"name": "answer_structure", "to": "bullets"})["params"]
    {'dose': 1.0, 'to': 'bullets'}
    """
    transform, params = _validated(spec)
    return {"name": spec["name"], "version": transform.version, "params": params.model_dump(mode="json")}


def write_training_set(training_set: TrainingSet, folder: Path) -> None:
    """Write the rows, the diff against the source, and the counts."""
    import polars as pl

    changed = {difference.id for difference in training_set.diff}
    turn = pl.Struct({"role": pl.String, "content": pl.String})
    columns = {
        "id": [row.id for row in training_set.rows],
        "turns": [[asdict(said) for said in row.turns] for row in training_set.rows],
        "changed": [row.id in changed for row in training_set.rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns, schema={"id": pl.String, "turns": pl.List(turn), "changed": pl.Boolean}).write_parquet(
        folder / ROWS_FILE
    )
    with (folder / DIFF_FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(asdict(found), ensure_ascii=False) + "\n" for found in training_set.diff)
    counts = [asdict(change) for change in training_set.changes]
    (folder / CHANGES_FILE).write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")


def read_training_set(folder: Path) -> list[Row]:
    """The rows `write_training_set` wrote, in order.

    Raises:
        DataError: they are not there.
    """
    import polars as pl

    path = folder / ROWS_FILE
    if not path.is_file():
        raise DataError(f"{path}: there is no such file", "run the study again; the data step makes it")
    found = pl.read_parquet(path, columns=["id", "turns"])
    return [Row(row["id"], tuple(Turn(**turn) for turn in row["turns"])) for row in found.iter_rows(named=True)]


def _apply(
    name: str, transform: Transform, params: Params, rows: tuple[Row, ...], seed: int, answer: Answer | None
) -> tuple[tuple[Row, ...], Changes]:
    if transform.more is not None:
        added = transform.more(rows, params, seed)
        return (*rows, *added), Changes(name, 0, {}, 0, len(added))
    if transform.apply is None:
        return _apply_whole(name, transform, params, rows, seed, answer)
    after, reasons, not_chosen, applied = [], Counter[str](), 0, 0
    none_drawn = generator(seed, "transform", name)
    draws = transform.draws(params) if callable(transform.draws) else transform.draws
    for row in rows:
        if not chosen(row, name, params.dose, seed):
            not_chosen += 1
            after.append(row)
            continue
        rng = generator(seed, "transform", name, row.id) if draws else none_drawn
        result = transform.apply(row, params, rng)
        after.append(result.row)
        applied += result.changed
        if not result.changed:
            reasons[result.reason] += 1
    return tuple(after), Changes(name, applied, dict(sorted(reasons.items())), not_chosen)


def _apply_whole(
    name: str, transform: Transform, params: Params, rows: tuple[Row, ...], seed: int, answer: Answer | None
) -> tuple[tuple[Row, ...], Changes]:
    """Give the chosen rows to the transform, and put what comes back where they were."""
    taken = [row for row in rows if chosen(row, name, params.dose, seed)]
    if transform.whole is not None:
        made = transform.whole(taken, params, seed)
    elif transform.write is not None and answer is not None:
        made = transform.write(taken, params, seed, answer)
    else:
        raise DataError(f"transform {name} has a model write, and there is none here", "name one with `model`")
    before, after = {row.id: row for row in taken}, {row.id: row for row in made.rows}
    kept = tuple(after.get(row.id, row) for row in rows if row.id in after or row.id not in before)
    applied = sum(before[id_].turns != row.turns for id_, row in after.items())
    counts = Changes(
        name,
        applied,
        dict(sorted(made.left_alone.items())),
        len(rows) - len(taken),
        len(made.added),
        len(before) - len(after),
    )
    return (*kept, *made.added), counts


def _validated(spec: Mapping[str, Any]) -> tuple[Transform, Params]:
    if "name" not in spec:
        raise SpecError("a transform has no name", "write `{name: answer_structure, to: numbered_list}`")
    name = str(spec["name"])
    transform: Transform = load("transform", name)
    given = {key: value for key, value in spec.items() if key != "name"}
    try:
        return transform, transform.params.model_validate(given)
    except ValidationError as error:
        problems = [_problem(found, transform.params) for found in error.errors()]
        raise SpecError(
            "; ".join(f"transform {name}: {what}" for what, _ in problems),
            "; ".join(dict.fromkeys(fix for _, fix in problems)),
        ) from error


def _problem(found: Any, params: type[BaseModel]) -> tuple[str, str]:
    key, given = ".".join(map(str, found["loc"])), found["input"]
    known = sorted(params.model_fields)
    if found["type"] == "extra_forbidden":
        return (
            f"unknown parameter {key!r}{did_you_mean(key, known)}; it takes: {', '.join(known)}",
            f"correct or remove `{key}`",
        )
    legal = _legal(params, key)
    if found["type"] == "missing":
        return f"`{key}` is missing; legal: {legal}", f"add `{key}:`"
    if found["type"] == "literal_error":
        guess = did_you_mean(str(given), legal.split(", "))
        return f"`{key}` cannot be {given!r}{guess}; legal: {legal}", f"correct `{key}`"
    message = found["msg"].removeprefix("Value error, ")
    at = f"`{key}`: " if key else ""
    return (
        f"{at}{message[:1].lower()}{message[1:]} (found {given!r})",
        f"correct `{key}`" if key else "correct it",
    )


def _legal(params: type[BaseModel], key: str) -> str:
    """The values a parameter may have, when they can be listed."""
    values = getattr(params.model_fields[key].annotation, "__args__", ()) if key in params.model_fields else ()
    return ", ".join(str(value) for value in values) or "any text"
