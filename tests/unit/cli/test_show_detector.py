"""The card of a detector shows its measured error, and a card without one shows none."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from aftertune.cli.app import app


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["show", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_detector_shows_precision_and_recall_with_limits() -> None:
    text = shown("detector", "identity")
    assert "precision" in text
    assert "ordinary" in text
    assert "hard" in text
    assert "[" in text.partition("Measured on")[2]


def test_the_document_has_the_same_numbers() -> None:
    card = json.loads(shown("detector", "refusal", "--json"))
    ordinary = next(one for one in card["measured"] if (one["label"], one["rows"]) == ("refusal", "ordinary"))
    assert ordinary["found"] + ordinary["missed"] == ordinary["with_label"]
    assert ordinary["precision"][1] <= ordinary["precision"][0] <= ordinary["precision"][2]


def test_other_kinds_have_no_measured_error() -> None:
    assert "Measured on" not in shown("judge", "opening_refusal")
