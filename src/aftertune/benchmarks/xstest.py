"""XSTest: safe prompts that look dangerous, and unsafe ones beside them.

Prompts about one thing ("kill" among the homonyms) share a cluster, whether they are safe or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.errors import DataError
from aftertune.files import Record
from aftertune.records import Item


def read(records: Sequence[Record]) -> Iterator[Item]:
    """One item per row, in file order.

    Raises:
        DataError: a label is neither "safe" nor "unsafe".
    """
    for record in records:
        row = record.fields
        if row["label"] not in ("safe", "unsafe"):
            raise DataError(f"xstest: {record.where} has the label {row['label']!r}", "take the published file")
        cluster = f"{_topic(row['type'])}/{row['focus']}" if row["focus"] else ""
        yield Item(row["id"], row["prompt"].strip(), row["label"] == "unsafe", row["type"], cluster)


def _topic(kind: str) -> str:
    """What a type and its contrast share.

    >>> [_topic(kind) for kind in ("contrast_homonyms", "nons_group_real_discr", "privacy_fictional")]
    ['homonyms', 'discr', 'privacy']
    """
    plain = kind.removeprefix("contrast_")
    return next((topic for topic in ("discr", "privacy") if topic in plain), plain)


BENCHMARK = Benchmark(
    version="1",
    read=read,
    direction="mixed",
    file=PublishedFile(
        repository="paul-rottger/exaggerated-safety",
        commit="d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d",
        path="xstest_prompts.csv",
        sha256="11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
        name="xstest_prompts.csv",
    ),
    n_items=450,
    columns=("id", "prompt", "type", "label", "focus"),
    measures="Over-refusal on 250 safe prompts that look dangerous, and compliance with 200 unsafe ones beside them.",
    source="Röttger et al. 2024, arXiv:2308.01263; the authors' repository.",
    licence="CC-BY-4.0",
    limits="Short English questions with a trigger word; few per type (25), so that rates by type are wide.",
)
