"""`trl.SFTTrainer` with a study's own order of data, optimizer and learning rate; all else is trl's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from aftertune.extras import need


@cache
def ordered_trainer() -> Any:
    """The class; made on first use, because trl is imported only then.

    Before they train, its instances need `batches` (makes the data loader), `over` (makes the optimizer of some
    values) and `factor` (the share of the learning rate at a step).
    """

    class OrderedTrainer(need("trl", "trl").SFTTrainer):  # type: ignore[misc]
        batches: Callable[[], Any]
        over: Callable[[list[Any]], Any]
        factor: Callable[[int], float]
        optimizer: Any

        def get_train_dataloader(self) -> Any:
            return self.batches()

        def create_optimizer(self, model: Any = None) -> Any:
            """Over all trained values alike; transformers would leave biases and norms out of the weight decay."""
            if self.optimizer is None:
                trained = [value for value in (model or self.model).parameters() if value.requires_grad]
                self.optimizer = self.over(trained)
            return self.optimizer

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            schedule = need("torch").optim.lr_scheduler.LambdaLR
            self.lr_scheduler = schedule(optimizer or self.optimizer, self.factor)
            return self.lr_scheduler

    return OrderedTrainer
