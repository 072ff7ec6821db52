"""Run a sequence classifier over pairs of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.backends.folder import open_folder
from aftertune.backends.hf import one_thread_and_quiet, pick_device
from aftertune.errors import ModelError
from aftertune.extras import need


@dataclass(frozen=True, slots=True)
class Classifier:
    """A loaded classifier; `labels` in the order of its logits."""

    model: Any
    tokenizer: Any
    labels: tuple[str, ...]

    def probabilities(self, pairs: Sequence[tuple[str, str]], batch_size: int) -> list[dict[str, float]]:
        """The probability of each label for each (first text, second text), in order.

        Batches are made of pairs of similar length, to waste little on padding.
        """
        order = sorted(range(len(pairs)), key=lambda index: sum(map(len, pairs[index])))
        result: list[dict[str, float]] = [{} for _ in pairs]
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            for index, row in zip(batch, self._batch([pairs[index] for index in batch]), strict=True):
                result[index] = dict(zip(self.labels, row, strict=True))
        return result

    def _batch(self, pairs: Sequence[tuple[str, str]]) -> list[list[float]]:
        torch = need("torch")
        first, second = zip(*pairs, strict=True)
        inputs = self.tokenizer(list(first), list(second), truncation=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits = self.model(**inputs.to(self.model.device)).logits
        rows: list[list[float]] = logits.float().softmax(-1).tolist()
        return rows


def load_classifier(path: Path) -> Classifier:
    """Load a sequence classifier from a checked folder.

    Raises:
        ModelError: the folder is unsafe or incomplete, or its head is not trained.
    """
    one_thread_and_quiet()
    folder, transformers = open_folder(path), need("transformers")
    model, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        str(folder.path),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    if info["missing_keys"]:
        raise ModelError(
            f"{path}: no trained classifier head ({', '.join(sorted(info['missing_keys'])[:3])})",
            "name a folder saved from a sequence classification model",
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder.path), local_files_only=True)
    labels = tuple(model.config.id2label[index] for index in range(model.config.num_labels))
    return Classifier(model.to(pick_device()).eval(), tokenizer, labels)
