"""How likely a model finds given answers: mean negative log-likelihood per answer token."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftertune.backends.hf import Loaded
from aftertune.errors import ModelError
from aftertune.extras import need
from aftertune.records import Row

_TOKENS = 4096  # tokens of a batch, padding included
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Likelihoods:
    """How likely a model finds some answers.

    Attributes:
        nll_N: Mean negative log-likelihood of each answer's tokens, in nats; NaN where the prompt alone fills the
            model's context, where there is no prompt, and where the chat template refuses the turns.
        cut_N: Whether only the beginning of the answer fits, which is then what was scored.
    """

    nll_N: NDArray[np.float64]
    cut_N: NDArray[np.bool_]


def answer_nll(loaded: Loaded, rows: Sequence[Row], tick: Tick = lambda done: None) -> Likelihoods:
    """The mean negative log-likelihood of each row's last answer, in nats per token.

    The answer is scored as training would learn it: after its prompt in the model's chat template, up to and with
    the end of its turn. Nothing is sampled, and a row's value does not depend on its companions beyond rounding.

    Args:
        loaded: The model.
        rows: Conversations that end with an answer.
        tick: Called with the number of rows done so far.
    """
    encoded = [_encoded(loaded, row) for row in rows]
    nll_N = np.full(len(rows), math.nan)
    done = 0
    for places in _batches(encoded):
        nll_N[places] = _scores(loaded, [encoded[place] for place in places])
        done += len(places)
        tick(done)
    return Likelihoods(nll_N, np.array([one.cut for one in encoded], np.bool_))


class _Encoded(NamedTuple):
    """A row's tokens as far as they fit, and where its answer begins; no tokens when its prompt leaves no room."""

    tokens: list[int]
    start: int
    cut: bool


def _encoded(loaded: Loaded, row: Row) -> _Encoded:
    chat, nothing = loaded.chat, _Encoded([], 0, False)
    if len(row.turns) < 2 or row.turns[-1].role != "assistant":
        return nothing
    try:
        prompt, answer = chat.tokens(chat.prompt(row.turns[:-1])), chat.tokens(chat.completion(row.turns))
    except ModelError:  # the template refuses this order of turns: that row has no value, the others do
        return nothing
    room = loaded.context - len(prompt)
    if not prompt or not answer or room < 1:
        return nothing
    return _Encoded([*prompt, *answer[:room]], len(prompt), len(answer) > room)


def _batches(encoded: Sequence[_Encoded]) -> Iterator[list[int]]:
    """Places of rows of similar length, together."""
    order = sorted((place for place, one in enumerate(encoded) if one.tokens), key=lambda n: len(encoded[n].tokens))
    batch: list[int] = []
    for place in order:
        if batch and (len(batch) + 1) * len(encoded[place].tokens) > _TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _scores(loaded: Loaded, batch: Sequence[_Encoded]) -> list[float]:
    """Right-padded, so that every answer stands where it would stand alone; logits of answers only are looked at."""
    torch = need("torch")
    longest = max(len(one.tokens) for one in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, one in enumerate(batch):
        ids[row, : len(one.tokens)] = torch.tensor(one.tokens)
        mask[row, : len(one.tokens)] = 1
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids.to(loaded.device), attention_mask=mask.to(loaded.device)).logits
        return [_mean_nll(logits[row], one.tokens, one.start) for row, one in enumerate(batch)]


def _mean_nll(logits: Any, tokens: Sequence[int], start: int) -> float:
    torch = need("torch")
    target = torch.tensor(tokens[start:], device=logits.device)
    predicted = logits[start - 1 : len(tokens) - 1].float()
    return float(torch.nn.functional.cross_entropy(predicted, target))
