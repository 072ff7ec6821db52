"""Does tuning all weights draw anything at random but the order of the rows?"""

from __future__ import annotations

from typing import Any

from aftertune.extras import need
from aftertune.spec.tuning import TuneSpec


def draws_noise(model: Any, spec: TuneSpec) -> bool:
    """Whether the model drops anything out by itself, or its input is made noisy."""
    dropout = need("torch").nn.Dropout
    rates = [module.p for module in model.modules() if isinstance(module, dropout)]
    rates.append(getattr(model.config, "attention_dropout", 0.0) or 0.0)
    return max(rates) > 0 or bool(spec.trainer.get("neftune_noise_alpha"))
