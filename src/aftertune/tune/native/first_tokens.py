"""Hold the first answer tokens near the initial model: the constrained objective of Qi et al. 2024.

"Safety Alignment Should Be Made More Than Just a Few Tokens Deep" (https://arxiv.org/abs/2406.05946), eq. 3: the
loss of token t is -(2 / b_t) log sigmoid(b_t (log p - log p_initial)). Its gradient is that of -log p times
2 (1 - sigmoid(b_t (log p - log p_initial))): 1 at the start, and near 0 once p has risen well above p_initial, the
sooner the larger b_t is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftertune.extras import need
from aftertune.spec.tuning import FirstTokensSpec
from aftertune.tune.native.layout import Segment


@dataclass(slots=True)
class FirstTokens:
    """The settings, and the initial model's log-probabilities of each example's answer tokens, by index."""

    spec: FirstTokensSpec
    reference: dict[int, Any] = field(default_factory=dict)

    def weigh(self, indices: Sequence[int]) -> Callable[[Segment, slice, Any], tuple[Any, Any]]:
        """Losses and gradient factors for a pass over the examples with these indices."""
        return lambda segment, part, logp: self._weighed(segment, part, logp, indices)

    def _weighed(self, segment: Segment, part: slice, logp: Any, indices: Sequence[int]) -> tuple[Any, Any]:
        functional = need("torch").nn.functional
        start = _concatenated(self.reference, indices)[part].to(logp.device)
        beta = self._beta(segment.places[part])
        margin = beta * (logp - start)
        return -2 / beta * functional.logsigmoid(margin), 2 * functional.sigmoid(-margin)

    def _beta(self, places: Any) -> Any:
        torch, spec = need("torch"), self.spec
        beta = torch.where(places < spec.tokens, spec.beta, spec.later_beta).float()
        return torch.where(places == 0, torch.full_like(beta, spec.first_beta), beta)


def _concatenated(reference: Mapping[int, Any], indices: Sequence[int]) -> Any:
    return need("torch").cat([reference[index] for index in indices])
