"""Packed rows: documents do not see each other, and a model where they would is refused."""

from __future__ import annotations

import pytest

from aftertune.backends.hf import ModelRef, load_model
from aftertune.errors import TuneError
from aftertune.tune.reference.packing import leaks, refuse_leaks
from tests_support.reference_runs import losses, train


@pytest.mark.parametrize(("family", "option"), [("llama", "packing"), ("qwen2", "packing"), ("gemma", "padding_free")])
def test_the_first_loss_is_that_of_the_same_rows_unpacked(model_folder, tmp_path, family, option):
    # No seed is drawn into the first loss: an adapter starts at zero, and one batch holds all rows.
    changes = {"batch_size": 10, "epochs": 0.1}
    apart = train(model_folder(family), tmp_path / "a", **changes)
    packed = train(model_folder(family), tmp_path / "b", **changes, trainer={option: True})
    assert losses(tmp_path / "b") == pytest.approx(losses(tmp_path / "a"), abs=1e-5)
    assert packed.tokens == apart.tokens
    assert packed.rows == apart.rows == 10


def test_packing_makes_fewer_steps(model_folder, tmp_path):
    assert train(model_folder("llama"), tmp_path, trainer={"packing": True}).steps < 6


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_leaks_are_seen(model_folder, family, attention):
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    model = load_model(ModelRef(model_folder(family))).model
    model.set_attn_implementation(attention)
    flat = DataCollatorForLanguageModeling(pad_token_id=1, padding_free=True)
    assert not leaks(model, flat)
    refuse_leaks(model, flat)

    def with_a_mask(rows):
        batch = flat(rows)
        return {**batch, "attention_mask": batch["input_ids"].new_ones(batch["input_ids"].shape)}

    assert leaks(model, with_a_mask)
    with pytest.raises(TuneError, match=f"see each other in this model .attention: {attention}"):
        refuse_leaks(model, with_a_mask)
