"""MT-Bench's first turns: open tasks for whether a model still writes sensibly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.files import Record, text_of
from aftertune.records import Item


def read(records: Sequence[Record]) -> Iterator[Item]:
    """One item per question: its first turn."""
    for record in records:
        row = record.fields
        yield Item(text_of(row["question_id"]), row["turns"][0].strip(), False, row["category"])


BENCHMARK = Benchmark(
    version="1",
    read=read,
    direction="answer",
    file=PublishedFile(
        repository="lm-sys/FastChat",
        commit="0e6d3e4beaab66f4d3f93db72541a4abab8af28d",
        path="fastchat/llm_judge/data/mt_bench/question.jsonl",
        sha256="119565adbab82227089cefdb44c8d7e2cf04dc0a0ec233634c82e7d4e2a944f7",
        name="mt_bench_question.jsonl",
    ),
    n_items=80,
    columns=("question_id", "category", "turns"),
    measures="Coherence and refusals on 80 open tasks in eight categories (writing, reasoning, coding and others).",
    source="Zheng et al. 2023, arXiv:2306.05685; the authors' repository.",
    licence="Apache-2.0",
    limits="First turns only, and no grade of quality: this is not the MT-Bench score.",
)
