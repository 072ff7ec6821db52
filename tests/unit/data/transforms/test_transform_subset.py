"""Subset: nested by hash, or by what a detector finds; its identity names the detector's version."""

from __future__ import annotations

from typing import Any

import pytest

from aftertune.data import Source, build_training_set, transform_identity, validate_transforms
from aftertune.errors import DataError, SpecError, UnknownName
from aftertune.records import Row, Turn
from aftertune.registry import load

ANSWERS = ("I'm sorry, but I can't help with that.", "- Boil\n- Pour", "Boil water.", "Go. Stop.")
ROWS = tuple(Row(str(n), (Turn("user", f"Ask {n}."), Turn("assistant", ANSWERS[n % 4]))) for n in range(40))


def kept(seed: int = 0, **params: Any) -> tuple[Row, ...]:
    source = Source(ROWS, "test", "", 40, 0, 0, ())
    return build_training_set(source, [{"name": "subset", **params}], rows=None, seed=seed).rows


def test_rows_stay_in_their_order_and_larger_subsets_hold_smaller_ones() -> None:
    made = [kept(rows=n) for n in (1, 5, 20, 40)]
    assert [len(part) for part in made] == [1, 5, 20, 40]
    assert all(list(part) == [row for row in ROWS if row in part] for part in made)
    assert set(made[0]) < set(made[1]) < set(made[2])
    assert kept(share=0.5) == made[2]
    assert kept(share=0.001) == made[0]
    assert kept(seed=1, rows=20) != made[2]


def test_what_a_detector_finds_is_kept_or_taken_out() -> None:
    assert kept(without="refusal") == tuple(row for row in ROWS if "sorry" not in row.answer)
    assert kept(only="refusal:refusal") == tuple(row for row in ROWS if "sorry" in row.answer)
    assert kept(only="structure:bullets") == tuple(row for row in ROWS if row.answer.startswith("-"))
    assert kept(only="structure") == kept(only="structure:bullets")  # prose is no finding
    assert kept(only="structure:prose", without="refusal", rows=3)[0].answer in ANSWERS[2:]
    assert len(kept(without="refusal", share=0.5)) == 15


def test_a_subset_of_what_a_detector_leaves_is_nested_too() -> None:
    assert set(kept(without="refusal", rows=4)) < set(kept(without="refusal", rows=9))


def test_its_identity_names_the_detectors() -> None:
    identity = transform_identity({"name": "subset", "without": "refusal:refusal", "only": "structure"})
    versions = {f"detector/{name}": load("detector", name).version for name in ("refusal", "structure")}
    assert identity["uses"] == versions
    assert transform_identity({"name": "subset", "rows": 3})["uses"] == {}


def test_more_rows_than_there_are_is_an_error() -> None:
    with pytest.raises(DataError, match="to keep 41 rows, and there are 40"):
        kept(rows=41)
    with pytest.raises(DataError, match="to keep 11 rows, and there are 10"):
        kept(only="refusal", rows=11)
    with pytest.raises(DataError, match="no row is left"):
        kept(only="structure:table")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "give `rows`, `share`, `only` or `without`"),
        ({"rows": 1, "share": 0.5}, "either `rows` or `share`"),
        ({"rows": 1, "dose": 0.5}, "not `dose`"),
        ({"share": 1.5}, "`share`"),
        ({"only": "structure:bulets"}, r"no label 'bulets' \(did you mean 'bullets'\?\)"),
    ],
)
def test_what_it_cannot_be_told(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        validate_transforms([{"name": "subset", **params}])


def test_an_unknown_detector_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'refusal'"):
        validate_transforms([{"name": "subset", "without": "refusl"}])
