"""How likely a model finds given answers: mean negative log-likelihood per answer token."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftertune.backends.hf import Loaded
from aftertune.extras import need
from aftertune.records import Row

_TOKENS = 4096  # tokens of a batch, padding included
Tick = Callable[[int], None]


def answer_nll(loaded: Loaded, rows: Sequence[Row], tick: Tick = lambda done: None) -> NDArray[np.float64]:
    """The mean negative log-likelihood of each row's last answer, in nats per token.

    The answer is scored as training would learn it: after its prompt in the model's chat template, up to and with
    the end of its turn. Nothing is sampled, and a row's value does not depend on its companions beyond rounding.

    Args:
        loaded: The model.
        rows: Conversations that end with an answer.
        tick: Called with the number of rows done so far.

    Returns:
        One value per row; NaN where the row does not fit the model's context.
    """
    nll_N = np.full(len(rows), math.nan)
    done = 0
    for places, batch in _batches(loaded, rows):
        nll_N[places] = _scores(loaded, batch)
        done += len(places)
        tick(done)
    return nll_N


def _batches(loaded: Loaded, rows: Sequence[Row]) -> Iterator[tuple[list[int], list[tuple[list[int], int]]]]:
    """Rows of similar length together: the tokens of each, and where its answer begins."""
    chat = loaded.chat
    encoded = []
    for place, row in enumerate(rows):
        prompt = chat.tokens(chat.prompt(row.turns[:-1]))
        tokens = [*prompt, *chat.tokens(chat.completion(row.turns))]
        if 0 < len(prompt) < len(tokens) <= loaded.context:
            encoded.append((len(tokens), place, (tokens, len(prompt))))
    encoded.sort(key=lambda entry: entry[:2])
    places: list[int] = []
    batch: list[tuple[list[int], int]] = []
    for length, place, one in encoded:
        if batch and (len(batch) + 1) * length > _TOKENS:
            yield places, batch
            places, batch = [], []
        places.append(place)
        batch.append(one)
    if batch:
        yield places, batch


def _scores(loaded: Loaded, batch: Sequence[tuple[list[int], int]]) -> list[float]:
    """Right-padded, so that every answer stands where it would stand alone; logits of answers only are looked at."""
    torch = need("torch")
    longest = max(len(tokens) for tokens, _ in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, (tokens, _) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids.to(loaded.device), attention_mask=mask.to(loaded.device)).logits
        return [_mean_nll(logits[row], tokens, start) for row, (tokens, start) in enumerate(batch)]


def _mean_nll(logits: Any, tokens: Sequence[int], start: int) -> float:
    torch = need("torch")
    target = torch.tensor(tokens[start:], device=logits.device)
    predicted = logits[start - 1 : len(tokens) - 1].float()
    return float(torch.nn.functional.cross_entropy(predicted, target))
