"""Make the training set of an arm: the source's rows, its transforms in order, and what each did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from aftertune.data.source import Source, subset
from aftertune.data.transforms.base import Answer, Applied, Params, Transform, Written, chosen, left_alone
from aftertune.errors import DataError, SpecError, did_you_mean
from aftertune.files import source_digest
from aftertune.records import Row, Turn
from aftertune.registry import load
from aftertune.seeds import generator

if TYPE_CHECKING:
    import polars as pl

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


@dataclass(frozen=True, slots=True)
class Writer:
    """A model as transforms need it: what they have it write depends on this and on what it is asked.

    Attributes:
        model: "initial", a folder, a hub id, or a served model's address.
        temperature: 0 is greedy.
        max_new_tokens: Where an answer is cut off.
    """

    model: str
    temperature: float
    max_new_tokens: int


def build_training_set(
    source: Source,
    transforms: Sequence[Mapping[str, Any]],
    *,
    rows: int | None,
    seed: int,
    answer: Answer | Mapping[Writer, Answer] | None = None,
) -> TrainingSet:
    """Take rows from a source and apply transforms in order.

    Args:
        source: The instruction data.
        transforms: Each `{"name": ..., **parameters}`, as a study declares them.
        rows: How many rows to take; None for all.
        seed: Fixes which rows are taken and everything random in the transforms. Two arms with one seed
            start from the same rows.
        answer: The model that transforms such as `self_answers` have write, or one for each of `needs_model`; None
            where none of them has one write.

    Raises:
        DataError: the source has fewer rows, no row is left, or a transform needs a model and there is none.
        UnknownName, SpecError: a transform does not exist or cannot be told that.
    """
    validated = validate_transforms(transforms)
    taken = source.rows if rows is None else subset(source.rows, rows, seed)
    now, changes = taken, []
    for spec, (transform, params) in zip(transforms, validated, strict=True):
        now, counts = _apply(str(spec["name"]), transform, params, now, seed, _writer_of(params, answer))
        changes.append(counts)
    if not now:
        raise DataError("no row is left after the transforms", "take fewer out")
    return TrainingSet(now, tuple(changes), _difference(taken, now))


def _writer_of(params: Params, answer: Answer | Mapping[Writer, Answer] | None) -> Answer | None:
    if isinstance(answer, Mapping):
        return answer.get(_writer(params)) if isinstance(params, Written) else None
    return answer


def _writer(params: Written) -> Writer:
    return Writer(params.model, params.temperature, params.max_new_tokens)


def _difference(taken: Sequence[Row], now: Sequence[Row]) -> tuple[Difference, ...]:
    before = {row.id: row for row in taken}
    changed = []
    for row in now:
        old = before.pop(row.id, None)
        if old is not row and (old is None or old.turns != row.turns):
            changed.append(Difference(row.id, old.turns if old else (), row.turns))
    gone = [Difference(row.id, row.turns, ()) for row in before.values()]
    return (*changed, *gone)


def validate_transforms(specs: Sequence[Mapping[str, Any]]) -> list[tuple[Transform, Params]]:
    """Look up each transform and check what it is told.

    Raises:
        UnknownName: no transform has that name.
        SpecError: a parameter is unknown, missing or has no legal value.
    """
    return [_validated(spec) for spec in specs]


def needs_model(specs: Sequence[Mapping[str, Any]]) -> list[Writer]:
    """The models that transforms have write, each once, in the order they are needed.

    Raises:
        UnknownName, SpecError: as `validate_transforms`.

    >>> needs_model([{"name": "self_answers"}, {"name": "shuffle_answers"}])
    [Writer(model='initial', temperature=0.0, max_new_tokens=512)]
    """
    found = [_writer(params) for _, params in validate_transforms(specs) if isinstance(params, Written)]
    return list(dict.fromkeys(found))


def transform_identity(
    spec: Mapping[str, Any], *, file_digest: Callable[[Path], str] = source_digest
) -> dict[str, Any]:
    """What a transform's output depends on besides the rows and the seed, for keys.

    Of a file it is the bytes, not the place. Which model "initial" is, only the caller knows.

    Args:
        spec: The transform as a study declares it, its files where they are found from here.
        file_digest: From a file to its hash; for callers that remember hashes.

    Raises:
        DataError: a file that it names is not there.
        UnknownName, SpecError: as `validate_transforms`.

    >>> transform_identity({"name": "answer_structure", "to": "bullets"})["params"]["to"]
    'bullets'
    """
    transform, params = _validated(spec)
    told = params.model_dump(mode="json")
    told |= {key: file_digest(Path(told[key])) for key in transform.files if told.get(key) is not None}
    uses = {"uses": dict(transform.uses(params))} if transform.uses is not None else {}
    return {"name": spec["name"], "version": transform.version, "params": told, **uses}


def write_training_set(training_set: TrainingSet, folder: Path) -> None:
    """Write the rows, the diff against the source, and the counts."""
    folder.mkdir(parents=True, exist_ok=True)
    _table(training_set).write_parquet(folder / ROWS_FILE)
    with (folder / DIFF_FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_line(found) for found in training_set.diff)
    counts = [asdict(change) for change in training_set.changes]
    (folder / CHANGES_FILE).write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")


def _table(training_set: TrainingSet) -> pl.DataFrame:
    """One row per conversation; built from columns of turns, for a million mappings take minutes."""
    import polars as pl

    rows, changed = training_set.rows, {difference.id for difference in training_set.diff}
    said = [turn for row in rows for turn in row.turns]
    turns = pl.DataFrame(
        {
            "row": pl.Series([place for place, row in enumerate(rows) for _ in row.turns], dtype=pl.Int64),
            "role": pl.Series([turn.role for turn in said], dtype=pl.String),
            "content": pl.Series([turn.content for turn in said], dtype=pl.String),
        }
    )
    of_rows = turns.select("row", pl.struct("role", "content").alias("turns")).group_by("row", maintain_order=True)
    return pl.DataFrame(
        {
            "id": pl.Series([row.id for row in rows], dtype=pl.String),
            "turns": of_rows.agg("turns")["turns"],
            "changed": pl.Series([row.id in changed for row in rows], dtype=pl.Boolean),
        }
    )


def _line(found: Difference) -> str:
    before, after = ([{"role": t.role, "content": t.content} for t in turns] for turns in (found.before, found.after))
    return json.dumps({"id": found.id, "before": before, "after": after}, ensure_ascii=False) + "\n"


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
    turns = found.select(pl.col("turns").explode()).unnest("turns")
    said = iter([Turn(role, content) for role, content in turns.iter_rows()])
    lengths = found["turns"].list.len().to_list()
    return [Row(id_, tuple(islice(said, n))) for id_, n in zip(found["id"].to_list(), lengths, strict=True)]


def _apply(
    name: str, transform: Transform, params: Params, rows: tuple[Row, ...], seed: int, answer: Answer | None
) -> tuple[tuple[Row, ...], Changes]:
    if transform.more is not None:
        added = transform.more(rows, params, seed)
        return (*rows, *added), Changes(name, 0, {}, 0, len(added))
    if transform.apply is None:
        return _apply_whole(name, transform, params, rows, seed, answer)
    after, reasons, not_chosen = [], Counter[str](), 0
    draws = transform.draws(params) if callable(transform.draws) else transform.draws
    none_drawn = generator(seed, "transform", name)
    for row in rows:
        if params.dose < 1 and not chosen(row, name, params.dose, seed):
            not_chosen += 1
            after.append(row)
            continue
        rng = generator(seed, "transform", name, row.id) if draws else none_drawn
        result = _checked(transform, row, transform.apply(row, params, rng))
        after.append(result.row)
        if not result.changed:
            reasons[result.reason] += 1
    applied = len(rows) - not_chosen - reasons.total()
    return tuple(after), Changes(name, applied, dict(sorted(reasons.items())), not_chosen)


def _checked(transform: Transform, row: Row, result: Applied) -> Applied:
    """The result, unless the transform touched what it promised to keep."""
    if not result.changed or not transform.keeps:
        return result
    before, after = row.turns, result.row.turns
    if transform.keeps == "requests":
        kept = before[:-1] == after[:-1] and after[-1].role == "assistant"
    else:
        kept = [turn for turn in before if turn.role == "assistant"] == [t for t in after if t.role == "assistant"]
    return result if kept else left_alone(row, "content not kept")


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
        raise DataError(f"transform {name} has a model write, and there is none here", "give it as `answer`")
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
