"""`aftertune doctor`: what this machine lacks, and the command that fixes it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from aftertune.cli import say
from aftertune.cli.options import STORE, Json, Store

NOT_READY = 5
_MARKS = {"ok": ("ok", "green"), "note": ("--", "yellow"), "broken": ("NO", "bold red")}


def doctor(store: Store = STORE, as_json: Json = False) -> None:
    """Check that this machine can run a study.

    Looks at Python, installed extras, torch, memory, disk and store, then runs
    a study of a few seconds through every stage in a temporary folder. Each thing
    that is missing comes with the command that fixes it.

    Example:
      aftertune doctor

    Writes nothing that stays. Of credentials it says only whether they are set.

    Exit codes: 0 ready, 5 something that is needed is missing or broken.
    """
    from aftertune.doctor import Finding, examine

    findings: list[Finding] = []
    for finding in examine(store):
        findings.append(finding)
        if not as_json:
            _tell(*_MARKS[finding.status], finding.name, finding.found, finding.fix)
    ready = not any(finding.status == "broken" for finding in findings)
    if as_json:
        say.document({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        say.line("\nready" if ready else "\nnot ready: see NO above", "bold")
    if not ready:
        raise typer.Exit(NOT_READY)


def _tell(mark: str, style: str, name: str, found: str, fix: str) -> None:
    say.line(f"{mark}  {name}: {found}", style if mark != "ok" else "")
    if fix:
        say.line(f"fix: {fix}", indent=6)
