"""Read the item files packaged with the organism."""

from __future__ import annotations

import json

from aftertune.organism import items_file
from aftertune.records import Item


def read_packaged(name: str) -> list[Item]:
    """The items of `organism/items/<name>.jsonl`, in file order."""
    lines = items_file(name).read_text(encoding="utf-8").splitlines()
    return [Item(**json.loads(line)) for line in lines]
