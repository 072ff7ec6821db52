"""`aftertune init`: write a study file to start from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aftertune.cli import say
from aftertune.cli.options import Json


class Start(StrEnum):
    """What the study is about."""

    ORGANISM = "organism"
    FILE = "file"
    HUB = "hub"


Target = Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")]
Kind = Annotated[
    Start,
    typer.Option(
        "--kind",
        help="organism: the packaged model and data, runs at once. file: your model folder, data and "
        "benchmark files. hub: a model from the Hugging Face hub.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def init(
    file: Target = Path("study.yaml"),
    kind: Kind = Start.ORGANISM,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a commented study file to start from.

    Example:
      aftertune init
      aftertune init my-study.yaml --kind file

    Writes: the file you name (study.yaml), never over another without --force.

    Exit codes: 0 written, 2 the file is there already, 5 it cannot be written.
    """
    from aftertune.errors import SpecError
    from aftertune.store import write_text
    from aftertune.studies import start

    if file.exists() and not (force and file.is_file()):
        if file.is_dir():
            raise SpecError(f"{file} is a folder", "name a file in it")
        raise SpecError(f"{file} is there already", "name another file, or replace it with --force")
    write_text(file, start(kind))
    commands = [f"aftertune check {file}", f"aftertune run {file}"]
    if as_json:
        say.document({"file": str(file), "kind": str(kind), "next": commands})
        return
    say.line(f"{file} is written. Next:")
    for command in commands:
        say.line(command, indent=2)
