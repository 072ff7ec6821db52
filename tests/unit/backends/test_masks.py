"""What a new token may look at."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from aftertune.backends.masks import token_masks

POSITIONS = torch.tensor([[0], [3]])


def model(implementation="sdpa", **config):
    return SimpleNamespace(config=SimpleNamespace(_attn_implementation=implementation, **config), dtype=torch.float32)


def test_everything_up_to_the_token():
    mask = token_masks(model(), POSITIONS, 5)
    assert mask[:, 0, 0].tolist() == [[True, False, False, False, False], [True, True, True, True, False]]


def test_a_window_ends_with_the_token():
    mask = token_masks(model(sliding_window=2), POSITIONS, 4)
    assert mask[:, 0, 0].tolist() == [[True, False, False, False], [False, False, True, True]]


def test_one_mask_per_kind_of_layer():
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    masks = token_masks(model(sliding_window=2, layer_types=kinds), POSITIONS, 4)
    assert masks["full_attention"][1, 0, 0].tolist() == [True, True, True, True]
    assert masks["sliding_attention"][1, 0, 0].tolist() == [False, False, True, True]


def test_written_out_attention_adds_its_mask():
    mask = token_masks(model("eager"), POSITIONS, 2)
    assert mask[0, 0, 0].tolist() == [0.0, torch.finfo(torch.float32).min]
