"""The whole recipe end to end, at a size where it learns nothing: every file is written and every table filled."""

import json
from pathlib import Path

import pytest

import aftertune.organism as organism
from aftertune.organism import build, cards, chat_model, finetuning, judge_training, measure, packaged, reward_training


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (chat_model, "PRETRAINING_DIALOGUES", 240),
        (chat_model, "ALIGNMENT_DIALOGUES", 120),
        (judge_training, "PAIRS", 240),
        (reward_training, "PAIRS", 60),
        (reward_training, "TIES", 20),
        (finetuning, "TRAINING_SEEDS", (0,)),
        (finetuning, "ROWS", 16),
        (measure, "_REWARD_PAIRS", 60),
    ):
        monkeypatch.setattr(module, name, value)
    for name in ("harm_items", "borderline_items", "benign_items", "task_items"):
        every = getattr(packaged, name)()
        monkeypatch.setattr(packaged, name, lambda every=every: every[::6])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_a_tiny_build_writes_everything_and_replaces_what_was_there(tiny: None, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.bin").touch()
    told: list[str] = []
    card = build.build(tmp_path, 5, told.append)
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8")) == card
    assert (tmp_path / "CARD.md").read_text(encoding="utf-8") == cards.page(card)
    assert card["files"] == cards.files(tmp_path)
    assert not (tmp_path / "model" / "old.bin").exists()
    assert set(card) == set(organism.card())
    assert any("fine-tuned listed" in line for line in told)
