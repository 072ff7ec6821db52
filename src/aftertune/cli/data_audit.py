"""`aftertune data audit`: what an instruction data set holds, before GPU hours are spent on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftertune.cli import say
from aftertune.cli.options import Columns, Json, LayoutName

if TYPE_CHECKING:
    from collections.abc import Callable

    from aftertune.data.auditing.record import Audit, LabelFound, Ranking

    Tick = Callable[[str, int], None]

File = Annotated[
    Path,
    typer.Argument(
        help="Instruction data: CSV, TSV, JSON, JSON lines or Parquet, each also gzipped; a folder of it; or "
        "org/name@COMMIT on the hub.",
        metavar="IN",
        show_default=False,
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default=False,
        help="Folder for audit.json and audit.html (default: aftertune-out/<name of the data>).",
    ),
]
Split = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", show_default=False, help="Which split, for a folder with several."),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        show_default=False,
        help="Also score how likely this model finds the answers: organism, or a model folder.",
    ),
]
SampleSize = Annotated[
    int, typer.Option("--sample", min=1, metavar="N", help="The most rows to score with --model, drawn at random.")
]
JobsHere = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        show_default=False,
        help="Worker processes for large files. Default: the CPU cores. The result does not depend on it.",
    ),
]
_TICK_EVERY = 100_000


def data_audit(
    file: File,
    out: OutDir = None,
    layout: LayoutName = "auto",
    columns: Columns = None,
    split: Split = None,
    model: ModelName = None,
    sample: SampleSize = 2000,
    jobs: JobsHere = None,
    as_json: Json = False,
) -> None:
    """Say what an instruction data set holds: structure, identity, role-play and more.

    Every row is looked at by every detector (`aftertune list detectors`); each
    share has limits, and each detector's measured error stands beside it. With
    --model, answers are scored by how likely that model finds them.

    Example:
      aftertune data audit train.jsonl
      aftertune data audit train.json.gz --model organism

    Writes: audit.json and audit.html in --out. Texts of rows stay hidden in the
    page until they are opened.

    Exit codes: 0 audited, whatever was found, 2 bad input, 5 the disk cannot be
    used, or a part that --model needs is not installed.
    """
    from aftertune.cli.execute import refuse_file
    from aftertune.data.auditing.run import audit_file
    from aftertune.exec.machine import cores

    folder = out or Path("aftertune-out") / file.name.split(".")[0]
    refuse_file(folder, "--out")
    with _progress() as tick:
        found = audit_file(
            file,
            layout=layout,
            columns=named_columns(columns),
            split=split,
            model=model,
            sample=sample,
            jobs=jobs or cores(),
            tick=tick,
        )
    files = _written(found, folder)
    if as_json:
        from aftertune.data.auditing.document import to_document

        say.document({**to_document(found), "files": files})
        return
    _tell(found)
    for path in files.values():
        say.line(path)


def named_columns(text: str | None) -> dict[str, str] | None:
    """`prompt=question,answer=reply` as a mapping; None when nothing is given.

    Raises:
        DataError: a part has no `=`.

    >>> named_columns("prompt=question,answer=reply")
    {'prompt': 'question', 'answer': 'reply'}
    """
    from aftertune.errors import DataError

    if text is None:
        return None
    parts = [part.partition("=") for part in text.split(",")]
    for name, sign, column in parts:
        if not (name.strip() and sign and column.strip()):
            raise DataError(
                f"--columns {text}: {name + sign + column!r} names no column",
                "write it as --columns prompt=question,answer=reply",
            )
    return {name.strip(): column.strip() for name, _, column in parts}


def _written(found: Audit, folder: Path) -> dict[str, str]:
    import json

    from aftertune.data.auditing.document import to_json
    from aftertune.report.write import render_audit
    from aftertune.store import write_text

    text = to_json(found)
    files = {"audit.json": folder / "audit.json", "audit.html": folder / "audit.html"}
    write_text(files["audit.json"], text)
    write_text(files["audit.html"], render_audit(json.loads(text)))
    return {name: str(path) for name, path in files.items()}


@contextmanager
def _progress() -> Iterator[Tick]:
    """Rows done, on standard error: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        said: dict[str, int] = {}

        def line(what: str, done: int) -> None:
            if done - said.get(what, 0) >= _TICK_EVERY:
                said[what] = done
                say.aside(f"{done:,} {what}")

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def draw(what: str, done: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done)

        yield draw


def _tell(found: Audit) -> None:
    from aftertune.data.auditing.record import by_detector

    say.line(f"{found.name}: {found.n_rows:,} conversations, layout {found.layout}", "bold")
    if found.rejected:
        first = found.reject_examples[0]
        say.line(f"{found.rejected:,} records could not be read; the first: {first.where}, {first.reason}")
    groups: Mapping[str, tuple[LabelFound, ...]] = by_detector(found)
    there = [row for rows in groups.values() for row in rows if row.found.rows]
    say.table(map(_cells, there), ("detector", "found", "rows", "share", "limits", "precision", "recall"))
    say.line()
    _tell_rest(found)


def _cells(row: LabelFound) -> tuple[str, ...]:
    share = row.found
    limits = f"{100 * share.low:.1f} to {100 * share.high:.1f}" if share.low == share.low else share.reason
    error = ["{:.2f} ({:.2f} to {:.2f})".format(*value) if value else "n/a" for value in (row.precision, row.recall)]
    shown = "<0.1 %" if share.share < 0.0005 else f"{100 * share.share:.1f} %"
    return (row.detector, row.label, f"{share.rows:,}", shown, limits, *error)


def _tell_rest(found: Audit) -> None:
    words, copies = found.lengths[-1], found.duplicates
    middle, most = words.quantiles[3], words.quantiles[-1]
    say.line(f"Answers have {words.mean:,.0f} words on average (median {middle:,.0f}, most {most:,.0f}).")
    say.line(
        f"{copies.exact_rows:,} rows equal an earlier one; {copies.near.rows:,} nearly repeat an earlier one, "
        f"in {copies.groups:,} groups."
    )
    if found.affinity is not None:
        seen = found.affinity
        say.line(
            f"{seen.model} finds the answers of {seen.n:,} rows at {seen.mean:.2f} nats per token "
            f"({seen.low:.2f} to {seen.high:.2f})."
        )
        _tell_ranked(seen.ranking, "least likely under that model")
    _tell_ranked(found.ranking, "ranked highest by structure, maths and length")
    for note in found.notes:
        say.line(note)


def _tell_ranked(ranking: Ranking, what: str) -> None:
    places = ", ".join(row.where for row in ranking.rows[:5])
    say.line(f"Rows {what}: {places}. A hypothesis about risk, not a verdict.")
