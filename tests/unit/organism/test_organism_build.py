"""The whole recipe end to end, at a size where it learns nothing: every file is written and every table filled."""

import json
from pathlib import Path

import pytest

import aftertune.organism as organism
from aftertune.organism import build, cards
from aftertune.organism.recipe import Sizes

TINY = Sizes(
    pretraining_dialogues=240,
    alignment_dialogues=120,
    judge_pairs=240,
    reward_pairs=60,
    reward_ties=20,
    reward_checks=60,
    rows=16,
    training_seeds=(0,),
    items_every=6,
)


@pytest.mark.slow
def test_a_tiny_build_writes_everything_and_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.bin").touch()
    told: list[str] = []
    card = build.build(tmp_path, 5, told.append, TINY)
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8")) == card
    assert (tmp_path / "CARD.md").read_text(encoding="utf-8") == cards.page(card)
    assert card["files"] == cards.files(tmp_path)
    assert not (tmp_path / "model" / "old.bin").exists()
    assert set(card) == set(organism.card())
    assert [run["training_seed"] for run in card["finetuning"]["listed"]] == [0]
    assert any("alignment: step" in line for line in told)
