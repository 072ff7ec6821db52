"""Keys and values in place."""

from __future__ import annotations

import pytest
import torch
import transformers

from aftertune.backends.kv_cache import KVCache
from tests_support.families import CONFIGS


@pytest.fixture
def cache():
    name, sizes = CONFIGS["llama"]
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(vocab_size=40, **sizes))
    return KVCache(model)


def read(cache, first_row, prompts):
    """Read left-padded prompts whose keys are the given numbers; padding is not a number."""
    width = max(map(len, prompts))
    cache.read(first_row, [len(prompt) for prompt in prompts])
    keys = torch.tensor([[float("nan")] * (width - len(p)) + p for p in prompts])[:, None, :, None]
    return cache.past_key_values.update(keys, -keys, 0)


def add(cache, columns, numbers, width):
    cache.add(torch.tensor(columns), width)
    keys = torch.tensor(numbers)[:, None, None, None]
    return cache.past_key_values.update(keys, -keys, 0)


def test_prompts_begin_at_the_first_column_and_tokens_follow(cache):
    keys, _ = read(cache, 0, [[1.0, 2.0, 3.0], [4.0]])
    assert keys.shape == (2, 1, 3, 1)
    assert cache.past_key_values.get_seq_length() == 0
    keys, values = add(cache, [3, 1], [5.0, 6.0], 4)
    assert keys[:, 0, :, 0].tolist() == [[1, 2, 3, 5], [4, 6, 0, 0]]
    assert torch.equal(values, -keys)
    assert cache.past_key_values.get_seq_length() == 3


def test_rows_move_and_new_ones_are_clean(cache):
    read(cache, 0, [[1.0, 1.0], [float("nan"), float("nan")], [3.0, 3.0]])
    cache.move([2], [0])
    read(cache, 1, [[7.0]])
    keys, _ = add(cache, [2, 1], [4.0, 8.0], 3)
    assert keys[:, 0, :, 0].tolist() == [[3, 3, 4], [7, 8, 0]]


def test_room_grows_with_rows_and_columns(cache):
    read(cache, 0, [[1.0]])
    for column in range(1, 200):
        keys, _ = add(cache, [column], [float(column)], column + 1)
    read(cache, 1, [[9.0] * 50])
    keys, _ = add(cache, [200, 50], [5.0, 6.0], 201)
    assert keys[0, 0, :, 0].tolist() == [1.0, *range(1, 200), 5.0]
    assert keys[1, 0, :, 0].tolist() == [9.0] * 50 + [6.0] + [0.0] * 150
