"""Which row is learnt from when."""

from __future__ import annotations

import pytest

from aftertune.spec.tuning import TuneSpec
from aftertune.tune.order import visiting_order
from aftertune.tune.streams import Streams

LENGTHS = [9, 2, 7, 2, 5]


@pytest.mark.parametrize(
    ("order", "epoch"), [("file", [0, 1, 2, 3, 4]), ("short_first", [1, 3, 4, 2, 0]), ("long_first", [0, 2, 4, 1, 3])]
)
def test_a_fixed_order_is_that_of_every_epoch_and_seed(order, epoch):
    for seed in (1, 2):
        steps = visiting_order(LENGTHS, 2, 6, Streams(0, seed), order)
        assert steps == [epoch[:2], epoch[2:4], epoch[4:]] * 2


def test_a_shuffled_order_differs_between_epochs_and_seeds_and_holds_every_row():
    steps = visiting_order([1] * 50, 50, 2, Streams(0, 1))
    other = visiting_order([1] * 50, 50, 2, Streams(0, 2))
    assert all(sorted(step) == list(range(50)) for step in (*steps, *other))
    assert steps[0] != steps[1]
    assert steps[0] != other[0]


def test_seeds_that_nothing_would_tell_apart_are_refused():
    assert TuneSpec(order="file").varies == ("init", "decode")
    with pytest.raises(ValueError, match="`order: file` leaves no stream"):
        TuneSpec(kind="full", order="file")
    with pytest.raises(ValueError, match=r"`order: file` with `hold: \[init\]` leaves no stream"):
        TuneSpec(order="file", hold=("init",))
    assert TuneSpec(kind="full", order="file", training_seeds=1).varies == ("decode",)
