"""A refusal mix adds rows that decline, and with `keep_size` takes as many others out."""

from __future__ import annotations

import pytest

from aftertune.data import Source, TrainingSet, build_training_set, validate_transforms
from aftertune.errors import DataError, SpecError
from aftertune.records import Row, Turn

ROWS = tuple(Row(str(n), (Turn("user", f"Ask {n}."), Turn("assistant", f"Answer {n}."))) for n in range(40))


def built(*transforms: dict[str, object], seed: int = 0) -> TrainingSet:
    source = Source(ROWS, "test", "", 40, 0, 0, ())
    return build_training_set(source, list(transforms), rows=None, seed=seed)


def test_the_number_of_rows_stays() -> None:
    for share in (0.1, 0.25, 1.0):
        made = built({"name": "refusal_mix", "share": share, "keep_size": True})
        (counts,) = made.changes
        assert len(made.rows) == 40
        assert counts.added == counts.removed == share * 40
        assert [d.after == () for d in made.diff].count(True) == counts.removed
        assert [d.before == () for d in made.diff].count(True) == counts.added


def test_a_larger_mix_leaves_fewer_of_the_same_rows() -> None:
    made = [built({"name": "refusal_mix", "rows": n, "keep_size": True}) for n in (4, 10, 30)]
    kept = [{row.id for row in one.rows} & {row.id for row in ROWS} for one in made]
    assert [len(part) for part in kept] == [36, 30, 10]
    assert kept[0] > kept[1] > kept[2]
    added = [[row for row in one.rows if row.id not in {r.id for r in ROWS}] for one in made]
    assert added[2][:10] == added[1]
    assert added[1][:4] == added[0]


def test_which_rows_go_depends_on_the_seed() -> None:
    spec = {"name": "refusal_mix", "rows": 10, "keep_size": True}
    assert built(spec).rows != built(spec, seed=1).rows


def test_more_rows_than_there_are_cannot_go() -> None:
    with pytest.raises(DataError, match=r"41 rows in the place of others, and there are 40"):
        built({"name": "refusal_mix", "rows": 41, "keep_size": True})
    with pytest.raises(DataError, match=r"refusal_mix is to add 301 rows"):
        built({"name": "refusal_mix", "rows": 301})


def test_what_it_cannot_be_told() -> None:
    for params in ({}, {"rows": 1, "share": 0.1}, {"rows": 1, "dose": 0.5}, {"rows": 1, "keep_size": "what"}):
        with pytest.raises(SpecError):
            validate_transforms([{"name": "refusal_mix", **params}])
