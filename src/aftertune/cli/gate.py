"""`aftertune gate`: one exit code from a results.json, for CI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aftertune.cli import say
from aftertune.cli.options import ClaimName, Json, MarginPp
from aftertune.cli.verdicts import WORDS, tell_diagnostics

if TYPE_CHECKING:
    from aftertune.gate import Decision
    from aftertune.results import Diagnostic

EXIT_CODES = {"PASS": 0, "FAIL": 1, "CANNOT TELL": 3}

Source = Annotated[
    Path, typer.Argument(help="A results.json, or the folder that holds it.", metavar="RESULTS", show_default=False)
]
Claim = Annotated[
    ClaimName | None,
    typer.Option("--claim", show_default=False, help="Insist on this claim: other results are refused as bad input."),
]
Arm = Annotated[
    str | None,
    typer.Option("--arm", metavar="NAME", show_default=False, help="Decide on this arm only. Default: on every one."),
]


def gate(
    results: Source,
    margin_pp: MarginPp = None,
    claim: Claim = None,
    arm: Arm = None,
    as_json: Json = False,
) -> None:
    """Pass or fail results against a margin, with an exit code.

    Judges every primary contrast again at this margin (without --margin-pp,
    at the margin of the analysis). All must pass; one degraded arm fails the
    gate. What is not sure either way is no pass.

    Example:
      aftertune gate results.json --margin-pp 5
      aftertune gate results.json --margin-pp 5 --claim recipe --arm listed

    Writes nothing.

    Exit codes: 0 PASS, 1 FAIL, 2 bad input, 3 CANNOT TELL.
    """
    from aftertune.gate import choose, find_results, judge, overall

    found, path = find_results(results)
    rows = choose(found, arm=arm, claim=claim and claim.value)
    margin = found.analysis.margin if margin_pp is None else margin_pp / 100
    decisions = judge(found, rows, margin=margin)
    verdict = overall(decision.verdict for decision in decisions).value
    document = _document(path, margin, verdict, decisions, found.diagnostics)
    if as_json:
        say.document(document)
    else:
        _tell(document)
    raise typer.Exit(EXIT_CODES[verdict])


def _document(
    path: Path, margin: float, verdict: str, decisions: Sequence[Decision], checks: Sequence[Diagnostic]
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "results": str(path),
        "margin": margin,
        "verdict": verdict,
        "exit_code": EXIT_CODES[verdict],
        "contrasts": [asdict(decision) for decision in decisions],
        "diagnostics": [asdict(check) for check in checks if check.status in ("warning", "error")],
    }


def _tell(document: Mapping[str, Any]) -> None:
    for one in document["contrasts"]:
        what = f"{one['arm']} against {one['against']}, {one['benchmark']}, {one['outcome']}"
        verdict = one["verdict"]
        say.line(f"{verdict}: {what}, {one['claim']} claim: {one['reason']}", WORDS[verdict][1])
        if one["advice"]:
            say.line(f"To decide: {one['advice']}", indent=2)
    tell_diagnostics(document["diagnostics"])
    n, verdict = len(document["contrasts"]), document["verdict"]
    points = f"{100 * document['margin']:g} points"
    say.line(f"Gate at a margin of {points}, {n} contrast{'s' if n != 1 else ''}: {verdict}", WORDS[verdict][1])
