"""`aftertune data transform`: a data set with its answers restructured, or anything else a transform does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftertune.cli import say
from aftertune.cli.options import Columns, Json, LayoutName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aftertune.data.build import Changes, Writer
    from aftertune.data.dataset import Dataset, Transformed
    from aftertune.data.transforms.base import Answer

File = Annotated[
    Path,
    typer.Argument(
        help="Instruction data: CSV, TSV, JSON, JSON lines or Parquet, each also gzipped; a folder of them; or "
        "org/name@COMMIT on the hub.",
        metavar="IN",
        show_default=False,
    ),
]
To = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="WHAT",
        show_default=False,
        help="A structure (numbered_list), a transform with parameters (identity:mode=add,dose=0.5), or "
        "'{name: ...}'. Repeat it for several, in order.",
    ),
]
OutFile = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="OUT", show_default=False, help="The file to write; it must not be there yet."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Fixes everything random.")]
DiffFile = Annotated[
    Path | None,
    typer.Option("--diff", metavar="FILE", show_default=False, help="Where to write what changed. Default: OUT.diff."),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        show_default=False,
        help="Who writes, for transforms that have a model write: organism, a model folder, or a served model as "
        "http://127.0.0.1:8000/v1#NAME.",
    ),
]


KEPT = Path("aftertune-out") / "answers"  # what models wrote: the same call again costs nothing


def data_transform(
    file: File,
    to: To,
    out: OutFile,
    layout: LayoutName = "auto",
    columns: Columns = None,
    seed: Seed = 0,
    diff: DiffFile = None,
    model: ModelName = None,
    as_json: Json = False,
) -> None:
    """Change the answers or prompts of a data set, and write it as it came.

    The layout, other columns, rows that do not change and the way the file is
    written stay. `aftertune list transforms` names what can be done, and
    `aftertune show transform NAME` its parameters.

    Example:
      aftertune data transform train.json --to numbered_list -o listed.json
      aftertune data transform train.jsonl --to identity:mode=add,dose=0.5
        --to role_play:mode=add -o both.jsonl

    Writes: OUT, and what changed, row by row for reading, in OUT.diff; neither
    unless all succeeded. What a model wrote is kept in aftertune-out/answers.

    Exit codes: 0 written, 2 bad input, 5 the disk cannot be used, or a model
    is not here.
    """
    from aftertune.cli.data_audit import named_columns
    from aftertune.data import build
    from aftertune.data.dataset import load
    from aftertune.data.writing import writable
    from aftertune.served import notes

    differences = diff or out.with_name(f"{out.name}.diff")
    specs = [parsed(word) for word in to]
    build.validate_transforms(specs)
    _refuse_places(file, out, differences)
    writable(out)
    before = load(file, layout=layout, columns=named_columns(columns))
    answer = answerer(model, specs)
    made = before.transform(specs, seed=seed, answer=answer)
    made.write(out, differences)
    files = {"out": str(out), "diff": str(differences)}
    if as_json:
        say.document(_document(file, before, made, files) | {"served": notes(answer)})
    else:
        _tell(before, made, files, notes(answer))


def answerer(model: str | None, specs: Sequence[Mapping[str, Any]]) -> Mapping[Writer, Answer] | None:
    """The models that transforms have write; None where none does.

    Raises:
        SpecError: a transform has a model write and none is named, or one is named and none writes.
        ModelError, NoWeights, NoKey, MissingExtra: a model or its key is not here, or it cannot be loaded.
    """
    from aftertune.data.build import needs_model
    from aftertune.errors import SpecError
    from aftertune.writers import answers_of

    if needs_model(specs):
        return answers_of(specs, model, kept=KEPT)
    if model is not None:
        raise SpecError(f"--model {model}: no transform here has a model write", "leave --model out")
    return None


def parsed(word: str) -> dict[str, Any]:
    """What one `--to` says, as a study would declare it.

    Raises:
        UnknownName: it names neither a structure nor a transform.
        SpecError: it is not written as any of the three forms.

    >>> parsed("numbered_list")
    {'name': 'answer_structure', 'to': 'numbered_list'}
    >>> parsed("identity:mode=add,dose=0.5")
    {'name': 'identity', 'mode': 'add', 'dose': 0.5}
    >>> parsed("{name: role_play, mode: add}")
    {'name': 'role_play', 'mode': 'add'}
    """
    if word.lstrip().startswith("{"):
        return _mapping(word)
    name, _, rest = word.strip().partition(":")
    if not rest and name in _structures():
        return {"name": "answer_structure", "to": name}
    _require_known(name)
    parts = [part.partition("=") for part in rest.split(",")] if rest.strip() else []
    return {"name": name} | {key.strip(): _value(word, key, sign, text) for key, sign, text in parts}


def _mapping(word: str) -> dict[str, Any]:
    import yaml

    from aftertune.errors import SpecError

    try:
        found = yaml.safe_load(word)
    except yaml.YAMLError as error:
        found = str(error).splitlines()[0]
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        why = found if isinstance(found, str) else "it has no `name`"
        raise SpecError(f"--to {word}: not a transform ({why})", "write it as --to '{name: role_play, mode: add}'")
    _require_known(found["name"])
    return {str(key): value for key, value in found.items()}


def _value(word: str, key: str, sign: str, text: str) -> Any:
    """A parameter's value, typed as in a study file."""
    import yaml

    from aftertune.errors import SpecError

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if not (key.strip() and sign):
        raise SpecError(f"--to {word}: {key!r} says no parameter", "write it as --to identity:mode=add,dose=0.5")
    return value


