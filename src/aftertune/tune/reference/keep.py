"""Write what a run leaves behind: checkpoints as anyone can load them, the same as the native engine's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.tune.record import Run, checkpoint_name
from aftertune.tune.reference.options import shards
from aftertune.tune.trainable import save, values_digest, weights_digest


@dataclass(frozen=True, slots=True)
class Keeper:
    """Writes a run's checkpoints from the trainer's model.

    Attributes:
        run: What is trained.
        loaded: The model as it was before the trainer had it, with its tokenizer.
        configs: Copies of its configurations: the trainer changes the end and padding tokens in them.
        trained: Names of the trained values.
        writes: Whether this process is the one that writes.
    """

    run: Run
    loaded: Loaded
    configs: tuple[Any, Any]
    trained: frozenset[str]
    writes: bool

    def save(self, trainer: Any, point: float) -> None:
        """Write the checkpoint of a point; all processes of a spread-out model must call this."""
        model, state = self._gathered(trainer)
        if self.writes:
            folder = self.run.folder / checkpoint_name(point)
            with _configured(self.loaded.model, self.configs):
                save(model, self.loaded.chat.tokenizer, self.run.spec, self.run.base, folder, state=state)

    def digest(self, trainer: Any) -> str:
        """The hash of the trained values as they are now."""
        model, state = self._gathered(trainer)
        if state is None:
            return weights_digest(model)
        return values_digest({name: value for name, value in state.items() if name in self.trained})

    def _gathered(self, trainer: Any) -> tuple[Any, Any]:
        """The bare model, and its values where they are spread over processes."""
        model = trainer.accelerator.unwrap_model(trainer.model)
        return model, trainer.accelerator.get_state_dict(trainer.model_wrapped) if shards(self.run.spec) else None


def copied_configs(model: Any) -> tuple[Any, Any]:
    """The model's configurations as they are now."""
    return copy.deepcopy(model.config), copy.deepcopy(model.generation_config)


@contextmanager
def _configured(model: Any, configs: tuple[Any, Any]) -> Iterator[None]:
    """The model with its own configurations instead of what the trainer made of them."""
    now = model.config, model.generation_config
    model.config, model.generation_config = configs
    try:
        yield
    finally:
        model.config, model.generation_config = now
