"""Before training: does the flat pass of this engine give the loss that the architecture's own forward gives?

Architectures differ in details that no list covers (attention sinks, biases on scores, changed logits). One
comparison on two rows finds them all, before a wrong number is trained into anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.encode import Example
from aftertune.tune.native.passes import Network, n_learnt

_ROWS = 2
_CLOSE = {"float32": 1e-3, "bfloat16": 5e-2}


@dataclass(frozen=True, slots=True)
class Expected:
    """The architecture's own mean loss on a few rows."""

    rows: tuple[Example, ...]
    loss: float
    close: float


def expected_loss(loaded: Loaded, examples: Sequence[Example]) -> Expected:
    """The loss of the unpatched model, row by row."""
    torch = need("torch")
    rows = tuple(examples[:_ROWS])
    total = 0.0
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([[*row.prompt, *row.completion]], device=loaded.device)
            logits = loaded.model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            logp = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
            total -= float(logp[-n_learnt(row) :].sum())
    kind = "float32" if loaded.model.dtype == torch.float32 else "bfloat16"
    return Expected(rows, total / sum(map(n_learnt, rows)), _CLOSE[kind])


def check(network: Network, expected: Expected) -> None:
    """Compare the flat pass with it.

    Raises:
        TuneError: they differ by more than rounding.
    """
    if not math.isfinite(expected.loss):
        return  # the model itself gives no numbers; the first step says so
    found = _flat_loss(network, expected.rows)
    close = max(expected.close, _CLOSE["bfloat16"] if network.low is not None else 0.0)
    if not abs(found - expected.loss) <= close * max(1.0, abs(expected.loss)):
        kind = type(network.loaded.model).__name__
        raise TuneError(
            f"the native engine does not reproduce {kind}: loss {found:.5f} on its first rows, {expected.loss:.5f} by "
            "the model's own forward pass",
            "tune this model with `engine: reference`",
        )


def _flat_loss(network: Network, rows: Sequence[Example]) -> float:
    logps: list[Any] = network.initial_logps(rows)
    return -sum(float(logp.sum()) for logp in logps) / sum(map(n_learnt, rows))
