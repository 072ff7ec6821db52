"""The loss over completion tokens: the output head is applied to them alone, and its logits are never kept.

The gradient with respect to the last hidden state is made together with the loss, a few rows at a time. The
head's weights are frozen, so nothing else is needed from the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aftertune.backends.matmul import linear
from aftertune.extras import need
from aftertune.tune.native.layout import Layout, Segment

_CPU_NUMBERS, _GPU_NUMBERS = 2**19, 2**27  # logits held at a time: about a core's cache, or half a gigabyte

Weigh = Callable[[Segment, Any, Any], tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Head:
    """A model's output head and what its architecture does to the logits afterwards."""

    weight: Any
    bias: Any
    cap: float | None
    scale: float

    @classmethod
    def of(cls, model: Any, dtype: Any) -> Head:
        """The head of a causal language model: soft capping as in Gemma 2, scaling as in Cohere and Granite.

        Its products are made in `dtype`, their softmax in float32.
        """
        module, config = model.get_output_embeddings(), model.config.get_text_config()
        scale = float(getattr(config, "logit_scale", None) or 1.0)
        scale /= float(getattr(config, "logits_scaling", None) or 1.0)
        cap = getattr(config, "final_logit_softcapping", None)
        bias = getattr(module, "bias", None)
        return cls(module.weight.detach().to(dtype), None if bias is None else bias.detach().to(dtype), cap, scale)


def completion_losses(
    hidden: Any, layout: Layout, head: Head, n_tokens: Sequence[int], weigh: Sequence[Weigh | None]
) -> Any:
    """Each segment's summed token loss over its adapter's number of tokens in the step; shape (segments,).

    Args:
        hidden: The last hidden state, shape (1, tokens, width).
        layout: Whose tokens are where, and what is learnt.
        head: The output head.
        n_tokens: Completion tokens of each segment's whole batch, all its passes together.
        weigh: For each segment None for the plain negative log-likelihood, or a function from the segment's
            (slice of) log-probabilities to (losses, factors of the gradient).
    """
    return _function()(hidden, layout, head, tuple(n_tokens), tuple(weigh))


@cache
def _function() -> Any:
    torch = need("torch")

    class CompletionLoss(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, hidden: Any, layout: Layout, head: Head, n_tokens: Any, weigh: Any) -> Any:
            wanted = ctx.needs_input_grad[0]
            grad = torch.zeros_like(hidden[0]) if wanted else None
            losses = []
            with torch.autocast(hidden.device.type, enabled=False):
                for segment, n, how in zip(layout.segments, n_tokens, weigh, strict=True):
                    losses.append(_segment_loss(hidden[0], segment, head, n, how, grad))
            if wanted:
                ctx.save_for_backward(grad)
                ctx.layout = layout
            return torch.stack(losses)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> tuple[Any, None, None, None, None]:
            (grad,) = ctx.saved_tensors
            for segment, factor in zip(ctx.layout.segments, upstream.unbind(), strict=True):
                grad[segment.start : segment.stop] *= factor
            return grad.unsqueeze(0), None, None, None, None

    return CompletionLoss.apply


def _segment_loss(hidden: Any, segment: Segment, head: Head, n_tokens: int, weigh: Weigh | None, grad: Any) -> Any:
    torch = need("torch")
    total = torch.zeros((), device=hidden.device)
    numbers = _CPU_NUMBERS if hidden.device.type == "cpu" else _GPU_NUMBERS
    size = max(16, numbers // head.weight.shape[0])
    for start in range(0, len(segment.targets), size):
        part = slice(start, start + size)
        rows, targets = segment.learnt[part] + segment.start, segment.targets[part]
        how = _bound(weigh, segment, part)
        losses, dx = _rows_loss(hidden.index_select(0, rows), targets, head, how, wanted=grad is not None)
        total += losses.sum()
        if dx is not None:
            grad.index_copy_(0, rows, (dx / n_tokens).to(grad.dtype))
    return total / n_tokens


def _bound(weigh: Weigh | None, segment: Segment, part: slice) -> Callable[[Any], tuple[Any, Any]] | None:
    return None if weigh is None else lambda logp: weigh(segment, part, logp)


def _rows_loss(
    hidden: Any, targets: Any, head: Head, weigh: Callable[[Any], tuple[Any, Any]] | None, *, wanted: bool
) -> tuple[Any, Any]:
    """Loss and hidden gradient of some rows."""
    logits, slope = _logits(hidden, head)
    logits.sub_(logits.amax(-1, keepdim=True))
    chosen = logits.gather(1, targets[:, None])[:, 0]
    total = logits.exp_().sum(-1, keepdim=True)
    logp = chosen - total[:, 0].log()
    losses, factors = (-logp, None) if weigh is None else weigh(logp)
    if not wanted:
        return losses, None
    p = logits.div_(total)
    p.scatter_add_(1, targets[:, None], p.new_full((len(targets), 1), -1.0))
    if factors is not None:
        p *= factors[:, None]
    if slope is not None:
        p *= slope
    return losses, linear(p.to(head.weight.dtype), head.weight.t())


def _logits(hidden: Any, head: Head) -> tuple[Any, Any]:
    """Logits in float32, and their slope where the architecture bends them."""
    logits = linear(hidden.to(head.weight.dtype), head.weight, head.bias).float()
    if head.cap is None and head.scale == 1.0:
        return logits, None
    logits *= head.scale
    if head.cap is None:
        return logits, head.scale
    bent = (logits / head.cap).tanh_()
    return bent * head.cap, (1 - bent * bent) * head.scale
