"""An audit as JSON: the record's own names, and null where a number is undefined."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from aftertune.data.auditing.record import Audit


def to_document(audit: Audit) -> dict[str, Any]:
    """An audit as plain JSON values; `schema` comes first."""
    document = {"schema": audit.schema, **asdict(audit)}
    plain: dict[str, Any] = _plain(document)
    return plain


def to_json(audit: Audit) -> str:
    """The text of `audit.json`; the same audit gives the same bytes."""
    return json.dumps(to_document(audit), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
