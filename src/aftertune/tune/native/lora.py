"""A linear layer with K low-rank adapters: one product with the frozen weight for all tokens, and each adapter's own.

y = x W' + b + s (x A') B', with gradients of A and B written straight into the bank (Hu et al. 2021, eq. 3).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from aftertune.backends.matmul import linear
from aftertune.extras import need
from aftertune.tune.native.bank import Bank
from aftertune.tune.native.context import Pass, current
from aftertune.tune.native.dropout import mask
from aftertune.tune.native.layout import Segment

_NOTHING = nullcontext()


class Adapted:
    """What one adapted module needs: the frozen weight as (out, in), the bank, and its place there."""

    def __init__(self, base: Any, bank: Bank, index: int) -> None:
        self.bank, self.index, self.name = bank, index, bank.targets[index].name
        # GPT-2 keeps its weights as (in, out).
        self.weight = base.weight.t() if type(base).__name__ == "Conv1D" else base.weight
        self.bias = base.bias
        self._low: dict[Any, tuple[Any, Any]] = {}

    def frozen(self, dtype: Any) -> tuple[Any, Any]:
        """Weight and bias in a precision; a lower one is converted once and kept."""
        if dtype == self.weight.dtype:
            return self.weight.detach(), None if self.bias is None else self.bias.detach()
        if dtype not in self._low:
            bias = None if self.bias is None else self.bias.detach().to(dtype)
            self._low[dtype] = (self.weight.detach().to(dtype), bias)
        return self._low[dtype]


def flat_linear(base: Any, bank: Bank, index: int, anchor: Any) -> Any:
    """The module that takes the place of a linear layer.

    `anchor` is any tensor that requires a gradient: without one, autograd would not call a layer whose input needs
    none, and the first layer's adapters would stay as they are.
    """
    nn, adapted, apply = need("torch").nn, Adapted(base, bank, index), _function()

    class FlatLinear(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = base.weight, base.bias

        def forward(self, x: Any) -> Any:
            return apply(x, anchor, adapted, current())

    return FlatLinear()


@cache
def _function() -> Any:
    torch = need("torch")

    class FlatLora(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, anchor: Any, adapted: Adapted, this: Pass) -> Any:
            with _exact(x):
                flat = x.reshape(-1, x.shape[-1]).to(_working_dtype(x))
                y, inner = _forward(flat, adapted, this)
            ctx.save_for_backward(flat, *inner)
            ctx.adapted, ctx.this, ctx.dtype = adapted, this, x.dtype
            return y.view(*x.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> tuple[Any, None, None, None]:
            flat, *inner = ctx.saved_tensors
            with _exact(grad):
                dx = _backward(grad.reshape(-1, grad.shape[-1]).to(flat.dtype), flat, inner, ctx)
            shape = (*grad.shape[:-1], flat.shape[-1])
            return (None if dx is None else dx.to(ctx.dtype).view(shape)), None, None, None

    return FlatLora.apply


def _working_dtype(x: Any) -> Any:
    torch, kind = need("torch"), x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def _exact(x: Any) -> AbstractContextManager[Any]:
    """Precision is chosen here, not by autocast."""
    torch, kind = need("torch"), x.device.type
    if not torch.is_autocast_enabled(kind):
        return _NOTHING
    context: AbstractContextManager[Any] = torch.autocast(kind, enabled=False)
    return context


def _forward(x: Any, adapted: Adapted, this: Pass) -> tuple[Any, list[Any]]:
    weight, bias = adapted.frozen(x.dtype)
    y = linear(x, weight, bias)
    if this.bare:
        return y, []
    a, b = _pair(adapted, x)
    if this.layout.stacked:
        return y, [_stacked_forward(x, y, a, b, adapted, this)]
    inner = []
    for place, segment in enumerate(this.layout.segments):
        part = _dropped(_share(x, segment), adapted, this, place)
        h = linear(part, a[segment.slot]) * adapted.bank.scales[segment.slot]
        _share(y, segment).addmm_(h, b[segment.slot])
        inner.append(h)
    return y, inner


def _backward(grad: Any, x: Any, inner: list[Any], ctx: Any) -> Any:
    adapted, this = ctx.adapted, ctx.this
    weight, _ = adapted.frozen(x.dtype)
    dx = linear(grad, weight.t()) if ctx.needs_input_grad[0] else None
    if this.bare:
        return dx
    a, b = _pair(adapted, x)
    if this.layout.stacked:
        _stacked_backward(grad, x, dx, a, b, inner[0], adapted, this)
        return dx
    for place, (segment, h) in enumerate(zip(this.layout.segments, inner, strict=True)):
        _segment_backward(grad, x, dx, a, b, h, adapted, this, place, segment)
    return dx


def _segment_backward(
    grad: Any, x: Any, dx: Any, a: Any, b: Any, h: Any, adapted: Adapted, this: Pass, place: int, segment: Segment
) -> None:
    slot, g, part = segment.slot, _share(grad, segment), _share(x, segment)
    t = linear(g, b[slot]) * adapted.bank.scales[slot]
    _add_product(adapted, slot, t, _dropped(part, adapted, this, place), h, g)
    if dx is None:
        return
    below = _share(dx, segment)
    if this.training and adapted.bank.dropout[slot]:
        below += (t @ a[slot]) * _mask(part, adapted, this, place)
    else:
        below.addmm_(t, a[slot])


def _pair(adapted: Adapted, x: Any) -> tuple[Any, Any]:
    """All adapters' A and transposed B in the precision of x."""
    a, b = adapted.bank.pair(adapted.index)
    return (a, b) if a.dtype == x.dtype else (a.to(x.dtype), b.to(x.dtype))


