"""Which runs are tuned in one pass over the model.

More adapters per pass save calls, not arithmetic: it pays as long as one adapter's step is too small to keep the
processor busy. No result depends on it on a CPU; on a GPU the last bits do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aftertune.backends.folder import read_object
from aftertune.exec.machine import available_bytes, has_gpu
from aftertune.plan import Chain, Step
from aftertune.store import Store
from aftertune.tuning import together_key

Batch = tuple[Chain, ...]
CPU_TOKENS, GPU_TOKENS = 768, 16_384  # tokens per pass above which more adapters no longer save time
_MOST = 32
_CHARACTERS_PER_TOKEN = 4


def batches(chains: Sequence[Chain], store: Store, *, jobs: int, together: int | None = None) -> list[Batch]:
    """Put chains whose next runs can share a pass side by side, in their order.

    Args:
        chains: All chains.
        store: Where the training sets are.
        jobs: Workers to keep busy: no batch takes more than its share of the chains.
        together: Adapters per pass; chosen from the tokens of a step when None.
    """
    room = None if has_gpu() else available_bytes()
    share = None if room is None else room // (2 * max(1, jobs))
    made: list[list[Chain]] = []
    last: str | None = None
    for chain in chains:
        step = _next_tuning(chain, store)
        key = together_key(step) if step is not None else None
        if step is not None and key is not None and key == last and len(made[-1]) < _size(step, store, together, share):
            made[-1].append(chain)
        else:
            made.append([chain])
        last = key
    return [part for batch in made for part in _shared_out(batch, len(chains), jobs, together)]


def _shared_out(batch: list[Chain], n_chains: int, jobs: int, together: int | None) -> list[Batch]:
    """A batch in pieces that leave work for every worker."""
    fair = len(batch) if together is not None else max(1, -(-n_chains // max(1, jobs)))
    return [tuple(batch[start : start + fair]) for start in range(0, len(batch), fair)]


def _next_tuning(chain: Chain, store: Store) -> Step | None:
    return next((s for s in chain.steps if s.stage == "tune" and not store.has(s.stage, s.key)), None)


def _size(step: Step, store: Store, together: int | None, room: int | None) -> int:
    """How many adapters fit into one pass: by tokens, and by the memory that their activations take."""
    if together is not None:
        return together
    tokens = _tokens_per_step(step, store)
    fits = (GPU_TOKENS if has_gpu() else CPU_TOKENS) / tokens
    if room is not None:
        fits = min(
            fits, room / (tokens * activation_bytes(read_object(Path(step.work["model"]["path"]) / "config.json")))
        )
    return min(_MOST, max(1, round(fits)))


def activation_bytes(config: Mapping[str, Any]) -> int:
    """What one token of a training pass takes, roughly: about 16 vectors of the hidden width and 4 of the inner one
    per layer, in float32. A config that does not tell its sizes counts as small; too large a pass is halved later.

    >>> activation_bytes({"num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192})
    4194304
    """
    text = config.get("text_config") or config
    hidden = int(text.get("hidden_size") or text.get("n_embd") or 0)
    inner = int(text.get("intermediate_size") or text.get("n_inner") or 4 * hidden)
    layers = int(text.get("num_hidden_layers") or text.get("n_layer") or 0)
    return 4 * max(1, layers * (16 * hidden + 4 * inner))


def _tokens_per_step(step: Step, store: Store) -> float:
    """A guess from the training set's characters; the exact number would need the tokenizer."""
    facts = store.manifest("data", step.work["data"])["facts"]
    characters = facts.get("n_characters", 0) / max(1, facts["n_rows"])
    tokens = min(step.work["tune"]["max_length"], max(1.0, characters / _CHARACTERS_PER_TOKEN))
    return float(tokens * step.work["tune"]["batch_size"])
