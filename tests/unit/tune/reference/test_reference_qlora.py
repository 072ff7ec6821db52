"""QLoRA on the CPU: the base in 4 bit learns, and the adapter fits the base as it is stored."""

from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file

from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.tune.trainable import values_digest
from tests_support.reference_runs import make_run, start_by_hand, train


def test_loss_falls_and_the_adapter_loads_on_the_stored_base(model_folder, tmp_path):
    import torch

    record = train(model_folder("llama"), tmp_path, kind="qlora", epochs=6, learning_rate=1e-2)
    assert record.loss_last < record.loss_first - 0.05
    quantised = record.details["quantization_config"]
    assert (quantised["bnb_4bit_quant_type"], quantised["bnb_4bit_use_double_quant"]) == ("nf4", True)
    assert "bfloat16" in record.notes[0]
    stored = load_file(tmp_path / "checkpoint/adapter_model.safetensors")
    assert len(stored) == 28
    assert all(name.rpartition(".lora_")[2] in ("A.weight", "B.weight") for name in stored)
    before, after = (load_model(ModelRef(model_folder("llama")), place) for place in (None, tmp_path / "checkpoint"))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        assert not torch.equal(before.model(ids).logits, after.model(ids).logits)


def test_the_adapter_starts_as_without_quantisation(model_folder, tmp_path):
    record = train(model_folder("llama"), tmp_path, kind="qlora", epochs=0.1)
    model, _ = start_by_hand(model_folder("llama"), make_run(tmp_path))
    drawn = {name: value.bfloat16() for name, value in model.named_parameters() if value.requires_grad}
    assert record.initial_sha256 == values_digest(drawn)


def test_a_base_that_is_stored_in_4_bit(model_folder, tmp_path):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    stored = tmp_path / "stored"
    shutil.copytree(model_folder("llama"), stored)
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    AutoModelForCausalLM.from_pretrained(model_folder("llama"), quantization_config=config).save_pretrained(stored)
    record = train(stored, tmp_path / "a", epochs=6, learning_rate=1e-2)
    assert record.loss_last < record.loss_first - 0.05
    assert record.details["quantization_config"]["bnb_4bit_use_double_quant"] is False
    with pytest.raises(TuneError, match="cannot be tuned in full"):
        train(stored, tmp_path / "b", kind="full")


def test_other_quantisations_are_named_and_refused(model_folder, tmp_path):
    stored = tmp_path / "stored"
    shutil.copytree(model_folder("llama"), stored)
    config = json.loads((stored / "config.json").read_text())
    (stored / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(TuneError, match="quantised with gptq, and only bitsandbytes in 4 or 8 bit"):
        train(stored, tmp_path / "a", kind="qlora")
