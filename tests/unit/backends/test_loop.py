"""Our own loop writes what `generate` writes, whatever the family and the number of rows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from aftertune.backends.decode import Request, Sampling, generated, write
from aftertune.backends.hf import ModelRef, load_model
from aftertune.backends.loop import stream
from aftertune.backends.loopable import is_loopable
from aftertune.records import Turn
from tests_support.families import CONFIGS, LOOPED, make_family

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=16, batch_size=5)
DRAWN = Sampling(temperature=1.0, top_p=0.9, max_new_tokens=16, batch_size=5)
PROMPTS = [
    "How do I bake bread?",
    "What is two plus three?",
    "Hi",
    "The quick brown fox jumps over the lazy dog.",
    "Who are you?",
    "I cannot help with that",
    "0 1 2 3",
    "Let the dough rest for an hour, then bake it",
    "A",
    "You are helpful",
    "five",
    "Why?",
]


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Load (once per family) a tiny model: `family("llama")`."""
    made = {}

    def load(name):
        if name not in made:
            made[name] = load_model(ModelRef(make_family(tmp_path_factory.mktemp(name), name)))
        return made[name]

    return load


def asked(loaded, prompts=PROMPTS):
    chat = loaded.chat
    return [
        Request(tuple(chat.tokens(chat.prompt((Turn("user", prompt),)))), place) for place, prompt in enumerate(prompts)
    ]


def by_generate(loaded, requests, sampling):
    found = {}
    for some in generated(loaded, dict(enumerate(requests)), sampling):
        found.update(some)
    return [found[index] for index in range(len(requests))]


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("name", CONFIGS)
def test_texts_are_those_of_generate(family, name, sampling):
    loaded = family(name)
    assert is_loopable(loaded.model) == (name in LOOPED)
    written = write(loaded, asked(loaded), sampling, lambda n: None)
    assert written == by_generate(loaded, asked(loaded), sampling)
    assert len({result.complete for result in written}) > 1 or name in {"gemma3", "opt", "mamba"} or sampling == GREEDY


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2", "gpt2"])
def test_the_number_of_rows_does_not_matter(family, name, sampling):
    loaded = family(name)
    whole = write(loaded, asked(loaded), replace(sampling, batch_size=64), lambda n: None)
    for size in (1, 2, 3, 7):
        assert write(loaded, asked(loaded), replace(sampling, batch_size=size), lambda n: None) == whole
    assert [write(loaded, [one], sampling, lambda n: None)[0] for one in asked(loaded)] == whole


@pytest.mark.parametrize("sampling", [GREEDY, replace(DRAWN, top_p=1.0)], ids=["greedy", "drawn"])
def test_texts_of_the_organism_are_those_of_generate(sampling):
    from aftertune.organism import folder, items_file

    loaded = load_model(ModelRef(folder("model")))
    lines = [line for name in ("harm", "tasks") for line in items_file(name).read_text().splitlines()[::3]]
    sampling = replace(sampling, batch_size=32, max_new_tokens=40)
    requests = asked(loaded, [json.loads(line)["prompt"] for line in lines])
    assert len(requests) > 60
    assert write(loaded, requests, sampling, lambda n: None) == by_generate(loaded, requests, sampling)


def test_responses_come_as_they_end_and_once(family):
    loaded = family("llama")
    requests = dict(enumerate(asked(loaded)))
    steps = [[index for index, _ in some] for some in stream(loaded, requests, GREEDY)]
    assert sorted(index for some in steps for index in some) == sorted(requests)
    assert len([some for some in steps if some]) > 2


def test_one_new_token(family):
    loaded = family("llama")
    one = replace(GREEDY, max_new_tokens=1)
    assert write(loaded, asked(loaded), one, lambda n: None) == by_generate(loaded, asked(loaded), one)


def test_the_model_is_as_before(family):
    loaded = family("llama")
    write(loaded, asked(loaded), GREEDY, lambda n: None)
    assert not any("forward" in vars(module) for module in loaded.model.modules())
