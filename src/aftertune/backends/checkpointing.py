"""Gradient checkpointing, under whichever name the installed transformers has it."""

from __future__ import annotations

from typing import Any


def enable_checkpointing(model: Any) -> None:
    """Keep layer inputs only, and compute the rest again in the backward pass.

    The non-reentrant kind: the first layer's input needs no gradient when only adapters are trained.
    """
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def disable_checkpointing(model: Any) -> None:
    """Undo `enable_checkpointing`."""
    disable = getattr(model, "activation_checkpointing_disable", None) or model.gradient_checkpointing_disable
    disable()
