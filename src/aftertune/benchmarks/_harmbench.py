"""HarmBench's file of text behaviours, and the three kinds of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aftertune.benchmarks.base import PublishedFile
from aftertune.files import Record
from aftertune.records import Item

FILE = PublishedFile(
    repository="busycalibrating/AdversariaLLM",
    commit="f970939273ea17b491fadf6001fddc36ed3ae3ff",
    path="data/behavior_datasets/harmbench_behaviors_text_all.csv",
    sha256="2745611872be3b2eab141e39bb328b8c1140dc3cd8d0a49da6174260d9ccbfb9",
    name="harmbench_behaviors_text_all.csv",
)
COLUMNS = ("Behavior", "FunctionalCategory", "SemanticCategory", "ContextString", "BehaviorID")
SOURCE = "Mazeika et al. 2024, arXiv:2402.04249; a copy of the authors' file in another repository."
LICENCE = "MIT"


def read(records: Sequence[Record], *, kind: str, harmful: bool) -> Iterator[Item]:
    """The behaviours of one kind, in file order; a context goes before its behaviour, with a blank line between."""
    for record in records:
        row = record.fields
        if row["FunctionalCategory"] == kind:
            asked = "\n\n".join(part for part in (row["ContextString"].strip(), row["Behavior"].strip()) if part)
            yield Item(row["BehaviorID"], asked, harmful, row["SemanticCategory"])
