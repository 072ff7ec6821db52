"""One pass of the model over a flat batch: losses, log-probabilities, and gradients into the bank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.extras import need
from aftertune.tune.encode import Example
from aftertune.tune.native.context import Pass, running
from aftertune.tune.native.head import Head, Weigh, completion_losses
from aftertune.tune.native.layout import lay_out
from aftertune.tune.native.slot import Slot

_ROWS = 32  # rows per pass where nothing is learnt


@dataclass(frozen=True, slots=True)
class Network:
    """A patched model: runs flat batches.

    Attributes:
        low: The precision of products under autocast; None for the model's own.
        stacked: Whether the adapters' small products are made in one call for all.
    """

    loaded: Loaded
    head: Head
    low: Any = None
    stacked: bool = False

    @classmethod
    def of(cls, loaded: Loaded, precision: str) -> Network:
        """The network of a loaded model at a precision; stacked products pay where calls are dear, on GPUs."""
        torch = need("torch")
        low = torch.bfloat16 if precision == "bfloat16" else None
        head = Head.of(loaded.model, low or loaded.model.get_output_embeddings().weight.dtype)
        return cls(loaded, head, low, loaded.device != "cpu")

    def learn(self, parts: Sequence[Part]) -> list[float]:
        """Add the gradients of some adapters' losses to the bank; the losses themselves, in order."""
        batches = [(part.slot.index, part.examples) for part in parts]
        layout = lay_out(batches, self.loaded.device, stacked=self.stacked)
        this = Pass(layout, tuple(part.seed for part in parts))
        with running(this):  # also while gradient checkpointing computes a layer again
            losses = self._losses(this, [part.n_tokens for part in parts], [part.weigh for part in parts])
            losses.sum().backward()
        return [float(loss) for loss in losses.detach().tolist()]

    def mean_loss(self, slot: int, examples: Sequence[Example]) -> float:
        """The mean token loss of an adapter on some examples, without dropout or gradients."""
        n_tokens, total = sum(n_learnt(example) for example in examples), 0.0
        with need("torch").no_grad():
            for rows in chunks(examples):
                layout = lay_out([(slot, rows)], self.loaded.device)
                total += float(self._losses(Pass(layout, (0,), training=False), [1], [None])[0])
        return total / n_tokens

    def initial_logps(self, examples: Sequence[Example]) -> list[Any]:
        """For each example, the log-probabilities of its answer tokens under the model without adapters."""
        found: list[Any] = []
        with need("torch").no_grad():
            for rows in chunks(examples):
                found += self._bare_logps(rows)
        return found

    def reaches_back(self, rows: Sequence[Example]) -> bool:
        """Whether the last row's answer depends on the rows before it: by its gradient, which must be exactly zero."""
        layout = lay_out([(0, rows)], self.loaded.device)
        last = sum(n_learnt(row) for row in rows[:-1])
        taken: list[Any] = []

        def open_input(module: Any, inputs: Any, output: Any) -> Any:
            taken.append(output.detach().requires_grad_())
            return taken[-1]

        def only_last(segment: Any, part: slice, logp: Any) -> tuple[Any, Any]:
            place = need("torch").arange(part.start, part.start + len(logp), device=logp.device)
            return -logp, (place >= last).to(logp.dtype)

        hook = self.loaded.model.get_input_embeddings().register_forward_hook(open_input)
        this = Pass(layout, (0,), training=False, bare=True)
        try:
            with running(this):
                self._losses(this, [1], [only_last]).sum().backward()
        finally:
            hook.remove()
        before = sum(row.length for row in rows[:-1])
        return bool(taken[0].grad[0, :before].any())

    def _bare_logps(self, rows: Sequence[Example]) -> list[Any]:
        torch, taken = need("torch"), []

        def keep(segment: Any, part: slice, logp: Any) -> tuple[Any, Any]:
            taken.append(logp.detach().clone())
            return -logp, None

        layout = lay_out([(0, rows)], self.loaded.device)
        self._losses(Pass(layout, (0,), training=False, bare=True), [1], [keep])
        return list(torch.cat(taken).split([n_learnt(row) for row in rows]))

    def _losses(self, this: Pass, n_tokens: Sequence[int], weigh: Sequence[Weigh | None]) -> Any:
        layout = this.layout
        with running(this):
            with self._autocast():
                inner = self.loaded.model.base_model
                out = inner(input_ids=layout.ids, position_ids=layout.positions, use_cache=False)
            return completion_losses(out.last_hidden_state, layout, self.head, n_tokens, weigh)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.low is None:
            return nullcontext()
        context: AbstractContextManager[Any] = need("torch").autocast(self.loaded.device, dtype=self.low)
        return context


@dataclass(frozen=True, slots=True)
class Part:
    """One adapter's share of one pass."""

    slot: Slot
    examples: Sequence[Example]
    seed: int
    n_tokens: int
    weigh: Weigh | None


def parts_of(slot: Slot) -> list[Part]:
    """The passes of a slot's next step, as they fit in memory."""
    pieces, indices = slot.pieces(), slot.order[slot.step]
    n_tokens = sum(n_learnt(example) for piece in pieces for example in piece)
    parts, start = [], 0
    for number, piece in enumerate(pieces):
        weigh = None
        if slot.first_tokens is not None:
            weigh = slot.first_tokens.weigh(indices[start : start + len(piece)])
        parts.append(Part(slot, piece, slot.dropout_seed(number), n_tokens, weigh))
        start += len(piece)
    return parts


def n_learnt(example: Example) -> int:
    """How many of an example's tokens are learnt: a first token without a prompt has nothing to be told from."""
    return len(example.completion) - (0 if example.prompt else 1)


def chunks(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """Examples a few at a time."""
    for start in range(0, len(examples), _ROWS):
        yield examples[start : start + _ROWS]
