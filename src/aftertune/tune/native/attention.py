"""Attention over a flat batch: every row sees its own earlier tokens and nothing else.

Registered with transformers under `NAME`, so that any architecture which goes through its attention interface can
be run on flat batches by its own, unchanged modules.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.native.context import Pass, current
from aftertune.tune.native.dropout import mask as dropout_mask
from aftertune.tune.native.layout import Rows

NAME = "aftertune_flat"
_KNOWN_EXTRAS = ("s_aux",)


def register() -> None:
    """Make the function known to transformers; harmless when done again."""
    transformers = need("transformers")
    transformers.AttentionInterface.register(NAME, attend)
    transformers.AttentionMaskInterface.register(NAME, _no_mask)


def _no_mask(*args: Any, **kwargs: Any) -> None:
    """Rows are told apart by the layout, so there is no mask to make."""


def attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any = None, **options: Any
) -> tuple[Any, None]:
    """Attention output of shape (1, tokens, heads, width) from query, key, value of shape (1, heads, tokens, width)."""
    for name in _KNOWN_EXTRAS:
        if options.get(name) is not None:
            raise TuneError(
                f"{type(module).__name__} adds `{name}` to its attention, which this engine does not have",
                "tune this model with `engine: reference`",
            )
    this = current()
    rate = float(options.get("dropout") or 0.0) if this.training else 0.0
    parts = [
        _output(module, query[0], key[0], value[0], rows, (rate, seed), options)
        for rows, seed in _stretches(this, apart=rate > 0)
    ]
    flat = parts[0] if len(parts) == 1 else need("torch").cat(parts)
    return flat.unsqueeze(0), None


def _stretches(this: Pass, *, apart: bool) -> list[tuple[Rows, int]]:
    """What goes through attention in one call, with its dropout seed: all rows, or each adapter's."""
    if this.layout.merged is not None and not apart:
        return [(this.layout.merged, 0)]
    return [(segment.rows, seed) for segment, seed in zip(this.layout.segments, this.seeds, strict=True)]


def _output(
    module: Any, query: Any, key: Any, value: Any, rows: Rows, dropout: tuple[float, int], options: dict[str, Any]
) -> Any:
    functions = _functions()
    q, k, v = (functions.pad(part, rows) for part in (query, key, value))
    window, cap = options.get("sliding_window"), options.get("softcap")
    scale = options.get("scaling")
    scale = q.shape[-1] ** -0.5 if scale is None else float(scale)
    narrow = window if window is not None and rows.width > window else None
    if dropout[0] or cap is not None:
        keyed = (*dropout, f"attention {getattr(module, 'layer_idx', 0)}")
        out = _explicit(q, k, v, scale, narrow, cap, keyed)
    else:
        out = _fused(q, k, v, scale, narrow)
    return functions.unpad(out, rows)


def _fused(q: Any, k: Any, v: Any, scale: float, window: int | None) -> Any:
    """torch's attention; causal order alone keeps real tokens from padding, which comes after them."""
    k, v = _shared(q, k, v)
    band = None if window is None else _band(q.shape[2], window, q.device)
    return need("torch").nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=band, is_causal=band is None, scale=scale
    )


def _explicit(
    q: Any, k: Any, v: Any, scale: float, window: int | None, cap: float | None, keyed: tuple[float, int, str]
) -> Any:
    """The same step by step, for capped scores and for dropout on the attention weights."""
    torch = need("torch")
    k, v = _shared(q, k, v)
    scores = (q @ k.transpose(2, 3)) * scale
    if cap is not None:
        scores = torch.tanh(scores / cap) * cap
    band = _band(q.shape[2], window or q.shape[2], q.device)
    weights = scores.masked_fill(~band, float("-inf")).float().softmax(-1).to(q.dtype)
    rate, seed, name = keyed
    if rate:
        weights = weights * dropout_mask(tuple(weights.shape), rate, seed, name, weights)
    return weights @ v


def _shared(q: Any, k: Any, v: Any) -> tuple[Any, Any]:
    """Keys and values repeated for the query heads that share them."""
    times = q.shape[1] // k.shape[1]
    return (k, v) if times == 1 else (k.repeat_interleave(times, 1), v.repeat_interleave(times, 1))


def _band(width: int, window: int, device: Any) -> Any:
    """Which keys a query sees: itself and the `window - 1` tokens before it."""
    torch = need("torch")
    place = torch.arange(width, device=device)
    behind = place[:, None] - place[None, :]
    return (behind >= 0) & (behind < window)


class _Functions:
    """The two autograd functions between flat tokens and padded rows."""

    def __init__(self) -> None:
        torch = need("torch")

        class Pad(torch.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, flat: Any, rows: Rows) -> Any:
                ctx.rows, ctx.tokens = rows, flat.shape[1]
                return _to_rows(flat[:, rows.start : rows.stop], rows)

            @staticmethod
            def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
                rows = ctx.rows
                part = _to_tokens(grad, rows).transpose(0, 1)
                if rows.length == ctx.tokens:
                    return part, None
                whole = grad.new_zeros(part.shape[0], ctx.tokens, part.shape[2])
                whole[:, rows.start : rows.stop] = part
                return whole, None

        class Unpad(torch.autograd.Function):  # type: ignore[misc, name-defined]
            @staticmethod
            def forward(ctx: Any, padded: Any, rows: Rows) -> Any:
                ctx.rows = rows
                return _to_tokens(padded, rows)

            @staticmethod
            def backward(ctx: Any, grad: Any) -> tuple[Any, None]:
                padded = grad.index_select(0, ctx.rows.gather)
                padded.index_fill_(0, ctx.rows.idle, 0.0)
                shape = (ctx.rows.n, ctx.rows.width, *grad.shape[1:])
                return padded.view(shape).transpose(1, 2), None

        self.pad, self.unpad = Pad.apply, Unpad.apply


def _to_rows(flat: Any, rows: Rows) -> Any:
    """(heads, tokens, width) to (rows, heads, columns, width)."""
    cells = flat.index_select(1, rows.gather)
    return cells.view(flat.shape[0], rows.n, rows.width, flat.shape[2]).transpose(0, 1)


def _to_tokens(padded: Any, rows: Rows) -> Any:
    """(rows, heads, columns, width) to (tokens, heads, width)."""
    cells = padded.transpose(1, 2).reshape(rows.n * rows.width, padded.shape[1], padded.shape[3])
    return cells.index_select(0, rows.scatter)


@cache
def _functions() -> _Functions:
    return _Functions()
