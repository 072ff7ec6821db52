"""Before training: does the flat pass of this engine give the numbers that the architecture's own forward gives?

Architectures differ in details that no list covers: attention sinks, biases on scores, changed logits, states that
run on from row to row. One comparison on a few rows finds them all, before a wrong number is trained into anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aftertune.backends.hf import Loaded
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.encode import Example
from aftertune.tune.native.passes import Network, n_learnt

_ROWS = 3
# How far a token's log-probability may be from the model's own: the largest difference, and the mean one.
_CLOSE = {"float32": (2e-3, 5e-4), "bfloat16": (2.0, 0.1)}


@dataclass(frozen=True, slots=True)
class Expected:
    """The architecture's own log-probabilities of a few rows' answers."""

    rows: tuple[Example, ...]
    logps: tuple[Any, ...]
    precision: str


def expected_logps(loaded: Loaded, examples: Sequence[Example]) -> Expected:
    """The log-probabilities of the unpatched model, row by row: no row can see another."""
    torch = need("torch")
    rows, found = tuple(examples[:_ROWS]), []
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([[*row.prompt, *row.completion]], device=loaded.device)
            logits = loaded.model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            logp = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
            found.append(logp[-n_learnt(row) :])
    return Expected(rows, tuple(found), "float32" if loaded.model.dtype == torch.float32 else "bfloat16")


def check(network: Network, expected: Expected) -> None:
    """Compare the flat pass with it, token by token.

    Raises:
        TuneError: they differ by more than rounding.
    """
    torch = need("torch")
    wanted, found = torch.cat(expected.logps), torch.cat(network.initial_logps(expected.rows))
    if not bool(wanted.isfinite().all()):
        return  # the model itself gives no numbers; the first step says so
    largest, mean = _CLOSE["bfloat16" if network.low is not None else expected.precision]
    off = (found - wanted).abs() / wanted.abs().clamp(min=1.0)
    if not (float(off.max()) <= largest and float(off.mean()) <= mean):
        raise _unlike(
            network,
            f"the log-probabilities of its first rows are off by up to {float(off.max()):.2g} (mean "
            f"{float(off.mean()):.2g}) from the model's own forward pass",
        )
    if len(expected.rows) > 1 and network.reaches_back(expected.rows):
        raise _unlike(network, "a row of its batch depends on the rows before it")


def _unlike(network: Network, why: str) -> TuneError:
    return TuneError(
        f"the native engine does not reproduce {type(network.loaded.model).__name__}: {why}",
        "tune this model with `engine: reference`",
    )
