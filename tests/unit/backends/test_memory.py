"""Which errors mean that memory ran out."""

from __future__ import annotations

import pytest
import torch

from aftertune.backends.memory import is_out_of_memory


def test_words_and_types_that_torch_uses():
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("not enough memory: you tried to allocate 8 bytes"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_what_the_allocator_really_says():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)
