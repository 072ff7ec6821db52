"""One matrix product for all linear layers, the fastest that torch has on this processor.

On processors with AVX-512, torch sends float32 products to MKL, which on some of them uses half of the vector
width; oneDNN, which torch brings as well, uses all of it. The choice depends on the processor and nothing else,
so all processes of a machine compute the same bytes.

A row of the result does not depend on the other rows as long as there are at least `MIN_ROWS` of them: with fewer,
the libraries take another path through the sum. Callers that promise the same bytes for any batch keep to it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aftertune.extras import need

MIN_ROWS = 4


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """`x @ weight.T + bias` for x of shape (..., in) and weight of shape (out, in); no gradient is recorded.

    Falls back to `torch.nn.functional.linear` off the CPU, in other precisions and on other processors.
    """
    torch = need("torch")
    if uses_onednn() and x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and x.numel():
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return torch.nn.functional.linear(x, weight, bias)


@cache
def uses_onednn() -> bool:
    """Whether float32 products on the CPU go to oneDNN."""
    torch = need("torch")
    has = hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.mkldnn.is_available()
    return has and torch.backends.cpu.get_cpu_capability() == "AVX512"
