"""One run inside the bank: its batches, its optimizer, its own course through training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec
from aftertune.tune.course import Line
from aftertune.tune.encode import Encoded, Example, total_steps
from aftertune.tune.few import refuse_few
from aftertune.tune.native.adapter import Fresh
from aftertune.tune.native.average import Average
from aftertune.tune.native.bank import Bank
from aftertune.tune.native.first_tokens import FirstTokens
from aftertune.tune.native.patience import Patience
from aftertune.tune.optimizer import make_optimizer
from aftertune.tune.order import drawn, held_out, visiting_order
from aftertune.tune.record import Run
from aftertune.tune.schedule import schedule_factor


@dataclass(slots=True)
class Slot:
    """A run's place in the bank and how far it has come.

    Attributes:
        step: Optimizer steps made.
        tokens: Completion tokens learnt from so far.
        micro: Rows per pass; lowered when memory runs out.
        initial: The hash of the adapter's first weights.
        failure: Why the run ended early, when it did not end well.
        stopped: Whether it ended early by its own rule.
    """

    index: int
    run: Run
    fresh: Fresh
    encoded: Encoded
    examples: tuple[Example, ...]
    order: list[list[int]]
    bank: Bank
    optimizer: Any
    initial: str
    micro: int
    average: Average | None = None
    patience: Patience | None = None
    first_tokens: FirstTokens | None = None
    step: int = 0
    tokens: int = 0
    log: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failure: TuneError | None = None
    stopped: bool = False

    @property
    def spec(self) -> TuneSpec:
        """The run's settings."""
        return self.run.spec

    @property
    def n_steps(self) -> int:
        """Optimizer steps in all, when nothing ends the run early."""
        return len(self.order)

    @property
    def going(self) -> bool:
        """Whether there is a step left to make."""
        return self.failure is None and not self.stopped and self.step < self.n_steps

    @property
    def values(self) -> Any:
        """The adapter's numbers, as a vector."""
        return self.bank.values[self.index]

    @property
    def grads(self) -> Any:
        """Their gradients."""
        return self.bank.grads[self.index]

    def batch(self) -> list[Example]:
        """The examples of the step to come."""
        return [self.examples[index] for index in self.order[self.step]]

    def pieces(self) -> list[list[Example]]:
        """The step's examples in passes that fit in memory."""
        batch = self.batch()
        return [batch[start : start + self.micro] for start in range(0, len(batch), self.micro)]

    def dropout_seed(self, piece: int) -> int:
        """The seed of the masks of one pass."""
        return self.run.streams.seed("dropout", self.step, piece)

    def advance(self, loss: float, n_tokens: int) -> None:
        """Make the optimizer step from the gradients in the bank, or end the run when they are no numbers."""
        torch = need("torch")
        vector = self.optimizer.param_groups[0]["params"][0]
        vector.grad = self.grads
        norm = float(torch.nn.utils.clip_grad_norm_([vector], self.spec.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.fail(f"the loss is no longer a number at step {self.step + 1} of {self.n_steps}")
            return
        rate = self.spec.learning_rate * schedule_factor(self.spec, self.step, self.n_steps)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        self.grads.zero_()
        self.step, self.tokens = self.step + 1, self.tokens + n_tokens
        self.log.append({"loss": loss, "learning_rate": rate, "grad_norm": norm, "tokens": n_tokens})
        if self.average is not None:
            self.average.take(self.values, self.step)

    def fail(self, why: str) -> None:
        """End the run; its companions go on."""
        self.failure = TuneError(why, "lower tune.learning_rate, or raise tune.warmup")
        self.values.zero_()
        self.grads.zero_()


def open_slot(
    index: int, run: Run, fresh: Fresh, encoded: Encoded, bank: Bank, pairs: Mapping[str, tuple[Any, Any]], initial: str
) -> Slot:
    """A run at its first step, its weights written into the bank.

    Raises:
        TuneError: fewer examples than one batch.
    """
    spec, streams = run.spec, run.streams
    examples = drawn(encoded.examples, spec.subsample, streams)
    rest: Sequence[Example] = ()
    if spec.early_stop is not None and len(examples) > 1:
        examples, rest = held_out(examples, spec.early_stop.share, streams)
    refuse_few(len(examples), spec)
    bank.write(index, pairs)
    n_steps = total_steps(len(examples), spec.batch_size, spec.epochs)
    lengths = [example.length for example in examples]
    order = visiting_order(lengths, spec.batch_size, n_steps, streams, spec.order)
    vector = need("torch").nn.Parameter(bank.values[index])
    return Slot(
        index,
        run,
        fresh,
        encoded,
        examples,
        order,
        bank,
        make_optimizer([vector], spec),
        initial,
        spec.micro_batch_size or spec.batch_size,
        None if spec.ema is None else Average(spec.ema, bank.values[index].clone()),
        None if spec.early_stop is None else Patience(spec.early_stop, tuple(rest)),
        None if spec.first_tokens is None else FirstTokens(spec.first_tokens),
    )
