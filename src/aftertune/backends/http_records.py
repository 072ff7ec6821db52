"""What is asked of a served model and what comes back: the same in and out as with weights of one's own, in words.

A model of our own is given tokens (`backends.request`); a served one only text, which its server tokenises. Both take
a request with a seed of its own and a way of sampling, and give one record per request, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aftertune.records import Status, Turn


@dataclass(frozen=True, slots=True)
class Asked:
    """One response to write.

    Attributes:
        prompt: A conversation, which the server puts into the model's chat template; or a text, which is continued.
        seed: Of this response alone: of its item and replicate.
    """

    prompt: tuple[Turn, ...] | str
    seed: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """How tokens are chosen. Temperature 0 takes the likeliest one."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request.

    Attributes:
        text: What the model wrote; empty when it failed. Untrusted.
        status: `ok`; `truncated` when the cap on new tokens cut it off; `failed`.
        reason: Why it failed, in one line; empty otherwise.
        n_prompt_tokens: As the server counted; None when it did not say.
        n_new_tokens: Likewise.
        attempts: How often it was asked.
        latency_s: Seconds the last attempt took.
    """

    text: str
    status: Status
    reason: str = ""
    n_prompt_tokens: int | None = None
    n_new_tokens: int | None = None
    attempts: int = 1
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in any one currency."""

    per_million_prompt: float
    per_million_new: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over replies.

    Attributes:
        n_requests: Replies.
        n_failed: Those that failed.
        n_attempts: How often the server was asked for them.
        n_prompt_tokens: As far as the server said.
        n_new_tokens: Likewise.
        n_uncounted: Replies that did not fail and whose tokens the server did not say.
        cost: Of the tokens counted; None without prices.
    """

    n_requests: int
    n_failed: int
    n_attempts: int
    n_prompt_tokens: int
    n_new_tokens: int
    n_uncounted: int
    cost: float | None


def usage(replies: Sequence[Reply], prices: Prices | None = None) -> Usage:
    """Count requests, failures, tokens and what they cost.

    >>> replies = [Reply("Tea.", Status.OK, "", 2_000_000, 500_000), Reply("", Status.FAILED, "timeout", attempts=6)]
    >>> usage(replies, Prices(1.0, 4.0))  # doctest: +NORMALIZE_WHITESPACE
    Usage(n_requests=2, n_failed=1, n_attempts=7, n_prompt_tokens=2000000, n_new_tokens=500000, n_uncounted=0,
          cost=4.0)
    """
    prompt = sum(reply.n_prompt_tokens or 0 for reply in replies)
    new = sum(reply.n_new_tokens or 0 for reply in replies)
    failed = [reply.status == Status.FAILED for reply in replies]
    unknown = [reply.n_prompt_tokens is None or reply.n_new_tokens is None for reply in replies]
    return Usage(
        len(replies),
        sum(failed),
        sum(reply.attempts for reply in replies),
        prompt,
        new,
        sum(lost and not fail for lost, fail in zip(unknown, failed, strict=True)),
        None if prices is None else (prompt * prices.per_million_prompt + new * prices.per_million_new) / 1e6,
    )