def _structures() -> tuple[str, ...]:
    """The structures that answers can be given."""
    from typing import get_args

    from aftertune.registry import load

    return get_args(load("transform", "answer_structure").params.model_fields["to"].annotation)


def _require_known(name: str) -> None:
    from aftertune.errors import UnknownName, did_you_mean
    from aftertune.registry import names

    if name not in names("transform"):
        known = [*_structures(), *names("transform")]
        raise UnknownName(
            f"--to {name}: no structure or transform is called {name!r}{did_you_mean(name, known)}; structures: "
            f"{', '.join(_structures())}; transforms: {', '.join(names('transform'))}",
            "run `aftertune list transforms`",
        )


def _refuse_places(file: Path, out: Path, diff: Path) -> None:
    from aftertune.errors import DataError

    if out.resolve() == file.resolve():
        raise DataError(f"{out}: --out is the input, which is never overwritten", "name another file with --out")
    if diff.resolve() in (out.resolve(), file.resolve()):
        raise DataError(f"{diff}: --diff is the input or the output", "name another file with --diff")
    for path, flag in ((out, "--out"), (diff, "--diff")):
        if path.exists():
            what = "is a folder" if path.is_dir() else "is there already"
            raise DataError(f"{path}: {what}", f"remove it, or name another file with {flag}")


def _document(file: Path, before: Dataset, made: Transformed, files: Mapping[str, str]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "in": str(file),
        "sha256": before.source.sha256,
        "layout": before.layout,
        "n_before": len(before.rows),
        "n_rows": len(made.dataset.rows),
        "n_changed": len(made.diff),
        "notes": list(before.source.notes),
        "changes": [asdict(change) for change in made.changes],
        "files": dict(files),
    }


def _tell(before: Dataset, made: Transformed, files: Mapping[str, str], served: Sequence[str]) -> None:
    say.line(f"{before.place}: {_rows(len(before.rows))}, layout {before.layout}", "bold")
    for note in before.source.notes:
        say.line(note.replace("left out", "not changed") if "without an answer" in note else note, indent=2)
    for change in made.changes:
        say.line(_said(change), indent=2)
    for note in served:
        say.line(note, indent=2)
    kept = f", and {before.source.n_empty:,} without an answer as they were" if before.source.n_empty else ""
    verb = "is" if len(made.diff) == 1 else "are"
    say.line(f"{_rows(len(made.diff))} {verb} not as before; {_rows(len(made.dataset.rows))} written{kept}")
    for path in files.values():
        say.line(path)


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'}"


def _said(change: Changes) -> str:
    parts = [f"applied to {change.applied:,}"]
    parts += [f"{n:,} left alone ({reason})" for reason, n in change.left_alone.items()]
    counts = ((change.not_chosen, "not chosen"), (change.added, "added"), (change.removed, "taken out"))
    parts += [f"{n:,} {what}" for n, what in counts if n]
    return f"{change.transform}: {', '.join(parts)}"
