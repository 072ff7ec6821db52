"""Documents that share a row must not see each other: tried out on the very model before it is trained."""

from __future__ import annotations

from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.encode import IGNORE

_LENGTH = 8  # tokens of each document of the trial
_TOLERANCE = 1e-3  # of the largest logit; a document that is seen moves them by a large part of it


def refuse_leaks(model: Any, collate: Any) -> None:
    """Refuse to pack rows for a model whose attention lets documents see each other.

    Raises:
        TuneError: it does.
    """
    if leaks(model, collate):
        attention = getattr(model.config, "_attn_implementation", "unknown")
        raise TuneError(
            f"packed documents see each other in this model (attention: {attention})",
            "remove `packing` and `padding_free` from tune.trainer",
        )


def leaks(model: Any, collate: Any) -> bool:
    """Whether a document's logits change when the document before it in the row does."""
    torch = need("torch")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        one, other = (_second_document(model, collate, first) for first in (range(_LENGTH), range(_LENGTH, 0, -1)))
    model.train(was_training)
    return bool((one - other).abs().max() > _TOLERANCE * one.abs().max().clamp(min=1))


def _second_document(model: Any, collate: Any, first: range) -> Any:
    """Logits of a document that is the same in each call, after one that is not."""
    ids = [*first, *range(1, _LENGTH + 1)]
    row = {"input_ids": ids, "labels": [IGNORE] * len(ids), "seq_lengths": [_LENGTH, _LENGTH]}
    batch = {
        name: value.to(model.device) if hasattr(value, "to") else value
        for name, value in collate([row]).items()
        if name != "labels"
    }
    return model(**batch, use_cache=False).logits[0, _LENGTH:].float()
