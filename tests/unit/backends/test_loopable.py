"""Which models our own loop drives."""

from __future__ import annotations

import pytest
import torch
import transformers

from aftertune.backends.loopable import is_loopable
from tests_support.families import CONFIGS, LOOPED


def build(name, sizes, **more):
    config = getattr(transformers, name)(vocab_size=40, bos_token_id=0, eos_token_id=1, pad_token_id=1, **sizes)
    with torch.random.fork_rng():
        return transformers.AutoModelForCausalLM.from_config(config, **more)


@pytest.mark.parametrize("family", CONFIGS)
def test_usual_families_are_and_recurrent_ones_are_not(family):
    assert is_loopable(build(*CONFIGS[family])) == (family in LOOPED)


def test_distances_from_the_mask_are_not():
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    assert not is_loopable(build("FalconConfig", {**sizes, "alibi": True}))
    assert is_loopable(build("FalconConfig", {**sizes, "alibi": False}))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
def test_an_adapter_that_is_not_merged_is_not():
    import peft

    model = build(*CONFIGS["llama"])
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    assert not is_loopable(adapted)


def test_a_model_that_generates_in_its_own_way_is_not():
    class Own(transformers.LlamaForCausalLM):
        def prepare_inputs_for_generation(self, *args, **kwargs):
            return super().prepare_inputs_for_generation(*args, **kwargs)

    assert not is_loopable(Own(transformers.LlamaConfig(vocab_size=40, **CONFIGS["llama"][1])))


def test_something_else_is_not():
    assert not is_loopable(torch.nn.Linear(2, 2))
