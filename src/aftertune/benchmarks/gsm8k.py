"""GSM8K's test split: grade-school word problems with one number as the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.errors import DataError
from aftertune.files import Record
from aftertune.records import Item

MARK = "####"


def read(records: Sequence[Record]) -> Iterator[Item]:
    """One item per problem; the reference is the mark and the number behind it, as published: `#### 18`.

    Raises:
        DataError: an answer has no final number.
    """
    for number, record in enumerate(records, start=1):
        _, mark, final = record.fields["answer"].rpartition(MARK)
        if not mark or not final.strip():
            raise DataError(f"gsm8k: {record.where} has no `#### number`", "take the published file")
        yield Item(str(number), record.fields["question"].strip(), False, reference=f"{MARK} {final.strip()}")


BENCHMARK = Benchmark(
    version="1",
    read=read,
    direction="correct",
    file=PublishedFile(
        repository="openai/grade-school-math",
        commit="3101c7d5072418e28b9008a6636bde82a006892c",
        path="grade_school_math/data/test.jsonl",
        sha256="3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
        name="gsm8k_test.jsonl",
    ),
    n_items=1319,
    columns=("question", "answer"),
    measures="Capability: how often the final number of the response is the right one (exact match).",
    source="Cobbe et al. 2021, arXiv:2110.14168; the authors' repository.",
    licence="MIT",
    limits=(
        "Zero-shot, without worked examples: rates are lower than published few-shot ones. A response cut off before "
        "its final number is wrong; give it 256 new tokens or more."
    ),
)
