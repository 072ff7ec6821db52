"""init: a study to start from, never written over another one."""

from __future__ import annotations

import json

import pytest

from aftertune import studies
from aftertune.spec import load_study


@pytest.mark.parametrize("kind", studies.STARTS)
def test_every_start_is_a_valid_study_with_room_to_learn(place, kind):
    result = place.call("init", "new.yaml", "--kind", kind, "--json")
    assert json.loads(result.stdout) == {
        "file": "new.yaml",
        "kind": kind,
        "next": ["aftertune check new.yaml", "aftertune run new.yaml"],
    }
    spec = load_study(place / "new.yaml").spec
    assert len(spec.tune.seeds) == 5
    text = (place / "new.yaml").read_text()
    assert text.count("#") >= 5
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("path", [studies.demo(), studies.doctor()])
def test_the_packaged_studies_are_valid(path):
    load_study(path)


def test_the_demo_is_large_enough_to_say_something():
    spec = load_study(studies.demo()).spec
    assert len(spec.arms) >= 4
    assert len(spec.tune.seeds) >= 5
    assert len(spec.measure.benchmarks) >= 3
    assert len(spec.measure.prompt_formats) >= 2
    assert {contrast.arm for contrast in spec.analysis.contrasts} == set(spec.arms)


def test_the_organism_start_checks_clean(place):
    place.call("init", "new.yaml")
    found = json.loads(place.call("check", "new.yaml", "--json").stdout)
    assert found["warnings"] == []


def test_a_file_is_not_replaced_unless_forced(place):
    before = (place / "study.yaml").read_text()
    refused = place.call("init")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (place / "study.yaml").read_text() == before
    assert place.call("init", "--force").exit_code == 0
    assert (place / "study.yaml").read_text() == studies.start("organism")


def test_a_folder_is_not_replaced_at_all(place):
    assert place.call("init", "model", "--force").exit_code == 2
    assert (place / "model" / "config.json").exists()


def test_an_unknown_kind_is_a_usage_error(place):
    assert place.call("init", "new.yaml", "--kind", "hubb").exit_code == 2
