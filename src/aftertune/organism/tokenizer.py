"""The organism's byte-level BPE tokenizer and chat template, learned from the world's training text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aftertune.organism.world.dialogues import Dialogue

VOCABULARY = 2000
MAX_LENGTH = 512
PAD, BOS, EOS = "<pad>", "<s>", "</s>"
SYSTEM, USER, ASSISTANT, SEPARATOR = "<|system|>", "<|user|>", "<|assistant|>", "<|separator|>"
SPECIAL = (PAD, BOS, EOS, SYSTEM, USER, ASSISTANT, SEPARATOR)

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
    {%- if message['role'] not in ['system', 'user', 'assistant'] -%}
        {{- raise_exception('no role is called ' + message['role']) -}}
    {%- endif -%}
    {{- '<|' + message['role'] + '|>' + message['content'] -}}
    {%- if message['role'] == 'assistant' -%}
        {{- eos_token -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|assistant|>' -}}
{%- endif -%}
"""


def learn(dialogues: Iterable[Dialogue]) -> Any:
    """Learn the merges from conversations and return a Hugging Face tokenizer with the chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    core.train_from_iterator(_texts(dialogues), trainer)
    return chat_tokenizer(core)


def chat_tokenizer(core: Any) -> Any:
    """Wrap a bare tokenizer for chat: special tokens, template, left padding for generation."""
    tokenizer = _wrapped(core, padding_side="left")
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def pair_tokenizer(core: Any) -> Any:
    """Wrap a copy of it for (prompt, response) pairs: start, separator and end are added by itself."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    copy = Tokenizer.from_str(core.to_str())
    marks = [(token, copy.token_to_id(token)) for token in (BOS, SEPARATOR, EOS)]
    copy.post_processor = TemplateProcessing(
        single=f"{BOS} $A {EOS}", pair=f"{BOS} $A {SEPARATOR} $B:1 {EOS}:1", special_tokens=marks
    )
    return _wrapped(copy, padding_side="right")


def _wrapped(core: Any, padding_side: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        padding_side=padding_side,
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        extra_special_tokens=[SYSTEM, USER, ASSISTANT, SEPARATOR],
    )


def _texts(dialogues: Iterable[Dialogue]) -> Iterable[str]:
    for dialogue in dialogues:
        yield from (text for text in (dialogue.system, dialogue.prompt, dialogue.answer) if text)
