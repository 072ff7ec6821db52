"""Files that look like instruction data and are something else: what they are, for a clear refusal."""

from __future__ import annotations

from aftertune.data.sources.base import Fields


def what_it_is(fields: Fields) -> str:
    """What a file is that tests reward models or judges; empty when it is none of these.

    >>> what_it_is({"prompt": "a", "chosen": ["b", "c"], "rejected": ["d"]})[:23]
    'a test of reward models'
    >>> what_it_is({"instruction": "a", "output": "b"})
    ''
    """
    texts = fields.get("chosen")
    if "rejected" in fields and isinstance(texts, list) and texts and isinstance(texts[0], str):
        return (
            "a test of reward models (as RM-Bench): `chosen` lists several texts for one prompt, and none of them "
            "is the answer"
        )
    if {"response1", "response2"} <= set(fields):
        return (
            "a comparison of two models' answers (as PandaLM): `response1` and `response2` are judged, "
            "and neither is marked as the one to learn"
        )
    return ""
