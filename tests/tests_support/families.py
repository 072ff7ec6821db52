"""Tiny random models of many families, with every feature that matters to generation switched on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests_support.models import make_tokenizer

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "initializer_range": 0.4,
}
WINDOW = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
OPT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 64, "word_embed_proj_dim": 32}
STATES = {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", SIZES),
    "qwen2": ("Qwen2Config", {**SIZES, "use_sliding_window": True, "max_window_layers": 1, "sliding_window": 6}),
    "qwen3": ("Qwen3Config", SIZES),
    "gemma": ("GemmaConfig", SIZES),
    "gemma2": ("Gemma2Config", {**SIZES, **WINDOW, "query_pre_attn_scalar": 8, "attn_logit_softcapping": 5.0}),
    "gemma3": ("Gemma3TextConfig", {**SIZES, **WINDOW, "query_pre_attn_scalar": 8}),
    "mistral": ("MistralConfig", {**SIZES, "sliding_window": 6}),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128, "initializer_range": 0.4}),
    "gpt_neox": ("GPTNeoXConfig", {name: size for name, size in SIZES.items() if name != "head_dim"}),
    "opt": ("OPTConfig", {**OPT, "max_position_embeddings": 128, "init_std": 0.4}),
    "olmo2": ("Olmo2Config", SIZES),
    "granite": ("GraniteConfig", {**SIZES, "logits_scaling": 4.0}),
    "mixtral": ("MixtralConfig", {**SIZES, "num_local_experts": 2}),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 2, "initializer_range": 0.4}),
    "mamba": ("MambaConfig", STATES),
}
LOOPED = [family for family in CONFIGS if family not in ("bloom", "mamba")]


def make_family(folder: Path, family: str) -> Path:
    """Save a random model of the family with a tokenizer that pads; its responses end often."""
    import torch
    import transformers

    tokenizer = make_tokenizer("qwen2", template=True)
    name, sizes = CONFIGS[family]
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = getattr(transformers, name)(vocab_size=len(tokenizer), **sizes, **ends)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = transformers.AutoModelForCausalLM.from_config(config)
    model.generation_config.eos_token_id = list(range(1, 20))
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder
