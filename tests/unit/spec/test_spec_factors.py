"""`factors` in a study: every combination of levels is an arm, and the analysis knows its levels."""

from __future__ import annotations

import pytest

from aftertune.errors import SpecError
from aftertune.spec import parse_study

STUDY = """\
study: crossed
initial_model: organism
data: {source: organism_howto}
FACTORS
measure: {benchmarks: [organism_harm], judges: [organism_judge]}
"""


def spec_of(factors: str, more: str = ""):
    return parse_study(STUDY.replace("FACTORS", factors) + more).spec


def test_one_line_gives_every_combination():
    spec = spec_of("factors: {answer_structure: [prose, numbered_list], identity: [none, add], role_play: [none, add]}")
    assert list(spec.arms) == [
        "prose",
        "prose.role_play_add",
        "prose.identity_add",
        "prose.identity_add.role_play_add",
        "numbered_list",
        "numbered_list.role_play_add",
        "numbered_list.identity_add",
        "numbered_list.identity_add.role_play_add",
    ]
    last = spec.arms["numbered_list.identity_add.role_play_add"]
    assert [transform.model_dump() for transform in last.transforms] == [
        {"name": "answer_structure", "to": "numbered_list"},
        {"name": "identity", "mode": "add"},
        {"name": "role_play", "mode": "add"},
    ]
    assert spec.analysis.factors["prose.identity_add"] == {
        "answer_structure": "prose",
        "identity": "add",
        "role_play": "none",
    }


def test_the_first_level_of_every_factor_is_named_first():
    factors = spec_of("factors: {answer_structure: [prose, bullets, json], identity: [none, strip]}").analysis.factors
    first = next(iter(factors.values()))
    assert first == {"answer_structure": "prose", "identity": "none"}


def test_levels_may_be_written_out_and_labelled():
    spec = spec_of(
        "factors: {identity: [none, {mode: add, dose: 0.5, label: half}, {mode: add}],"
        " role_play: [none, {mode: add, persona: chef}]}"
    )
    assert list(spec.arms) == [
        "as_is", "add_chef", "half", "half.add_chef", "identity_add", "identity_add.add_chef"
    ]  # fmt: skip
    assert spec.arms["half"].transforms[0].model_dump() == {"name": "identity", "mode": "add", "dose": 0.5}


def test_settings_of_tuning_are_factors_too():
    spec = spec_of("factors: {tune.learning_rate: [1e-4, 2e-3], tune.rank: [4, 8]}")
    assert list(spec.arms) == [
        "learning_rate_0.0001.rank_4",
        "learning_rate_0.0001.rank_8",
        "learning_rate_0.002.rank_4",
        "learning_rate_0.002.rank_8",
    ]
    assert spec.arms["learning_rate_0.002.rank_4"].tune == {"learning_rate": 0.002, "rank": 4}


def test_arms_by_hand_stay_beside_and_own_factors_win():
    spec = spec_of(
        "factors: {identity: [none, add]}\narms: {other: {}}",
        "analysis: {factors: {as_is: {x: 0}, identity_add: {x: 1}}}\n",
    )
    assert list(spec.arms) == ["other", "as_is", "identity_add"]
    assert spec.analysis.factors == {"as_is": {"x": 0}, "identity_add": {"x": 1}}


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ("factors: {identitty: [none, add]}", r"study.yaml:4 factors.identitty: 'identitty' is no transform \(did you"),
        ("factors: {tune.rnak: [4, 8]}", r"`tune` has no setting 'rnak' \(did you mean 'rank'"),
        ("factors: {identity: [add]}", "want a list of two levels or more"),
        ("factors: {identity: add}", "want a list of two levels or more"),
        ("factors: [identity]", "want factors with their levels"),
        ("factors: {}", "want factors with their levels"),
        ("factors: {identity: [add, add]}", "two levels are called 'add'"),
        ("factors: {identity: [none, add]}\narms: {as_is: {}}", "an arm 'as_is' in `arms` too"),
        (
            "factors: {identity: [none, {mode: add, statement: I am a very long statement about being a model of "
            "language, label: " + "x" * 70 + "}]}",
            "longer than 64 characters",
        ),
        (
            "factors: {tune.rank: [" + ", ".join(map(str, range(1, 20))) + "], tune.batch_size: ["
            + ", ".join(map(str, range(1, 20))) + "]}",
            "361 combinations",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(factors, words):
    with pytest.raises(SpecError, match=words):
        spec_of(factors)


def test_a_level_that_a_transform_refuses_names_the_line_of_factors():
    from aftertune.resolve import resolve

    declared = parse_study(STUDY.replace("FACTORS", "factors: {answer_structure: [prose, numbered]}"))
    with pytest.raises(SpecError, match=r"study.yaml:4 arms.numbered.transforms: .*numbered_list"):
        resolve(declared, {})
