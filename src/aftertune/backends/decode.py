"""Let a model write: batches sorted by length, each response drawn from a stream of its own.

A response's random stream belongs to its item and replicate, not to its batch, so batch layout and
order cannot change which text is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.extras import need


@dataclass(frozen=True, slots=True)
class Request:
    """One response to write: the prompt's tokens and the seed of its stream."""

    tokens: tuple[int, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. Temperature 0 takes the likeliest one."""

    temperature: float
    top_p: float
    max_new_tokens: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class Written:
    """New tokens of one response, without the stop token; `complete` when the model stopped by itself."""

    tokens: tuple[int, ...]
    complete: bool


def write(
    loaded: Loaded, requests: Sequence[Request], sampling: Sampling, tick: Callable[[int], None]
) -> list[Written]:
    """Write all responses, in the order of the requests.

    Args:
        loaded: The model.
        requests: Prompts that fit the model's context together with the new tokens.
        sampling: How tokens are chosen.
        tick: Called with the number of new tokens after each batch.
    """
    written: list[Written | None] = [None] * len(requests)
    for batch in _batches(requests, sampling.batch_size):
        results = _write_batch(loaded, [requests[index] for index in batch], sampling)
        for index, result in zip(batch, results, strict=True):
            written[index] = result
        tick(sum(len(result.tokens) for result in results))
    return [result for result in written if result is not None]


def _batches(requests: Sequence[Request], size: int) -> Iterator[list[int]]:
    """Indices in batches of similar length; ties keep their order."""
    order = sorted(range(len(requests)), key=lambda index: len(requests[index].tokens))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _write_batch(loaded: Loaded, batch: Sequence[Request], sampling: Sampling) -> list[Written]:
    torch = need("torch")
    ids, mask = _left_padded(loaded, batch)
    stops = loaded.chat.stop_tokens(_declared_stops(loaded.model))
    config = need("transformers").GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=sampling.max_new_tokens,
        eos_token_id=stops or None,
        pad_token_id=loaded.chat.tokenizer.pad_token_id,
    )
    noise = [RowNoise(batch, sampling)] if sampling.temperature > 0 else []
    with torch.inference_mode():
        output = loaded.model.generate(
            input_ids=ids, attention_mask=mask, generation_config=config, logits_processor=noise
        )
    return [_cut(row, set(stops)) for row in output[:, ids.shape[1] :].tolist()]


def _declared_stops(model: Any) -> list[int]:
    declared = model.generation_config.eos_token_id
    if declared is None:
        return []
    return [declared] if isinstance(declared, int) else list(declared)


def _left_padded(loaded: Loaded, batch: Sequence[Request]) -> tuple[Any, Any]:
    torch, pad = need("torch"), loaded.chat.tokenizer.pad_token_id or 0
    longest = max(len(request.tokens) for request in batch)
    ids = [[pad] * (longest - len(r.tokens)) + list(r.tokens) for r in batch]
    mask = [[0] * (longest - len(r.tokens)) + [1] * len(r.tokens) for r in batch]
    return torch.tensor(ids, device=loaded.device), torch.tensor(mask, device=loaded.device)


def _cut(tokens: list[int], stops: set[int]) -> Written:
    for position, token in enumerate(tokens):
        if token in stops:
            return Written(tuple(tokens[:position]), complete=True)
    return Written(tuple(tokens), complete=False)


class RowNoise:
    """Sample by taking the largest of logits plus Gumbel noise, each row from its own generator.

    Adding independent Gumbel noise and taking the maximum draws from the softmax (Gumbel 1954), so a
    row's text depends on its own seed alone. The noise is drawn on the CPU: the same on every device.
    """

    def __init__(self, batch: Sequence[Request], sampling: Sampling) -> None:
        torch = need("torch")
        self._generators = [torch.Generator().manual_seed(request.seed) for request in batch]
        self._sampling = sampling

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Perturb one step's scores, shape (rows, vocabulary)."""
        torch = need("torch")
        scaled = scores.float() / self._sampling.temperature
        if self._sampling.top_p < 1:
            scaled = _keep_top_p(scaled, self._sampling.top_p)
        uniform = torch.stack([torch.rand(scaled.shape[1], generator=g) for g in self._generators])
        noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        return scaled + noise.to(scaled.device)


def _keep_top_p(scores: Any, top_p: float) -> Any:
    """Rule out the tokens outside the smallest set with at least `top_p` of the probability."""
    torch = need("torch")
    ordered, places = scores.sort(dim=-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    ordered = ordered.masked_fill(before >= top_p, float("-inf"))
    return torch.full_like(scores, float("-inf")).scatter(-1, places, ordered)
