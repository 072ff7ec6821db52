"""Arguments and options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

STORE = Path("aftertune-store")

Study = Annotated[Path, typer.Argument(help="The study file (YAML).", metavar="STUDY", show_default=False)]
Store = Annotated[
    Path, typer.Option("--store", envvar="AFTERTUNE_STORE", metavar="DIR", help="Folder that keeps finished steps.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default=False,
        help="Folder for the results (default: aftertune-out/<study>).",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        show_default=False,
        help="Runs made at the same time. Default: the CPU cores this process may use, but no more "
        "than there are runs to make, or than memory allows (1.2 GB + 6 x the size of the weights "
        "each); 1 where there is a GPU. The results are the same bytes whatever it is.",
    ),
]

LayoutName = Annotated[str, typer.Option("--layout", metavar="NAME", help="The layout; auto finds it.")]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="LIST",
        show_default=False,
        help="Which column is what, for files in no known layout: prompt=question,answer=reply.",
    ),
]

Together = Annotated[
    int | None,
    typer.Option(
        "--together",
        min=1,
        metavar="K",
        show_default=False,
        help="Adapters tuned in one pass over the model. Default: as many as fill a pass (about 770 tokens "
        "on a CPU, 16,000 on a GPU). On a CPU the results are the same bytes whatever it is.",
    ),
]


class ClaimName(StrEnum):
    """Which of the two claims."""

    RECIPE = "recipe"
    CHECKPOINT = "checkpoint"


MarginPp = Annotated[
    float | None,
    typer.Option(
        "--margin-pp",
        min=0,
        max=100,
        metavar="POINTS",
        show_default=False,
        help="Largest acceptable change for the worse, in percentage points.",
    ),
]
