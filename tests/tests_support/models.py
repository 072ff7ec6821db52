"""Tiny random-weight models of real families, saved as ordinary Hugging Face folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = """How do I bake bread at home? First, mix flour, water and salt. Then let the dough rest for an hour.
I am sorry, but I cannot help with that. As an AI language model, I can explain this. What is two plus three?
It is five. Write a short story about a fox. The quick brown fox jumps over the lazy dog. You are a helpful
assistant. 0 1 2 3 4 5 6 7 8 9"""

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = "{{ bos_token }}" + CHATML
# Like Gemma's: no system role, and another name for the assistant.
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>model\n{% endif %}"
)
TEMPLATES = {"llama": LLAMA, "qwen2": CHATML, "gemma": GEMMA, "gpt2": CHATML}


def make_model(folder: Path, family: str, *, template: bool = True, seed: int = 0) -> Path:
    """Save a random model of the family into the folder."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = make_tokenizer(family, template=template)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(_config(family, len(tokenizer)))
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def with_infinite_weight(model: Path, folder: Path) -> Path:
    """A copy of a Llama folder whose output is no number: its first step diverges."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(model, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] = float("inf")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def make_tokenizer(family: str, *, template: bool) -> Any:
    """A byte-level BPE tokenizer with the family's habits about special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS.splitlines(), trainer)
    brings_bos = family in ("llama", "gemma")
    if brings_bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 0)]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>" if brings_bos else None,
        eos_token="</s>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    if template:
        made.chat_template = TEMPLATES[family]
    return made


def _config(family: str, vocabulary: int) -> Any:
    from transformers import GemmaConfig, GPT2Config, LlamaConfig, Qwen2Config

    shared = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None}
    if family == "gpt2":
        return GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=256, **shared)
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "intermediate_size": 64,
        "max_position_embeddings": 256,
    }
    kind = {"llama": LlamaConfig, "qwen2": Qwen2Config, "gemma": GemmaConfig}[family]
    extra = {"head_dim": 16} if family == "gemma" else {}
    return kind(**sizes, **shared, **extra)
