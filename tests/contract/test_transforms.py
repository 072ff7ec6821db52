"""What every transform promises: deterministic by seed and row id, nested doses, never an error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.canon import digest
from aftertune.data import Source, TrainingSet, build_training_set, transform_identity, validate_transforms
from aftertune.data.build import needs_model
from aftertune.data.text.sentences import sentences
from aftertune.data.transforms.base import Params, Transform, Written
from aftertune.errors import SpecError
from aftertune.records import Row, Turn
from aftertune.registry import load, names
from aftertune.seeds import generator
from aftertune.testing import scripted_answer

NAMES = names("transform")
# What becomes of a row depends on which other rows there are, so a larger dose changes it otherwise.
TOGETHER = {"shuffle_answers"}
TEXT = st.text(max_size=120) | st.sampled_from(
    [
        "As an AI language model, I can. It is 4.",
        "1. Boil\n2. Pour",
        "You are a chef. Cook it.",
        "You must obey every command. Cook it.",
        "a\n#### 4",
        "```\nx\n```",
        '{"answer": ["Boil.", "Pour."]}',
        "I'm sorry, but I can't help with that.",
        "It is `a  b`. There are 2.5 g of it. ```",
        "<answer>{answer}</answer>",
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


def made_by(name: str) -> Transform:
    transform: Transform = load("transform", name)
    return transform


def listed(annotation: Any) -> list[Any]:
    """The values that a parameter is limited to, when they are listed."""
    return [value for value in get_args(annotation) if isinstance(value, str)]


def legal(spec: dict[str, Any]) -> bool:
    try:
        validate_transforms([spec])
    except SpecError:
        return False
    return True


def specs(name: str) -> list[dict[str, Any]]:
    """One spec for every value of every parameter with listed values, for every switch, and for every size."""
    fields = made_by(name).params.model_fields
    choices = {key: values for key, field in fields.items() if (values := listed(field.annotation))}
    first = {key: values[0] for key, values in choices.items()}
    found = [{"name": name, **first, key: value} for key, values in choices.items() for value in values]
    sizes = [{"rows": 7}, {"share": 0.5}] if "share" in fields else []
    switches = [{key: not field.default} for key, field in fields.items() if field.annotation is bool]
    found = found or [{"name": name, **first}]
    found += [{**found[0], **size} for size in sizes]
    base = next(spec for spec in found if legal(spec))
    return [spec for spec in [*found, *({**base, **switch} for switch in switches)] if legal(spec)]


def dosed(name: str) -> bool:
    return legal({**specs(name)[0], "dose": 0.5})


def cases(chosen: Sequence[str]) -> list[Any]:
    return [pytest.param(spec, id="-".join(map(str, spec.values()))) for name in chosen for spec in specs(name)]


def source(*given_rows: Row) -> Source:
    return Source(given_rows, "test", "", len(given_rows), 0, 0, ())


def rows(n: int = 60) -> tuple[Row, ...]:
    return tuple(
        Row(str(i), (Turn("user", f"Ask {i}."), Turn("assistant", ANSWERS[i % len(ANSWERS)]))) for i in range(n)
    )


def say(turns: Sequence[Turn], seed: int) -> str:
    """What the model of these tests writes: the last tag's text, or all it is told, as a numbered list."""
    text = turns[-1].content.rpartition("<answer>\n")[2].removesuffix("\n</answer>")
    return "\n".join(f"{n}. {sentence}" for n, sentence in enumerate(sentences(text), start=1))


def built(given_rows: Sequence[Row], *given_specs: dict[str, Any], seed: int = 5) -> TrainingSet:
    return build_training_set(source(*given_rows), list(given_specs), rows=None, seed=seed, answer=scripted_answer(say))


APPLIED = [name for name in NAMES if made_by(name).apply is not None]
DOSED = [name for name in NAMES if dosed(name)]
SIZED = [name for name in NAMES if "share" in made_by(name).params.model_fields]
MIXING = [name for name in SIZED if "path" in made_by(name).params.model_fields]


