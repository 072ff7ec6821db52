"""What is asked of a model and what comes back, in tokens."""

from __future__ import annotations

from dataclasses import dataclass


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
