"""The world's word lists, one YAML file per kind of request."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def load(name: str) -> dict[str, Any]:
    """The word list called `name`, as plain mappings and lists."""
    text = Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
    words: dict[str, Any] = yaml.safe_load(text)
    return words
