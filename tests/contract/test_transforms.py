"""What every transform promises: deterministic by seed and row id, nested doses, never an error."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.canon import digest
from aftertune.data import Source, build_training_set, transform_identity, validate_transforms
from aftertune.data.transforms.base import Params
from aftertune.records import Row, Turn
from aftertune.registry import load, names
from aftertune.seeds import generator

NAMES = names("transform")
ADDING = [name for name in NAMES if load("transform", name).more is not None]
CHANGING = [name for name in NAMES if name not in ADDING]
TEXT = st.text(max_size=120) | st.sampled_from(
    [
        "As an AI language model, I can. It is 4.",
        "1. Boil\n2. Pour",
        "You are a chef. Cook it.",
        "a\n#### 4",
        "```\nx\n```",
    ]
)
ROWS = st.builds(
    lambda id_, system, asked, answer: Row(
        id_, (*([Turn("system", system)] if system else []), Turn("user", asked), Turn("assistant", answer))
    ),
    st.text(min_size=1, max_size=8),
    TEXT,
    TEXT,
    TEXT,
)
ANSWERS = (
    "Boil water. Add 2.5 g of tea.",
    "- One\n- Two",
    "As an AI, I like tea. You too.",
    "Just one.",
    "a = 4\n#### 4",
)


def specs(name: str) -> list[dict[str, Any]]:
    """One spec for every value of every parameter with listed values."""
    params = validate_any(name)
    listed = {key: get_args(field.annotation) for key, field in params.model_fields.items()}
    choices = {key: [v for v in values if isinstance(v, str)] for key, values in listed.items()}
    first = {key: values[0] for key, values in choices.items() if values}
    if name in ADDING:
        return [{"name": name, "rows": 7}, {"name": name, "share": 0.5}]
    return [{"name": name, **first, key: value} for key, values in choices.items() for value in values]


def validate_any(name: str) -> type[Params]:
    params: type[Params] = load("transform", name).params
    return params


CASES = [pytest.param(spec, id="-".join(map(str, spec.values()))) for name in CHANGING for spec in specs(name)]


def rows(n: int = 60) -> tuple[Row, ...]:
    return tuple(
        Row(str(i), (Turn("user", f"Ask {i}."), Turn("assistant", ANSWERS[i % len(ANSWERS)]))) for i in range(n)
    )


def source(*given_rows: Row) -> Source:
    return Source(given_rows, "test", "", len(given_rows), 0, 0, ())


def test_there_are_the_three_factors() -> None:
    assert {"answer_structure", "identity", "role_play"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_says_what_it_is(name: str) -> None:
    ((transform, _),) = validate_transforms([specs(name)[0]])
    assert transform.version
    assert transform.about.endswith(".")
    assert transform.params.model_config["frozen"]
    assert transform.params.model_config["extra"] == "forbid"
    assert digest(transform_identity(specs(name)[0]))


@pytest.mark.parametrize("spec", CASES)
def test_the_same_seed_gives_the_same_rows_in_any_order(spec: dict[str, Any]) -> None:
    forward = build_training_set(source(*rows()), [spec], rows=None, seed=5)
    backward = build_training_set(source(*reversed(rows())), [spec], rows=None, seed=5)
    assert forward.rows == tuple(reversed(backward.rows))


@pytest.mark.parametrize("spec", CASES)
def test_rows_chosen_at_a_lower_dose_are_chosen_at_a_higher_one(spec: dict[str, Any]) -> None:
    doses = (0.1, 0.25, 0.5, 1.0)
    made = [build_training_set(source(*rows()), [{**spec, "dose": dose}], rows=None, seed=5) for dose in doses]
    changed = [{difference.id: difference.after for difference in training_set.diff} for training_set in made]
    for lower, higher in zip(changed, changed[1:], strict=False):
        assert lower.items() <= higher.items()
    assert changed[0].keys() < changed[-1].keys() or not changed[-1]
    assert made[-1].changes[0].not_chosen == 0


@pytest.mark.parametrize("name", CHANGING)
def test_a_dose_is_the_share_of_rows_chosen(name: str) -> None:
    counts = build_training_set(source(*rows(2000)), [{**specs(name)[0], "dose": 0.25}], rows=None, seed=5).changes[0]
    assert abs(2000 - counts.not_chosen - 500) < 4 * (2000 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize("spec", CASES)
@settings(max_examples=15, deadline=None)
@given(row=ROWS)
def test_any_row_is_changed_or_left_alone_with_a_reason(spec: dict[str, Any], row: Row) -> None:
    ((transform, params),) = validate_transforms([spec])
    result = transform.apply(row, params, generator(0, "transform", spec["name"], row.id))
    assert result == transform.apply(row, params, generator(0, "transform", spec["name"], row.id))
    assert result.row.id == row.id
    assert result.row.turns[-1].role == "assistant"
    assert result.changed == (result.row != row)
    assert result.changed == (result.reason == "")


@pytest.mark.parametrize("name", ADDING)
def test_added_rows_are_the_same_whatever_the_order_of_the_rows(name: str) -> None:
    for spec in specs(name):
        forward = build_training_set(source(*rows()), [spec], rows=None, seed=5)
        backward = build_training_set(source(*reversed(rows())), [spec], rows=None, seed=5)
        n = len(rows())
        assert forward.rows[:n] == rows()
        assert forward.rows[n:] == backward.rows[n:]
        assert forward.rows[n:] != build_training_set(source(*rows()), [spec], rows=None, seed=6).rows[n:]


@pytest.mark.parametrize("name", ADDING)
def test_a_larger_mix_holds_a_smaller_one(name: str) -> None:
    made = [
        build_training_set(source(*rows()), [{"name": name, "share": share}], rows=None, seed=5)
        for share in (0.05, 0.1, 0.5, 2.0)
    ]
    added = [[row for row in one.rows if row.id not in {r.id for r in rows()}] for one in made]
    assert [len(part) for part in added] == [3, 6, 30, 120]
    assert all(set(lower) <= set(higher) for lower, higher in zip(added, added[1:], strict=False))
    assert [one.changes[0].added for one in made] == [3, 6, 30, 120]
    assert all(len(one.diff) == one.changes[0].added for one in made)


@pytest.mark.parametrize("name", ADDING)
def test_added_rows_end_with_an_answer_and_have_ids_of_their_own(name: str) -> None:
    twice = [{"name": name, "rows": 50}, {"name": name, "rows": 50}]
    made = build_training_set(source(*rows()), twice, rows=None, seed=5)
    assert len({row.id for row in made.rows}) == len(made.rows) == 160
    assert all(row.turns[-1].role == "assistant" and row.answer for row in made.rows)


# Version and digest of the rows above under every case. When a digest moves, raise the transform's version.
GOLDEN = {
    "answer_structure": "1:4b5ff0f9fdddf3e0",
    "identity": "1:baf9de7ede1fa7e5",
    "role_play": "1:6823efd4d4dae527",
    "safety_mix": "1:735fbb1599d4a6eb",
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_output_moves_only_with_the_version(name: str) -> None:
    made = [build_training_set(source(*rows(10)), [spec], rows=None, seed=5).rows for spec in specs(name)]
    texts = [[turn.content for turn in row.turns] for training_set in made for row in training_set]
    ((transform, _),) = validate_transforms([specs(name)[0]])
    assert f"{transform.version}:{digest(texts)[:16]}" == GOLDEN[name]
