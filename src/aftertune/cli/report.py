"""`aftertune report`: write report.html again, from the store or from an output folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftertune.cli import say
from aftertune.cli.options import STORE, Json, Out, Store

if TYPE_CHECKING:
    from aftertune.cli.look import Looked

Source = Annotated[
    Path,
    typer.Argument(
        help="A study file, or the folder of a finished run.", show_default=False, metavar="STUDY_OR_RESULTS"
    ),
]


def report(source: Source, out: Out = None, store: Store = STORE, as_json: Json = False) -> None:
    """Write report.html again, without running a model.

    From a study file, everything comes from the store, and the four output
    files are written anew. From a results folder, only the report is, and it
    shows no responses: those are in the store.

    Example:
      aftertune report study.yaml --out results
      aftertune report results

    Writes: report.html (in --out, or in the results folder itself)

    Exit codes: 0 written, 2 bad input, 4 the study is not complete yet,
    5 the disk or the store cannot be used.
    """
    from aftertune.cli.execute import refuse_file

    if out is not None:
        refuse_file(out, "--out")
    path = _from_folder(source, out) if _is_results(source) else _from_store(source, out, store)
    if as_json:
        say.document({"report": str(path)})
    else:
        say.line(str(path))


def _is_results(source: Path) -> bool:
    return source.is_dir() or source.name == "results.json"


def _from_folder(source: Path, out: Path | None) -> Path:
    from aftertune.report import write_report
    from aftertune.results import SCHEMA
    from aftertune.study import OUTPUTS

    folder = source if source.is_dir() else source.parent
    results, lock = _json(folder / OUTPUTS[1]), _json(folder / OUTPUTS[3])
    if results.get("schema") != SCHEMA:
        raise _unreadable(folder / OUTPUTS[1], f"its schema is {results.get('schema')!r}, not {SCHEMA!r}")
    return write_report(out or folder, results=results, lock=lock, table_path=folder / OUTPUTS[2])


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _unreadable(path, "there is no such file") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(value, dict):
        raise _unreadable(path, "it holds no JSON object")
    return value


def _unreadable(path: Path, why: str) -> Exception:
    from aftertune.errors import DataError

    return DataError(f"{path}: {why}", "name the folder `aftertune run` wrote, or the study file")


def _from_store(source: Path, out: Path | None, store: Path) -> Path:
    from aftertune.cli.look import look
    from aftertune.study import Prepared, run

    looked = look(source, store)
    _refuse_incomplete(looked, source)
    assert looked.store is not None
    folder = out or Path("aftertune-out") / looked.study.declared.spec.study
    return run(Prepared(looked.study, looked.plan, looked.store), folder, store=store).report


def _refuse_incomplete(looked: Looked, source: Path) -> None:
    from aftertune.errors import StepsFailed

    left = sum(not looked.has(step) for step in looked.plan.steps)
    if left:
        total = sum(1 for _ in looked.plan.steps)
        raise StepsFailed(f"{left} of {total} steps are not done yet", f"aftertune run {source}")