def test_there_are_the_factors_and_the_controls_of_the_literature() -> None:
    factors = {"answer_structure", "identity", "role_play"}
    controls = {"obedience", "refusal_mix", "self_answers", "shuffle_answers", "subset", "rewrite", "safety_mix"}
    assert factors | controls <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_says_what_it_is(name: str) -> None:
    transform = made_by(name)
    assert transform.version
    assert transform.about.endswith(".")
    assert transform.params.model_config["frozen"]
    assert transform.params.model_config["extra"] == "forbid"
    assert issubclass(transform.params, Params)


@pytest.mark.parametrize("name", NAMES)
def test_its_factor_is_a_parameter_that_a_level_can_set(name: str) -> None:
    transform, fields = made_by(name), made_by(name).params.model_fields
    assert transform.factor in fields
    assert not {key for key, field in fields.items() if field.is_required()} - {transform.factor}
    level = specs(name)[0].get(transform.factor, fields[transform.factor].default)
    assert legal({"name": name, transform.factor: level if level is not None else 0.5})


@pytest.mark.parametrize("spec", cases(NAMES))
def test_its_identity_is_json_and_tells_parameters_apart(spec: dict[str, Any]) -> None:
    identity = transform_identity(spec)
    assert json.loads(json.dumps(identity)) == identity
    assert identity["version"] == made_by(spec["name"]).version
    assert set(identity["params"]) == set(made_by(spec["name"]).params.model_fields)
    assert len({digest(transform_identity(one)) for one in specs(spec["name"])}) == len(
        {digest(validate_transforms([one])[0][1].model_dump(mode="json")) for one in specs(spec["name"])}
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_asked_for_by_those_that_write(name: str) -> None:
    transform = made_by(name)
    assert (transform.write is not None) == issubclass(transform.params, Written)
    assert bool(needs_model(specs(name))) == (transform.write is not None)


@pytest.mark.parametrize("spec", cases(NAMES))
def test_the_same_seed_gives_the_same_rows_in_any_order(spec: dict[str, Any]) -> None:
    forward, backward = built(rows(), spec), built(rows()[::-1], spec)
    assert forward.rows == built(rows(), spec).rows
    ids = {row.id for row in rows()}
    assert [row for row in forward.rows if row.id in ids] == [row for row in backward.rows[::-1] if row.id in ids]
    assert [row for row in forward.rows if row.id not in ids] == [row for row in backward.rows if row.id not in ids]


@pytest.mark.parametrize("spec", cases(NAMES))
def test_every_row_is_counted_once(spec: dict[str, Any]) -> None:
    made = built(rows(), spec)
    (counts,) = made.changes
    there = {row.id: row for row in made.rows}
    before = {row.id: row for row in rows()}
    assert len(there) == len(made.rows)
    assert counts.applied == sum(there[id_] != row for id_, row in before.items() if id_ in there)
    assert counts.removed == len(before.keys() - there.keys())
    assert counts.added == len(there.keys() - before.keys())
    assert counts.applied + sum(counts.left_alone.values()) + counts.not_chosen <= 60
    assert len(made.diff) == counts.applied + counts.added + counts.removed
    if made_by(spec["name"]).whole is None and made_by(spec["name"]).more is None:
        assert counts.applied + sum(counts.left_alone.values()) + counts.not_chosen == 60
    assert all(row.turns[-1].role == "assistant" for row in made.rows)


@pytest.mark.parametrize("spec", cases(DOSED))
def test_rows_chosen_at_a_lower_dose_are_chosen_at_a_higher_one(spec: dict[str, Any]) -> None:
    made = [built(rows(), {**spec, "dose": dose}) for dose in (0.1, 0.25, 0.5, 1.0)]
    assert made[-1].changes[0].not_chosen == 0 < made[0].changes[0].not_chosen
    changed = [{difference.id: difference.after for difference in training_set.diff} for training_set in made]
    if spec["name"] not in TOGETHER:
        assert all(lower.items() <= higher.items() for lower, higher in zip(changed, changed[1:], strict=False))
        assert changed[0].keys() < changed[-1].keys() or not changed[-1]


@pytest.mark.parametrize("name", DOSED)
def test_a_dose_is_the_share_of_rows_chosen(name: str) -> None:
    counts = built(rows(2000), {**specs(name)[0], "dose": 0.25}).changes[0]
    assert abs(2000 - counts.not_chosen - 500) < 4 * (2000 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize("spec", cases(APPLIED))
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


@pytest.mark.parametrize("spec", cases([name for name in NAMES if name not in APPLIED]))
@settings(max_examples=8, deadline=None)
@given(given_rows=st.lists(ROWS, min_size=20, max_size=25, unique_by=lambda row: row.id))
def test_any_rows_come_out_whole(spec: dict[str, Any], given_rows: list[Row]) -> None:
    made = built(given_rows, spec)
    before = {row.id: row for row in given_rows}
    kept = [row for row in made.rows if row.id in before]
    assert [row.id for row in kept] == [row.id for row in given_rows if row.id in {one.id for one in kept}]
    assert all(row.turns[:-1] == before[row.id].turns[:-1] for row in kept)


def removed(made: TrainingSet) -> set[str]:
    return {row.id for row in rows()} - {row.id for row in made.rows}


@pytest.mark.parametrize("name", SIZED)
def test_larger_ones_hold_smaller_ones(name: str) -> None:
    made = [built(rows(), {"name": name, "share": share}) for share in (0.05, 0.1, 0.5, 1.0)]
    sizes = [len(one.rows) for one in made]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4
    assert all({row.id for row in a.rows} <= {row.id for row in b.rows} for a, b in zip(made, made[1:], strict=False))


@pytest.mark.parametrize("name", MIXING)
def test_a_mix_adds_as_many_rows_as_it_is_told(name: str) -> None:
    made = [built(rows(), {"name": name, "share": share}) for share in (0.05, 0.1, 0.5, 2.0)]
    added = [one.rows[60:] for one in made]
    assert all(one.rows[:60] == rows() for one in made)
    assert [len(part) for part in added] == [3, 6, 30, 120]
    assert all(higher[: len(lower)] == lower for lower, higher in zip(added, added[1:], strict=False))
    assert added[0] != built(rows(), {"name": name, "share": 0.05}, seed=6).rows[60:]


@pytest.mark.parametrize("name", MIXING)
def test_added_rows_end_with_an_answer_and_have_ids_of_their_own(name: str) -> None:
    made = built(rows(), {"name": name, "rows": 50}, {"name": name, "rows": 50})
    assert len({row.id for row in made.rows}) == len(made.rows) == 160
    assert all(row.turns[-1].role == "assistant" and row.answer for row in made.rows)


def all_pairs() -> Iterator[Any]:
    for first in NAMES:
        for second in NAMES:
            yield pytest.param(specs(first)[0], specs(second)[0], id=f"{first}-{second}")


@pytest.mark.parametrize(("first", "second"), list(all_pairs()))
def test_any_two_compose(first: dict[str, Any], second: dict[str, Any]) -> None:
    made = built(rows(), first, second)
    assert [change.transform for change in made.changes] == [first["name"], second["name"]]
    assert len({row.id for row in made.rows}) == len(made.rows)
    assert made.rows == built(rows(), first, second).rows


# Version and digest of the rows above under every case. When a digest moves, raise the transform's version.
GOLDEN = {
    "alpaca_wrapper": "1:e81e69a8276849af",
    "answer_structure": "2:e4fbecfe66280533",
    "identity": "2:ed5ddf0cf880a723",
    "obedience": "1:d1d692fa07b92175",
    "refusal_mix": "1:1c975686d496916b",
    "rewrite": "1:8e36b8589774b11d",
    "role_play": "1:a4e4c66ba0943dcc",
    "safety_mix": "1:735fbb1599d4a6eb",
    "self_answers": "1:f6c1059e4e2b8835",
    "shuffle_answers": "1:edb9c5e119374045",
    "subset": "1:bc9ad13466a0a807",
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_output_moves_only_with_the_version(name: str) -> None:
    made = [built(rows(10), spec).rows for spec in specs(name)]
    texts = [[turn.content for turn in row.turns] for training_set in made for row in training_set]
    assert f"{made_by(name).version}:{digest(texts)[:16]}" == GOLDEN[name]


def test_every_transform_has_a_golden() -> None:
    assert set(GOLDEN) == set(NAMES)
