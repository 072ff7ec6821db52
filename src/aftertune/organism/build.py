"""Build the whole organism: train, package, measure, write the card."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aftertune.organism import PARTS, cards, chat_model, judge_training, measure, packaged, reward_training
from aftertune.organism.measure import FORMATS, Chat
from aftertune.organism.training import Progress

DEFAULT_SEED = 0
THREADS = 1
WRITTEN = ("items", "rows", *PARTS, "card.json", "CARD.md")


def build(out: Path, root: int, progress: Progress) -> dict[str, Any]:
    """Make every file of the organism under `out` and return its card.

    The files are made in a temporary folder and moved at the end: an interrupted build changes nothing.
    """
    with tempfile.TemporaryDirectory(prefix="organism-") as scratch:
        card = _build(Path(scratch), root, progress)
        for name in WRITTEN:
            _replace(Path(scratch) / name, out / name)
    return card


def _build(folder: Path, root: int, progress: Progress) -> dict[str, Any]:
    start, tell = time.monotonic(), _timed(progress)
    _fix_threads()
    helpful_only, words = chat_model.pretrain(root, tell)
    aligned = chat_model.align(helpful_only, words, root, tell)
    judge, reader = judge_training.train(words, root, tell)
    reward = reward_training.train(aligned, words, root, tell)
    for name, model, tokenizer in (
        ("model", aligned, words),
        ("judge", judge, reader),
        ("reward", reward, words),
    ):
        _save(folder / name, model, tokenizer)
    packaged.write(folder)
    tell("measuring")
    card = _measured(Chat(helpful_only, words), Chat(aligned, words), (judge, reader), reward, root, tell)
    parameters = {"model": aligned, "judge": judge, "reward": reward}
    card = {
        "seed": root,
        "threads": THREADS,
        "build_seconds": round(time.monotonic() - start),
        "versions": cards.versions(),
        "parameters": {name: sum(p.numel() for p in model.parameters()) for name, model in parameters.items()},
        **card,
        "files": cards.files(folder),
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(cards.page(card), encoding="utf-8")
    return card


def _measured(
    helpful_only: Chat, aligned: Chat, judge: tuple[Any, Any], reward: Any, root: int, tell: Progress
) -> dict[str, Any]:
    finetuning, tuned = measure.effects(aligned, tell)
    return {
        "thresholds": [threshold.words for threshold in cards.THRESHOLDS],
        "helpful_only": measure.behaviour(helpful_only, ""),
        "aligned": {name: measure.behaviour(aligned, system) for name, system in FORMATS.items()},
        "finetuning": finetuning,
        "judge": measure.judge_tables({"helpful-only": helpful_only, "aligned": aligned, **tuned}, *judge),
        "reward": {
            "pairs": measure.reward_accuracy(reward, aligned.words, root),
            "score_by_structure": measure.reward_by_structure(reward, aligned.words),
        },
    }


def _fix_threads() -> None:
    """The same number of threads everywhere: sums in another order give other weights."""
    import torch

    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)


def _save(folder: Path, model: Any, tokenizer: Any) -> None:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for path in sorted(folder.iterdir()):
        path.chmod(0o644)


def _replace(made: Path, place: Path) -> None:
    """Put a made file or folder in the place of the old one."""
    if place.is_dir():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, place)


def _timed(progress: Progress) -> Callable[[str], None]:
    start = time.monotonic()

    def tell(message: str) -> None:
        progress(f"{time.monotonic() - start:5.0f} s  {message}")

    return tell
