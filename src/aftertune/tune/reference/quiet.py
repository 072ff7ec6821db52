"""Keep trl, transformers and datasets from writing to the terminal while they work for a study."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from aftertune.extras import need

_LOGGERS = ("trl", "accelerate", "datasets", "bitsandbytes", "torch.distributed")
# Warnings of these libraries about each other, which whoever runs a study can do nothing about.
_THEIR_OWN: tuple[tuple[str, type[Warning]], ...] = (("`is_gradient_checkpointing` is deprecated", FutureWarning),)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, errors only, and none of the warnings that are the libraries' own affair."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    bars = need("datasets", "trl").utils.logging
    shown = bars.is_progress_bar_enabled()
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    bars.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            for message, category in _THEIR_OWN:
                warnings.filterwarnings("ignore", message, category)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if shown:
            bars.enable_progress_bar()
