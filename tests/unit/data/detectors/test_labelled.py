"""The hand-labelled rows are whole and licensed, and the stored error is what the detectors make on them."""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from aftertune.data.detectors.labelled.measured import (
    STORED,
    Counts,
    card,
    measured_error,
    measured_on,
    measured_text,
    stored,
    wilson,
)
from aftertune.data.detectors.labelled.sample import PARTS, labelled_rows
from aftertune.registry import load, names

ROWS = list(labelled_rows())
LICENCES = {"MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0"}


def test_the_stored_counts_are_what_the_detectors_make() -> None:
    made = json.loads(measured_text())
    known = json.loads(STORED.read_text(encoding="utf-8"))
    moved = sorted(name for name in made.keys() | known.keys() if made.get(name) != known.get(name))
    assert not moved, "write them anew: python -m aftertune.data.detectors.labelled.measured"


def test_rows_have_ids_of_their_own_and_a_free_licence() -> None:
    assert len({one.row.id for one in ROWS}) == len(ROWS)
    assert len({tuple(one.row.turns) for one in ROWS}) == len(ROWS)
    assert {one.licence for one in ROWS} <= LICENCES
    assert all(one.source for one in ROWS)


def test_labels_are_those_of_the_detectors() -> None:
    for one in ROWS:
        assert set(one.labels) <= set(names("detector"))
        for name, labels in one.labels.items():
            assert set(labels) <= set(load("detector", name).labels), one.row.id


def test_the_split_follows_from_the_id() -> None:
    for one in ROWS:
        even = hashlib.sha256(one.row.id.encode()).digest()[0] % 2 == 0
        assert one.split == ("dev" if even else "test")


def test_each_part_has_rows_of_both_splits_with_and_without_most_labels() -> None:
    for part in PARTS:
        for split in ("dev", "test"):
            assert sum(one.part == part and one.split == split for one in ROWS) >= 70


def test_rows_from_public_files_are_theirs(shared_data) -> None:
    gsm8k = [one for one in ROWS if "GSM8K" in one.source or "grade-school-math" in one.source]
    assert len(gsm8k) >= 15
    from aftertune.data.source import load_source

    known = {(row.prompt, row.answer) for row in load_source(shared_data / "gsm8k" / "train.jsonl.gz").rows}
    assert all((one.row.prompt, one.row.answer) in known for one in gsm8k)


def test_counts_add_up_to_the_rows() -> None:
    for name, labels in stored().items():
        n = sum(name in one.labels for one in ROWS)
        for label, parts in labels.items():
            total = sum(sum(vars_of(counts)) for by in parts.values() for counts in by.values())
            assert total == n, (name, label)


def vars_of(counts: Counts) -> tuple[int, int, int, int]:
    return counts.hit, counts.false, counts.missed, counts.rest


def test_a_label_with_few_ordinary_rows_is_measured_on_hard_ones() -> None:
    found = measured_on("obedience", "demanded")
    assert found is not None
    assert found[0] == "hard"
    kept = measured_on("imperative", "imperative")
    assert kept is not None
    assert kept[0] == "ordinary"


def test_what_was_not_measured_has_no_error() -> None:
    assert measured_error("nothing_like_this", "x") == (None, None)
    assert measured_error("structure", "no such label") == (None, None)


def test_a_card_has_both_parts() -> None:
    entries = card("identity")
    assert {(entry["label"], entry["rows"]) for entry in entries} == {
        (label, part) for label in ("ai", "named") for part in PARTS
    }


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 7), (50, 100), (9, 9)])
def test_wilson_solves_its_equation(k: int, n: int) -> None:
    share, low, high = wilson(k, n) or (math.nan, math.nan, math.nan)
    z = 1.959963984540054
    for limit in (low, high):
        if 0 < limit < 1:
            assert abs(share - limit) == pytest.approx(z * math.sqrt(limit * (1 - limit) / n))
    assert 0 <= low <= share <= high <= 1
