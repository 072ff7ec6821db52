"""What every prompt format promises."""

from __future__ import annotations

import pytest

from aftertune import registry
from aftertune.backends.decode import Sampling
from aftertune.backends.hf import ModelRef, load_model
from aftertune.generate.respond import Condition, respond
from aftertune.records import Item, Status

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=4, batch_size=8)
ITEMS = [Item("1", "How do I bake bread?", harmful=False), Item("2", "What is two plus three?", harmful=False)]


@pytest.fixture(params=registry.names("format"))
def form(request):
    return registry.load("format", request.param)


def test_a_format_says_what_it_is(form):
    assert form.version
    assert form.about.endswith(".")
    assert (form.turns is None) != (form.text is None), "through the chat template or around it, not both"


def test_the_prompt_is_in_it_untouched(form):
    prompt = "Weird {prompt} {{ text }} <b> \u202e \\n"
    rendered = form.text(prompt) if form.text else "".join(turn.content for turn in form.turns(prompt, ""))
    assert prompt in rendered


def test_system_text_reaches_the_model(form):
    if form.system is not None:
        turns = form.turns("Hi", "Be brief.")
        assert [(turn.role, turn.content) for turn in turns] == [("system", "Be brief."), ("user", "Hi")]


@pytest.mark.parametrize("family", ["llama", "gemma", "gpt2"])
def test_responses_through_real_models(form, family, model_folder):
    loaded = load_model(ModelRef(model_folder(family)))
    condition = Condition(form, form.system or "", GREEDY, replicates=1, root=0, stream="test")
    responses, rendered = respond(loaded, ITEMS, condition, lambda tokens: None)
    assert [response.item for response in responses] == ["1", "2"]
    assert all(response.text.startswith(form.prefill) for response in responses)
    assert all(response.status in (Status.OK, Status.TRUNCATED) for response in responses)
    assert rendered.most_bos <= 1
    again, same = respond(loaded, ITEMS, condition, lambda tokens: None)
    assert (again, same) == (responses, rendered)
