"""Errors, hashes, seeds and the registry."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from aftertune import errors, registry, seeds
from aftertune.canon import canonical, digest
from aftertune.errors import AftertuneError, UnknownName


def all_errors():
    found, waiting = [], [AftertuneError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_errors_survive_pickling_and_stand_in_the_tree(kind):
    error = pickle.loads(pickle.dumps(kind("what", "do this")))
    assert (type(error), str(error), error.fix) == (kind, "what", "do this")
    assert kind.exit_code in (2, 4, 5)
    assert kind.__name__ in errors.__doc__


def test_unknown_name_suggests():
    error = UnknownName.of("judge", "opening_refusl", ["opening_refusal", "organism_judge"])
    assert "did you mean 'opening_refusal'?" in str(error)
    assert error.fix == "run `aftertune list judges`"


def test_canonical_form_is_one_form():
    assert canonical({"b": (1, 2), "a": "é"}) == '{"a":"é","b":[1,2]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(1) != digest("1") != digest(1.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1: "a"}, {"a", "b"}, object(), b"bytes"])
def test_what_has_no_single_meaning_is_refused(bad):
    with pytest.raises((TypeError, ValueError)):
        canonical(bad)


def test_golden_hashes():
    """Keys must never move by accident: stored results would be orphaned."""
    assert digest({"v": "1", "x": [1, 2.5, None, True, "a"]}) == (
        "89d2b77a199af4ef174f4118c1f50e805e75771ec3de1dfed654652e7c617341"
    )
    assert seeds.derive(0, "init", 1) == 7969586097671816133
    assert seeds.derive(7, "order", 3, 0) == 6999963817287079915


def test_streams_are_told_apart_by_name_and_type():
    streams = [(0, "a", "bc"), (0, "ab", "c"), (0, "abc"), (0, "a", 1), (0, "a", "1"), (1, "a", 1), (0, "a", 1, 0)]
    assert len({seeds.derive(*names) for names in streams}) == len(streams)
    assert all(0 <= seeds.derive(*names) < 2**63 for names in streams)
    assert np.array_equal(seeds.generator(3, "x").random(4), seeds.generator(3, "x").random(4))


def test_registry_lists_files_and_loads_them():
    assert "opening_refusal" in registry.names("judge")
    assert "base" not in registry.names("judge")
    assert registry.load("judge", "opening_refusal").version
    with pytest.raises(UnknownName, match="did you mean 'chat'"):
        registry.load("format", "chatt")
