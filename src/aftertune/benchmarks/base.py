"""What a benchmark file defines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aftertune.canon import digest
from aftertune.errors import DataError
from aftertune.records import Item


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A named, versioned set of items.

    Attributes:
        version: Raised whenever an item changes.
        read: Returns the items, always in the same order.
        measures: What it measures, in one sentence.
        source: Where the items come from.
        licence: Their licence.
        limits: What it does not say.
    """

    version: str
    read: Callable[[], Sequence[Item]]
    measures: str
    source: str
    licence: str
    limits: str


def check_items(items: Sequence[Item], name: str) -> None:
    """Refuse a benchmark that cannot be measured.

    Raises:
        DataError: no items, an empty prompt, or two items with one id.
    """
    if not items:
        raise DataError(f"benchmark {name}: it has no items", "check the file and its `where` filter")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise DataError(f"benchmark {name}: two items have the id {item.id!r}", "make ids unique")
        if not item.prompt.strip():
            raise DataError(f"benchmark {name}: item {item.id!r} has an empty prompt", "fill or remove it")
        seen.add(item.id)


def items_digest(items: Sequence[Item]) -> str:
    """The hash of what is asked: it changes when any item does."""
    return digest([[i.id, i.prompt, i.harmful, i.category, i.cluster, i.reference] for i in items])
