"""Categories, judges, factors, rounds and noise on the page: there when found, absent when not."""

import json
from functools import cache

import numpy as np
import polars as pl

from aftertune.analysis import analyze
from aftertune.report import render_report
from aftertune.report.beyond import beyond_view
from aftertune.results import Results, to_json
from aftertune.testing import simulate
from unit.report.reading import Element, read
from unit.report.report_sample import results as plain_results


@cache
def found() -> Results:
    arms = {"off": 0.0, "on": 0.3}
    table = simulate(seed=4, changes=arms, n_items=100, n_seeds=3, n_replicates=2).table.with_columns(
        category=pl.format("c{}", pl.col("item").str.slice(5).cast(pl.Int64) % 4)
    )
    wrong = pl.Series(np.random.default_rng(1).random(table.height)) < 0.1
    machine = table.with_columns(value=pl.when(wrong).then(1 - pl.col("value")).otherwise(pl.col("value")))
    later = machine.filter(pl.col("arm") == "on").with_columns(round=pl.lit(2, dtype=pl.Int64))
    human = table.filter(pl.col("replicate") == 0).with_columns(judge=pl.lit("human"))
    second = pl.when(pl.col("arm") == "on").then(2).otherwise(1).cast(pl.Int64)
    human = human.with_columns(round=second)
    factors = {"off": {"list": False}, "on": {"list": True}}
    return analyze(pl.concat([machine, later, human]), factors=factors)


def page() -> Element:
    return read(render_report(results=json.loads(to_json(found())), lock={}, responses=[]))


def test_every_section_is_on_the_page() -> None:
    read_page = page()
    captions = [caption.text for caption in read_page.all("caption")]
    for words in (
        "with the judge's error taken out",
        "against human labels",
        "How often two judges say the same",
        "each factor of the data",
        "per round of tuning",
        "Change per category",
        "Typical difference",
    ):
        assert [caption for caption in captions if words in caption], words
    assert [link.text for link in read_page.one("nav").all("a") if link.text == "Judges"]


def test_the_numbers_are_those_of_the_results() -> None:
    row = next(row for row in found().corrected if row.arm == "on")
    text = " ".join(page().one(id="judges").text.split())
    assert f"{100 * (row.estimate or 0.0):+.1f} ({100 * (row.low or 0.0):+.1f} to" in text.replace("\u2212", "-")
    kappa = next(row for row in found().agreement if row.arm == "on").kappa
    assert f"{kappa.estimate:.2f} ({kappa.low:.2f} to {kappa.high:.2f})" in text


def test_flips_and_tipping_point_stand_at_the_verdict() -> None:
    article = next(one for one in page().all("article") if "on against" in " ".join(one.text.split()))
    row = next(row for row in found().contrasts if row.primary and row.arm == "on")
    assert row.verdict == "FAIL"
    assert f"no to yes {100 * (row.gained or 0.0):.1f}" in article.text
    assert "holds unless the judge wrongly says yes to" in article.text


def test_nothing_found_leaves_no_trace() -> None:
    text = render_report(results=plain_results(), lock={}, responses=[])
    for place in ('id="judges"', 'id="factors"', 'id="category-changes"', 'id="noise"', "Factors and rounds"):
        assert place not in text


def test_rows_that_lack_everything_are_shown_as_not_available() -> None:
    view = beyond_view({"agreement": [{}], "corrected": [{"verdict": "odd"}], "trends": [{"rounds": None}]})
    assert {cell.text for cell in view.agreement.rows[0]} <= {"n/a", "\u2013"}
    assert view.judges
    assert view.designs
