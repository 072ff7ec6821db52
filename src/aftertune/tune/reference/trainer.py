"""`trl.SFTTrainer` with a study's own order of data, learning rate and weight decay; all else is trl's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from aftertune.extras import need


@cache
def ordered_trainer() -> Any:
    """The class; made on first use, because trl is imported only then.

    Its instances need `batches` (makes the data loader) and `factor` (the share of the learning rate at a step)
    before they train.
    """

    class OrderedTrainer(need("trl", "trl").SFTTrainer):  # type: ignore[misc]
        batches: Callable[[], Any]
        factor: Callable[[int], float]

        def get_train_dataloader(self) -> Any:
            return self.batches()

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            schedule = need("torch").optim.lr_scheduler.LambdaLR
            self.lr_scheduler = schedule(optimizer or self.optimizer, self.factor)
            return self.lr_scheduler

        def get_decay_parameter_names(self, model: Any) -> list[str]:
            """All of them, as in the native engine; transformers would leave out biases and norms."""
            return [name for name, _ in model.named_parameters()]

    return OrderedTrainer
