"""Attention masks for one new token per row, in the form in which a model's layers take them.

Made once per token, not once per layer; transformers does the same for caches of fixed size.
"""

from __future__ import annotations

from typing import Any

from aftertune.extras import need


def token_masks(model: Any, positions: Any, width: int) -> Any:
    """What each row's new token may look at.

    Args:
        model: Says which layers look at everything before, and which at a window.
        positions: Where each row's new token stands, shape (rows, 1); a row's text begins at column 0.
        width: How many columns there are.

    Returns:
        A mask of shape (rows, 1, 1, width), or one per kind of layer by name.
    """
    config, window = model.config, getattr(model.config, "sliding_window", None)
    columns = need("torch").arange(width, device=positions.device)
    seen = columns <= positions
    near = seen if window is None else seen & (columns > positions - window)
    if not hasattr(config, "layer_types"):
        return _shaped(near, model)
    kinds = {"full_attention": seen, "sliding_attention": near}
    return {name: _shaped(kinds[name], model) for name in sorted(set(config.layer_types))}


def _shaped(seen: Any, model: Any) -> Any:
    """Yes and no for torch's own attention, 0 and a large negative number for the written-out one."""
    torch, mask = need("torch"), seen[:, None, None, :]
    if model.config._attn_implementation == "sdpa":
        return mask
    return torch.zeros_like(mask, dtype=model.dtype).masked_fill_(~mask, torch.finfo(model.dtype).min)
