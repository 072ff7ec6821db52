"""How a server is asked: how many requests at once and a minute, how long to wait, how often to try again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aftertune.seeds import derive


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client allows itself.

    Attributes:
        concurrency: Requests under way at once.
        per_minute: Attempts begun a minute, evenly spaced; None for no limit.
        timeout_s: Seconds one attempt may take, all of it.
        attempts: How often one request is asked at most.
        first_wait_s: Seconds before the second attempt; doubled before each further one.
        longest_wait_s: The most it waits between two attempts. A server that asks for more is not asked again.
        most_bytes: The largest answer that is read.
        give_up_after: Requests that fail in a row, whatever was tried, before the others are not asked any more.

    Raises:
        ValueError: a limit would let nothing through.
    """

    concurrency: int = 16
    per_minute: float | None = None
    timeout_s: float = 120.0
    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    most_bytes: int = 8 * 2**20
    give_up_after: int = 20

    def __post_init__(self) -> None:
        """See that something gets through."""
        least = (self.concurrency, self.attempts, self.most_bytes, self.give_up_after)
        waits = (self.first_wait_s, self.longest_wait_s)
        rate = 1.0 if self.per_minute is None else self.per_minute
        if min(least) < 1 or min(waits) < 0 or not (self.timeout_s > 0 and rate > 0):
            raise ValueError(f"limits must let something through: {self}")

    def wait(self, place: int, seed: int, attempt: int) -> float:
        """Seconds before the next attempt: doubled each time, less up to half by lot, so that not all come at once.

        Args:
            place: Which request it is, in order.
            seed: The request's seed.
            attempt: How often it was asked.

        >>> 0.5 <= Limits(first_wait_s=1.0).wait(0, 7, 1) <= 1.0, 2.0 <= Limits(first_wait_s=1.0).wait(0, 7, 3) <= 4.0
        (True, True)
        """
        share = 1 - derive(seed, "http", "wait", place, attempt) / 2.0**64
        doubled: float = self.first_wait_s * 2.0 ** min(attempt - 1, 30)
        return min(self.longest_wait_s, doubled) * share


class Pace:
    """Lets attempts begin at even distances.

    Args:
        per_minute: How many a minute; None for as they come.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 0.0 if per_minute is None else 60.0 / per_minute
        self._next = -math.inf

    async def turn(self) -> None:
        """Wait for one's turn."""
        if not self._gap:
            return
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._gap
        await asyncio.sleep(mine - now)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """How many seconds a server asks to wait, by `Retry-After` as seconds or as a date; None when it does not say.

    Source: RFC 9110, section 10.2.3; decimals, which some servers send, are taken too.

    >>> asked_wait({"retry-after": "2"}), asked_wait({"retry-after": "soon"}), asked_wait({})
    (2.0, None, None)
    >>> asked_wait({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    0.0
    """
    text = headers.get("retry-after", "").strip()[:100]
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return math.nan
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()
