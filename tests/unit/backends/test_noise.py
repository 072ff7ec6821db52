"""Draws that belong to rows."""

from __future__ import annotations

import torch

from aftertune.backends.noise import generator, keep_top_p, perturbed


def test_draws_follow_the_softmax():
    """Gumbel noise plus maximum draws from the softmax: frequencies agree within five standard errors."""
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    n = 4000
    noisy = perturbed(logits.repeat(n, 1), [generator(seed) for seed in range(n)], 1.0, 1.0)
    drawn = noisy.argmax(-1).bincount(minlength=4) / n
    for share, wanted in zip(drawn.tolist(), [0.5, 0.3, 0.15, 0.05], strict=True):
        assert abs(share - wanted) < 5 * (wanted * (1 - wanted) / n) ** 0.5


def test_top_p_rules_out_the_tail():
    kept = keep_top_p(torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])), 0.75)
    assert torch.isfinite(kept).tolist() == [[True, True, False, False]]


def test_a_row_without_a_generator_leaves_the_others_alone():
    logits = torch.zeros(2, 5)
    alone = perturbed(logits[1:], [generator(7)], 0.7, 1.0)
    beside = perturbed(logits, [None, generator(7)], 0.7, 1.0)
    assert torch.equal(alone[0], beside[1])
