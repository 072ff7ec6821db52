"""The disk is asked before the first run, and the guess is near what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftertune.backends.folder import open_folder
from aftertune.errors import StoreError
from aftertune.plan import Step
from aftertune.room import bytes_to_write, check_room, free_bytes
from aftertune.spec.tuning import TuneSpec


def step(folder: Path, **settings) -> Step:
    return Step("tune", "k", "tune", {"model": {"path": str(folder)}, "tune": TuneSpec(**settings).model_dump()})


def test_too_little_room_names_both_sizes(tmp_path):
    check_room(10, 10, tmp_path)
    with pytest.raises(StoreError, match="write about 5 GB, but only 12 MB are free") as caught:
        check_room(5_000_000_000, 12_000_000, tmp_path)
    assert "--store" in caught.value.fix
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_guess_covers_an_adapter_and_grows_with_rank_and_points(model_folder, family):
    from aftertune.backends.hf import ModelRef, load_model
    from aftertune.tune.native.adapter import fresh_adapter

    folder = model_folder(family)
    fresh = fresh_adapter(load_model(ModelRef(folder)).model, TuneSpec(rank=4), 0)
    exact = 4 * sum(a.numel() + b.numel() for a, b in fresh.pairs.values())
    guess = [
        bytes_to_write([step(folder, rank=rank, checkpoints=points)])
        for rank, points in ((4, (1.0,)), (8, (1.0,)), (4, (0.5, 1.0)))
    ]
    assert exact * 4 < guess[0] < exact * 4 + 100_000
    assert guess[1] - guess[0] == exact * 4
    assert guess[2] - guess[0] == exact
    weights = sum(file.stat().st_size for file in open_folder(folder).weights)
    assert bytes_to_write([step(folder, kind="full")]) > 4 * weights


def test_free_bytes_of_a_folder_that_is_not_there_yet(tmp_path):
    assert free_bytes(tmp_path / "a" / "b") > 0
