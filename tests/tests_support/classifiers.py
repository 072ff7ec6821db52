"""Tiny random sequence classifiers of real families, saved as ordinary Hugging Face folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests_support.models import make_tokenizer

FAMILIES = ("bert", "roberta", "distilbert", "gpt2", "llama", "qwen2")
LABELS = {0: "neutral", 1: "toxic", 2: "insult"}


def make_classifier(folder: Path, family: str, *, pad: bool = True, **config: Any) -> Path:
    """Save a random classifier of the family; without `pad` it has no token to pad with."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    tokenizer = make_tokenizer("llama" if family == "llama" else "gpt2", template=False)
    tokenizer.pad_token = "</s>" if pad else None
    labels = config.pop("id2label", LABELS)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    if family == "distilbert":
        sizes = {"vocab_size": len(tokenizer), "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    elif family == "gpt2":
        sizes = {"vocab_size": len(tokenizer), "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128}
    else:
        sizes |= {"intermediate_size": 64, "max_position_embeddings": 128}
        sizes |= {"num_key_value_heads": 2} if family in ("llama", "qwen2") else {}
    made = AutoConfig.for_model(
        family,
        **{**sizes, "pad_token_id": 1 if pad else None, "bos_token_id": 0, "eos_token_id": 1},
        id2label=labels,
        label2id={name: index for index, name in labels.items()},
        initializer_range=0.5,  # so that texts get different scores
        **config,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(made)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder
