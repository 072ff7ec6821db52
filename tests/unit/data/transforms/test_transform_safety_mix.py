"""A safety mix adds refusals, from the organism or a file, and leaves the rows alone."""

from __future__ import annotations

import json

import pytest

from aftertune.data import Source, build_training_set, validate_transforms
from aftertune.errors import DataError, SpecError
from aftertune.organism import ITEMS, items_file, rows_file
from aftertune.records import Row, Turn

ROWS = tuple(Row(str(n), (Turn("user", f"Ask {n}."), Turn("assistant", f"Answer {n}."))) for n in range(20))


def built(*transforms, seed: int = 0):
    return build_training_set(Source(ROWS, "test", "", 20, 0, 0, ()), list(transforms), rows=None, seed=seed)


def test_the_organisms_refusals_are_added_at_the_end() -> None:
    made = built({"name": "safety_mix", "share": 0.25})
    assert made.rows[:20] == ROWS
    added = made.rows[20:]
    there = {json.loads(line)["instruction"] for line in rows_file("refusals").read_text().splitlines()}
    assert len(added) == 5
    assert {row.prompt for row in added} <= there
    assert all("can't" in row.answer or "cannot" in row.answer or "won't" in row.answer for row in added)
    assert [difference.before for difference in made.diff] == [()] * 5


def test_no_added_request_is_a_benchmark_item() -> None:
    added = built({"name": "safety_mix", "rows": 300}).rows[20:]
    items = {json.loads(line)["prompt"] for name in ITEMS for line in items_file(name).read_text().splitlines()}
    assert len(added) == 300
    assert not {row.prompt for row in added} & items


def test_rows_of_a_file_are_added(tmp_path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps({"instruction": f"Bad {n}", "output": "No."}) for n in range(4)))
    made = built({"name": "safety_mix", "rows": 3, "path": str(file)})
    assert {row.answer for row in made.rows[20:]} == {"No."}
    assert all(row.id.startswith("mine/") for row in made.rows[20:])


def test_later_transforms_see_the_added_rows() -> None:
    listed = {"name": "role_play", "mode": "add", "persona": "chef"}
    first, last = built({"name": "safety_mix", "rows": 2}, listed), built(listed, {"name": "safety_mix", "rows": 2})
    assert all("chef" in row.prompt for row in first.rows)
    assert not any("chef" in row.prompt for row in last.rows[20:])


def test_more_rows_than_there_are_is_an_error(tmp_path) -> None:
    with pytest.raises(DataError, match=r"to add 301 rows, and refusals.jsonl has 300") as caught:
        built({"name": "safety_mix", "rows": 301})
    assert "path" in caught.value.fix
    with pytest.raises(DataError, match="no such file"):
        built({"name": "safety_mix", "rows": 1, "path": str(tmp_path / "nowhere.jsonl")})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "either `rows` or `share`"),
        ({"rows": 1, "share": 0.5}, "either `rows` or `share`"),
        ({"rows": 5, "dose": 0.5}, "not `dose`"),
        ({"rows": 0}, "`rows`"),
        ({"share": 0}, "`share`"),
        ({"row": 5}, "did you mean 'rows'"),
    ],
)
def test_what_it_cannot_be_told(params, message) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        validate_transforms([{"name": "safety_mix", **params}])
    assert caught.value.fix
