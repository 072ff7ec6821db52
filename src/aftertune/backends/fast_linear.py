"""For a while, let a model's linear layers compute through `matmul.linear`.

The model is as before afterwards: only the `forward` of its own `Linear` modules is set aside, weights and classes
stay. Nothing changes off the CPU and in other precisions, nor for layers of other kinds (quantized, adapted).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from aftertune.backends.matmul import linear, uses_onednn
from aftertune.extras import need


@contextmanager
def fast_linear(model: Any) -> Iterator[None]:
    """Products of the model's linear layers are the fastest that this processor has."""
    modules = [module for module in model.modules() if uses_onednn() and _is_plain(module)]
    for module in modules:
        module.forward = partial(linear, weight=module.weight, bias=module.bias)
    try:
        yield
    finally:
        for module in modules:
            del module.forward


def _is_plain(module: Any) -> bool:
    torch = need("torch")
    if type(module) is not torch.nn.Linear or "forward" in vars(module):
        return False
    return bool(module.weight.device.type == "cpu" and module.weight.dtype == torch.float32)
