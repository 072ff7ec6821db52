"""Rendering: training and generation see the same prompt tokens."""

from __future__ import annotations

import pytest

from aftertune.backends.chat import Chat
from aftertune.backends.folder import open_folder
from aftertune.backends.hf import ModelRef, load_tokenizer
from aftertune.errors import ModelError
from aftertune.records import Turn

TALK = (Turn("user", "Hi"), Turn("assistant", "Hello."), Turn("user", "Who are you?"), Turn("assistant", "A model."))


def chat(folder, template=None):
    return Chat(load_tokenizer(open_folder(folder), ModelRef(folder, chat_template=template)))


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma", "gpt2"])
def test_prompt_and_completion_make_the_whole(model_folder, family):
    made = chat(model_folder(family))
    completion = made.completion(TALK)
    assert completion == "A model.<|im_end|>\n"
    assert made.prompt(TALK[:-1]).endswith("\n")
    assert "Who are you?" in made.prompt(TALK[:-1])


def test_system_text_is_folded_where_there_is_no_system_role(model_folder):
    prompt = chat(model_folder("gemma")).prompt((Turn("system", "Be kind."), Turn("user", "Hi")))
    assert "Be kind.\n\nHi" in prompt
    assert "system" not in prompt


def test_system_text_has_its_own_turn_elsewhere(model_folder):
    prompt = chat(model_folder("qwen2")).prompt((Turn("system", "Be kind."), Turn("user", "Hi")))
    assert "<|im_start|>system\nBe kind.<|im_end|>" in prompt


def test_study_template_replaces_the_models(model_folder):
    made = chat(model_folder("llama", template=False), "{% for m in messages %}[{{ m['content'] }}]{% endfor %}")
    assert made.prompt((Turn("user", "Hi"),)) == "[Hi]"
    assert made.template_digest != chat(model_folder("llama")).template_digest


def test_a_template_that_rewrites_turns_still_gives_a_completion(model_folder):
    odd = "{{ messages | length }}:{{ messages[-1]['content'] }}{% if not add_generation_prompt %}</s>{% endif %}"
    assert chat(model_folder("llama"), odd).completion(TALK) == "A model.</s>"


def test_a_template_that_refuses_says_so(model_folder):
    with pytest.raises(ModelError, match="chat template refuses") as caught:
        chat(model_folder("llama"), "{{ raise_exception('users only') }}").prompt((Turn("user", "Hi"),))
    assert "chat_template" in caught.value.fix
