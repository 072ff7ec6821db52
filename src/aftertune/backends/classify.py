"""Run a sequence classifier over pairs of texts.

A pair is padded to a width that follows from its own length, and shares a pass with pairs of that width only. So its
probabilities are the same bytes whatever else is classified, and may be kept and used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.backends.fast_linear import fast_linear
from aftertune.backends.folder import open_folder
from aftertune.backends.hf import one_thread_and_quiet, pick_device
from aftertune.errors import ModelError
from aftertune.extras import need

_STEP = 8  # widths are multiples of it


@dataclass(frozen=True, slots=True)
class Classifier:
    """A loaded classifier; `labels` in the order of its logits."""

    model: Any
    tokenizer: Any
    labels: tuple[str, ...]

    def probabilities(self, pairs: Sequence[tuple[str, str]], batch_size: int) -> list[dict[str, float]]:
        """The probability of each label for each (first text, second text), in order."""
        if not pairs:
            return []
        first, second = zip(*pairs, strict=True)
        encoded = self.tokenizer(list(first), list(second), truncation=True)
        rows = [{name: values[index] for name, values in encoded.items()} for index in range(len(pairs))]
        result: list[dict[str, float]] = [{} for _ in pairs]
        with fast_linear(self.model):
            for width, batch in _batches([len(row["input_ids"]) for row in rows], batch_size):
                found = self._batch([rows[index] for index in batch], min(width, self.tokenizer.model_max_length))
                for index, likely in zip(batch, found, strict=True):
                    result[index] = dict(zip(self.labels, likely, strict=True))
        return result

    def _batch(self, rows: Sequence[Mapping[str, Any]], width: int) -> list[list[float]]:
        inputs = self.tokenizer.pad(list(rows), padding="max_length", max_length=width, return_tensors="pt")
        with need("torch").inference_mode():
            logits = self.model(**inputs.to(self.model.device)).logits
        found: list[list[float]] = logits.float().softmax(-1).tolist()
        return found


def _batches(lengths: Sequence[int], size: int) -> Iterator[tuple[int, list[int]]]:
    """Widths, each with the places of a few pairs that are padded to it.

    >>> list(_batches([3, 20, 8, 5], 2))
    [(8, [0, 2]), (8, [3]), (24, [1])]
    """
    by_width: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        by_width.setdefault(-(-length // _STEP) * _STEP, []).append(index)
    for width, places in sorted(by_width.items()):
        for start in range(0, len(places), size):
            yield width, places[start : start + size]


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
