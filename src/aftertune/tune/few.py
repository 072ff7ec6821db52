"""A run needs at least one whole batch."""

from __future__ import annotations

from aftertune.errors import TuneError
from aftertune.spec.tuning import TuneSpec


def refuse_few(n_examples: int, spec: TuneSpec) -> None:
    """Stop before training when there is not one whole batch.

    Raises:
        TuneError: fewer examples than `batch_size`.
    """
    if n_examples < spec.batch_size:
        raise TuneError(
            f"{n_examples} training examples are fewer than one batch of {spec.batch_size}",
            f"lower tune.batch_size to {n_examples} or less, or use more rows",
        )
