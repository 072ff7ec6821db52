"""Which models our own decoding loop can drive: those whose only memory is keys and values, kept by transformers.

Decided from what the model is, before anything runs; the others are left to `generate`.
"""

from __future__ import annotations

import inspect
from typing import Any

from aftertune.extras import need

# Models that bring their own version of one of these do something at each token that the loop does not know.
_STEPS = (
    "generate",
    "prepare_inputs_for_generation",
    "_prepare_cache_for_generation",
    "_prepare_position_ids_for_generation",
    "_prepare_attention_mask_for_generation",
    "_prepare_model_inputs",
    "_update_model_kwargs_for_generation",
    "_prefill",
    "_sample",
)
_NEEDED = {"input_ids", "attention_mask", "position_ids", "past_key_values"}
_LAYERS = {"full_attention", "sliding_attention"}


def is_loopable(model: Any) -> bool:
    """Whether the loop writes the same texts as `generate` would."""
    config = getattr(model, "config", None)
    return (
        config is not None
        and not config.is_encoder_decoder
        and getattr(config, "is_causal", True)
        and config.get_text_config(decoder=True) is config
        and _generates_as_usual(model)
        and accepted(model) >= _NEEDED
        and _takes_ready_masks(model)
        and _keeps_only_keys_and_values(model)
    )


def accepted(model: Any) -> set[str]:
    """The names that the model's forward pass takes."""
    return set(inspect.signature(type(model).forward).parameters)


def _generates_as_usual(model: Any) -> bool:
    usual, own = need("transformers").GenerationMixin, type(model)
    return issubclass(own, usual) and all(getattr(own, name, None) is getattr(usual, name, None) for name in _STEPS)


def _takes_ready_masks(model: Any) -> bool:
    """Whether the mask may be given per row and column, as transformers does when these models' cache is of fixed size.

    Not where distances are computed from the mask (ALiBi).
    """
    return (
        getattr(model, "_can_compile_fullgraph", False)
        and model.config._attn_implementation in {"sdpa", "eager"}
        and not getattr(model.config, "alibi", False)
    )


def _keeps_only_keys_and_values(model: Any) -> bool:
    """Every layer attends, over all columns or over a window, and keeps what it attends to for itself."""
    if getattr(model, "_is_stateful", False) or not model._supports_default_dynamic_cache():
        return False
    caches, config = need("transformers.cache_utils"), model.config
    if not set(getattr(config, "layer_types", None) or _LAYERS) <= _LAYERS or _chunked(config):
        return False
    layers = caches.DynamicCache(config=config).layers
    return bool(layers) and {type(layer) for layer in layers} <= {
        caches.DynamicLayer,
        caches.DynamicSlidingWindowLayer,
    }


def _chunked(config: Any) -> bool:
    shared = getattr(config, "num_kv_shared_layers", None) or getattr(config, "kv_sharing_modes", None)
    return bool(shared) or getattr(config, "attention_chunk_size", None) is not None