def _share(flat: Any, segment: Segment) -> Any:
    """A view of an adapter's tokens; the whole of it for an adapter on its own."""
    return flat if segment.length == len(flat) else flat[segment.start : segment.stop]


def _add_product(adapted: Adapted, slot: int, t: Any, x: Any, h: Any, g: Any) -> None:
    """Add t'x to the gradient of A, and h'g to that of B, in the bank's precision."""
    grad_a, grad_b = adapted.bank.pair(adapted.index, grads=True)
    if x.dtype == grad_a.dtype:
        grad_a[slot].addmm_(t.t(), x)
        grad_b[slot].addmm_(h.t(), g)
    else:
        grad_a[slot] += (t.t() @ x).to(grad_a.dtype)
        grad_b[slot] += (h.t() @ g).to(grad_b.dtype)


def _mask(part: Any, adapted: Adapted, this: Pass, place: int) -> Any:
    rate = adapted.bank.dropout[this.layout.segments[place].slot]
    return mask(tuple(part.shape), rate, this.seeds[place], adapted.name, part)


def _dropped(part: Any, adapted: Adapted, this: Pass, place: int) -> Any:
    slot = this.layout.segments[place].slot
    if not (this.training and adapted.bank.dropout[slot]):
        return part
    return part * _mask(part, adapted, this, place)


def _stacked_forward(x: Any, y: Any, a: Any, b: Any, adapted: Adapted, this: Pass) -> Any:
    """All adapters in two batched products: y += s (x A') B'. Returns what the backward pass needs."""
    slots, scales = _slots(adapted, this, x)
    h = need("torch").bmm(_stack(_all_dropped(x, adapted, this), this), a[slots].transpose(1, 2)) * scales
    _stack(y, this).baddbmm_(h, b[slots])
    return h


def _stacked_backward(grad: Any, x: Any, dx: Any, a: Any, b: Any, h: Any, adapted: Adapted, this: Pass) -> None:
    torch, (slots, scales) = need("torch"), _slots(adapted, this, x)
    g = _stack(grad, this)
    t = torch.bmm(g, b[slots].transpose(1, 2)) * scales
    grad_a, grad_b = adapted.bank.pair(adapted.index, grads=True)
    inputs = _stack(_all_dropped(x, adapted, this), this)
    grad_a.index_add_(0, slots, torch.bmm(t.transpose(1, 2), inputs).to(grad_a.dtype))
    grad_b.index_add_(0, slots, torch.bmm(h.transpose(1, 2), g).to(grad_b.dtype))
    if dx is None:
        return
    delta = torch.bmm(t, a[slots]).reshape(dx.shape)
    dx += delta * _all_masks(x, adapted, this) if _any_dropout(adapted, this) else delta


def _slots(adapted: Adapted, this: Pass, x: Any) -> tuple[Any, Any]:
    torch = need("torch")
    slots = [segment.slot for segment in this.layout.segments]
    scales = torch.tensor([adapted.bank.scales[slot] for slot in slots], device=x.device, dtype=x.dtype)
    return torch.tensor(slots, device=x.device), scales[:, None, None]


def _stack(flat: Any, this: Pass) -> Any:
    return flat.view(len(this.layout.segments), -1, flat.shape[-1])


def _any_dropout(adapted: Adapted, this: Pass) -> bool:
    return this.training and any(adapted.bank.dropout[segment.slot] for segment in this.layout.segments)


def _all_masks(x: Any, adapted: Adapted, this: Pass) -> Any:
    parts = [x[segment.start : segment.stop] for segment in this.layout.segments]
    return need("torch").cat([_mask(part, adapted, this, place) for place, part in enumerate(parts)])


def _all_dropped(x: Any, adapted: Adapted, this: Pass) -> Any:
    return x * _all_masks(x, adapted, this) if _any_dropout(adapted, this) else x
