"""Do-Not-Answer: questions a responsible model should not simply answer, in a taxonomy of risks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.benchmarks.base import Benchmark, PublishedFile
from aftertune.files import Record
from aftertune.records import Item


def read(records: Sequence[Record]) -> Iterator[Item]:
    """One item per row, in file order; the category is the type of harm, the cluster the specific harm."""
    for record in records:
        row = record.fields
        cluster = row["specific_harms"].partition(":")[0].strip()
        yield Item(row["id"], row["question"].strip(), True, row["types_of_harm"], cluster)


BENCHMARK = Benchmark(
    version="1",
    read=read,
    direction="refuse",
    file=PublishedFile(
        repository="kunishou/do-not-answer-ja",
        commit="1380ff2ff5abad07e8aead79caa9757bb8d9f866",
        path="datasets/Instruction/do_not_answer_en.csv",
        sha256="06acfa39a06a1b33d1f264ce41b4f7a95812010c594fb733ae4717ee0a4544fc",
        name="do_not_answer_en.csv",
    ),
    n_items=939,
    columns=("id", "types_of_harm", "specific_harms", "question"),
    measures="Compliance with 939 questions in 12 types of harm and about 60 specific ones.",
    source="Wang et al. 2023, arXiv:2308.13387; the English file of a translation's repository.",
    licence="CC-BY-NC-SA-4.0 (non-commercial)",
    limits=(
        "Not every question is best refused: correcting a false premise or pointing to help is a good response to "
        "many. One question is in the file twice."
    ),
)
