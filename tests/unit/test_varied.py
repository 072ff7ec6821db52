"""What is said of the streams that training seeds vary."""

from __future__ import annotations

import pytest

from aftertune.resolve import resolve
from aftertune.spec import parse_study
from aftertune.varied import stream_warnings, varied

STUDY = """\
study: streams
initial_model: organism
data: {source: organism_howto}
arms: {a: {}}
tune: {training_seeds: 2%s}
measure:
  benchmarks: [organism_harm]
  sampling: {temperature: %s}
  judges: [organism_judge]
"""


def told(more: str = "", temperature: float = 0.0):
    study = resolve(parse_study(STUDY % (more, temperature)), {})
    (arm,), sampling = study.arms, study.declared.spec.measure.sampling
    return varied(arm, sampling), stream_warnings(arm, sampling)


@pytest.mark.parametrize(
    ("more", "temperature", "sentence"),
    [
        ("", 0, "Training seeds vary: init, order."),
        ("", 0.7, "Training seeds vary: init, order, decode."),
        (", dropout: 0.1, hold: [dropout]", 0.7, "Training seeds vary: init, order, decode; held: dropout."),
        (", hold: [decode]", 0.7, "Training seeds vary: init, order; held: decode."),
        (", subsample: 0.5", 0, "Training seeds vary: init, order, subsample."),
        (", kind: full", 0, "Training seeds vary: order."),
    ],
)
def test_what_varies_is_what_is_drawn_and_not_held(more: str, temperature: float, sentence: str) -> None:
    assert told(more, temperature)[0].sentence == sentence


def test_full_fine_tuning_warns_that_only_the_order_differs() -> None:
    (warning,) = told(", kind: full")[1]
    assert warning.startswith(
        "arm a: full fine-tuning adds no weights to draw, so its training seeds differ in the order"
    )
    (warning,) = told(", hold: [init]")[1]
    assert "it holds init" in warning
    assert told()[1] == []


def test_holding_what_is_not_drawn_is_told() -> None:
    (warning,) = told(", hold: [decode, dropout]")[1]
    assert warning == "arm a: hold names decode, dropout, which nothing is drawn from here"
