"""Random draws that belong to rows: each response has a generator of its own.

Adding independent Gumbel noise and taking the maximum draws from the softmax (Gumbel 1954), so a row's text depends
on its own seed alone. The noise is drawn on the CPU: the same on every device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aftertune.extras import need


def generator(seed: int) -> Any:
    """The stream of one response."""
    return need("torch").Generator().manual_seed(seed)


def perturbed(scores: Any, generators: Sequence[Any], temperature: float, top_p: float) -> Any:
    """Scores whose largest entry is a draw.

    Args:
        scores: One step's logits, shape (rows, vocabulary).
        generators: One per row; each advances by one draw. None where nothing is to be drawn.
        temperature: Above 0.
        top_p: Tokens outside the smallest set with this probability are ruled out.
    """
    scaled = scores.float() / temperature
    if top_p < 1:
        scaled = keep_top_p(scaled, top_p)
    return scaled + _gumbel(generators, scaled.shape[1]).to(scaled.device)


def _gumbel(generators: Sequence[Any], n: int) -> Any:
    torch = need("torch")
    uniform = torch.full((len(generators), n), 0.5)
    for row, own in zip(uniform, generators, strict=True):
        if own is not None:
            torch.rand(n, generator=own, out=row)
    return uniform.clamp_(1e-20, 1 - 1e-7).log_().neg_().log_().neg_()


def keep_top_p(scores: Any, top_p: float) -> Any:
    """Rule out the tokens outside the smallest set with at least `top_p` of the probability."""
    torch = need("torch")
    ordered, places = scores.sort(dim=-1, descending=True)
    shares = ordered.softmax(-1)
    ordered = ordered.masked_fill(shares.cumsum(-1) - shares >= top_p, float("-inf"))
    return torch.full_like(scores, float("-inf")).scatter(-1, places, ordered)
