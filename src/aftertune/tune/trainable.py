"""What is trained: an adapter with its own initialisation stream, or all weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aftertune import seeds
from aftertune.backends.adapter import add_adapter
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec


def prepare(model: Any, spec: TuneSpec, root: int, training_seed: int) -> Any:
    """Make a loaded model trainable.

    The adapter is created inside a forked generator seeded by name (`init`, seed): whatever was drawn
    before cannot change it, and it cannot be made before its seed is set.

    Raises:
        TuneError: the model has no module that `target_modules` names.
    """
    if spec.kind == "full":
        return model.train()
    torch = need("torch")
    with torch.random.fork_rng():
        torch.manual_seed(seeds.derive(root, "init", training_seed))
        try:
            adapted = add_adapter(model, lora_config(model, spec))
        except ValueError as error:
            raise TuneError(
                f"no adapter can be put on this model: {error}", "name its modules in tune.target_modules"
            ) from error
    return adapted.train()


def lora_config(model: Any, spec: TuneSpec) -> Any:
    """PEFT's configuration of the adapter that a study asks for."""
    """The PEFT configuration of a run's adapter."""
    targets = spec.target_modules if isinstance(spec.target_modules, str) else list(spec.target_modules)
    return need("peft").LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha if spec.alpha is not None else 2 * spec.rank,
        lora_dropout=spec.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
        bias="none",
        fan_in_fan_out=_has_transposed_layers(model),
    )


def _has_transposed_layers(model: Any) -> bool:
    """GPT-2 keeps its weights transposed (Conv1D)."""
    return any(type(module).__name__ == "Conv1D" for module in model.modules())


def weights_digest(model: Any) -> str:
    """The sha256 of all trained values, by name, exact to the bit."""
    return values_digest({name: value for name, value in model.named_parameters() if value.requires_grad})


def values_digest(values: Mapping[str, Any]) -> str:
    """The sha256 of tensors by name, exact to the bit."""
    hasher = hashlib.sha256()
    for name, value in sorted(values.items()):
        hasher.update(name.encode())
        hasher.update(value.detach().cpu().contiguous().view(need("torch").uint8).numpy().tobytes())
    return hasher.hexdigest()


def save(model: Any, tokenizer: Any, spec: TuneSpec, base: str, folder: Path, *, state: Any = None) -> None:
    """Write the checkpoint in PEFT or Hugging Face layout, the same bytes for the same weights.

    `state` holds the weights of a model whose own are spread over processes; None for the model's own.
    """
    if spec.kind == "full":
        model.save_pretrained(str(folder), state_dict=state)
        tokenizer.save_pretrained(str(folder))
        return
    # Without the flag, PEFT asks the hub whether the vocabulary grew; ours never does.
    model.save_pretrained(str(folder), state_dict=state, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    tidy_config(folder / "adapter_config.json", base)


def tidy_config(file: Path, base: str) -> None:
    """Name the base as the study does, not by its path, and sort what PEFT writes in hash order."""
    config = {**json.loads(file.read_text()), "base_model_name_or_path": base}
    tidy = {
        k: sorted(v) if isinstance(v, list) and all(isinstance(x, str) for x in v) else v for k, v in config.items()
    }
    file.write_text(json.dumps(tidy, indent=2, sort_keys=True))
