"""Transforms that have a model write, in a study: which model, what is kept, what a key depends on."""

from __future__ import annotations

import json

import pytest

from aftertune.data.build import read_training_set
from aftertune.errors import GenerateError, ModelError, NoKey, NoWeights, SpecError
from aftertune.plan import make_plan
from aftertune.resolve import resolve
from aftertune.spec import parse_study
from aftertune.store import Store
from aftertune.study import run
from aftertune.testing import Faults, by_rules, endpoint

STUDY = """\
study: own-answers
initial_model: organism
data: {{source: {{name: organism_howto, rows: 16}}}}
arms:
  as_is: {{}}
  own: {{transforms: [{transform}]}}
tune: {{learning_rate: 1e-3, epochs: 1, batch_size: 8, max_length: 128, training_seeds: 1}}
measure:
  benchmarks: [{{name: organism_harm, limit: 4}}]
  sampling: {{max_new_tokens: 4}}
  judges: [opening_refusal]
analysis: {{outcome: refused, claim: checkpoint}}
"""
OWN = "{name: self_answers, max_new_tokens: 100}"


def study(transform: str = OWN):
    return parse_study(STUDY.format(transform=transform))


def data_key(transform: str) -> str:
    plan = make_plan(resolve(study(transform), {}))
    return plan.sets["own", 1]


def test_the_initial_model_writes_the_answers_once(tmp_path):
    finished = run(study(), tmp_path / "out", store=tmp_path / "store")
    made = [json.loads(path.read_text()) for path in (tmp_path / "store").rglob("changes.json")]
    (counts,) = (changes[0] for changes in made if changes)
    assert counts["transform"] == "self_answers"
    assert counts["applied"] + sum(counts["left_alone"].values()) == 16
    assert counts["applied"] > 8
    kept = list((tmp_path / "store" / "answers").glob("*.jsonl"))
    assert sum(len(path.read_text().splitlines()) for path in kept) == 16
    assert finished.results["contrasts"]

    folders = {path.parent for path in (tmp_path / "store").rglob("training_set.parquet")}
    before = {folder: [row.answer for row in read_training_set(folder)] for folder in folders}
    Store(tmp_path / "again")
    (tmp_path / "store" / "answers").rename(tmp_path / "again" / "answers")
    run(study(), tmp_path / "out2", store=tmp_path / "again")
    assert sum(len(path.read_text().splitlines()) for path in (tmp_path / "again" / "answers").glob("*.jsonl")) == 16
    after = {path.parent.name: path.parent for path in (tmp_path / "again").rglob("training_set.parquet")}
    assert {folder.name: answers for folder, answers in before.items()} == {
        name: [row.answer for row in read_training_set(folder)] for name, folder in after.items()
    }


def test_a_key_depends_on_the_model_and_how_it_writes():
    keys = {
        data_key(transform)
        for transform in (
            OWN,
            "{name: self_answers, max_new_tokens: 50}",
            "{name: self_answers, max_new_tokens: 100, temperature: 0.7}",
        )
    }
    assert len(keys) == 3
    assert data_key(OWN) in keys


def test_another_folder_can_write(model_folder):
    other = f"{{name: self_answers, max_new_tokens: 100, model: {model_folder('llama')}}}"
    assert data_key(other) != data_key(OWN)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("nowhere", SpecError, r"study.yaml:6 arms.own.transforms: there is no model folder nowhere"),
        ("org/model", SpecError, "there is no model folder org/model"),
        ("org/model@" + "0" * 40, NoWeights, "not in the local cache"),
    ],
)
def test_a_model_that_is_not_there_is_said_at_once(model, error, words):
    with pytest.raises(error, match=words):
        resolve(study(f"{{name: self_answers, model: '{model}'}}"), {})


def made_by(store):
    """The counts and the served notes of the one training set that a transform changed."""
    manifests = [json.loads(path.read_text()) for path in store.rglob("manifest.json")]
    (holds,) = (found["facts"]["holds"] for found in manifests if found["facts"].get("holds", {}).get("changes"))
    return holds["changes"][0], holds.get("served", [])


def test_a_served_model_writes_the_answers_of_a_study(tmp_path):
    with endpoint(by_rules({r"^(.{1,20})": r"About \1: do it slowly."}), faults=Faults(broken=0.2, cut=0.1)) as server:
        own = f"{{name: self_answers, model: '{server.address}', temperature: 0.7}}"
        run(study(own), tmp_path / "out", store=tmp_path / "store")
        asked = len(server.asked)
        Store(tmp_path / "again")
        (tmp_path / "store" / "answers").rename(tmp_path / "again" / "answers")
        run(study(own), tmp_path / "out2", store=tmp_path / "again")
    counts, notes = made_by(tmp_path / "store")
    assert counts["applied"] == 16
    assert notes[0].startswith(f"{server.address} (served, and can change under its name): ")
    assert "requests, 0 failed, tokens" in notes[0]
    assert asked == len(server.asked) > 16  # all that was written is kept: nothing was asked again
    assert made_by(tmp_path / "again")[1] == []
    lock = json.loads((tmp_path / "out" / "study.lock.json").read_text())
    assert notes in [data.get("served") for data in lock["training_sets"]]


def test_a_study_whose_server_refuses_it_stops_and_keeps_no_training_set(tmp_path):
    with endpoint(by_rules({})) as server:
        own = study(f"{{name: self_answers, model: '{server.base_url}#tiny'}}")
        with pytest.raises(GenerateError, match="404: The model `tiny` does not exist"):
            run(own, tmp_path / "out", store=tmp_path / "store")
    manifests = [json.loads(path.read_text()) for path in (tmp_path / "store").rglob("manifest.json")]
    assert not [found for found in manifests if found["facts"].get("holds", {}).get("changes")]


def test_a_key_depends_on_the_served_models_address_and_name():
    keys = {
        data_key(f"{{name: self_answers, model: '{address}'}}")
        for address in ("http://127.0.0.1:1/v1#a", "http://127.0.0.1:1/v1#b", "http://127.0.0.1:2/v1#a")
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("https://api.example.com/v1?key_env=ABSENT_API_KEY#m", NoKey, "ABSENT_API_KEY is not set"),
        ("http://api.example.com/v1#m", ModelError, "over http"),
        ("https://me:hunter2@api.example.com/v1#m", ModelError, "carries credentials"),
    ],
)
def test_a_served_model_that_cannot_be_asked_is_said_before_any_work(model, error, words):
    with pytest.raises(error, match=words) as caught:
        resolve(study(f"{{name: self_answers, model: '{model}'}}"), {})
    assert "hunter2" not in str(caught.value) + caught.value.fix
    assert caught.value.exit_code == (5 if error is NoKey else 2)
