"""`aftertune run`: the whole path, from a study file to a verdict and a report."""

from __future__ import annotations

from aftertune.cli.options import STORE, Jobs, Json, Out, Quiet, Store, Study, Together


def run(
    study: Study,
    out: Out = None,
    store: Store = STORE,
    jobs: Jobs = None,
    together: Together = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run a study: tune, measure, analyse, report.

    Only steps that the store lacks are made: run it again after a failure,
    Ctrl-C or a changed setting, and it goes on from there. A second run of an
    unchanged study takes seconds.

    Example:
      aftertune run study.yaml --out results

    Writes into --out:
      report.html, results.json, table.parquet, study.lock.json
    Files of an earlier run go to previous-results/ there when this run
    begins, and are removed when it succeeds.

    Exit codes: 0 done, 2 bad input (nothing was run), 4 stopped, or some steps
    failed (the others are kept), 5 environment: disk full, an extra not
    installed, weights not here.
    """
    from aftertune.cli.execute import run_study
    from aftertune.cli.verdicts import tell

    tell(run_study(study, out, store, jobs=jobs, together=together, quiet=quiet), as_json=as_json)
