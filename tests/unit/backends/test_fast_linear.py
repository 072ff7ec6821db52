"""Faster products for a while, and the model untouched afterwards."""

from __future__ import annotations

import pytest
import torch

from aftertune.backends.fast_linear import fast_linear
from aftertune.backends.matmul import uses_onednn


class Adapted(torch.nn.Linear):
    """A layer of another kind."""


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), Adapted(16, 4, bias=False))


def test_products_agree_and_the_model_is_as_before():
    net, x = model(), torch.randn(5, 8)
    with torch.inference_mode():
        before = net(x)
        with fast_linear(net):
            assert ("forward" in vars(net[0])) == uses_onednn()
            assert "forward" not in vars(net[2])
            torch.testing.assert_close(net(x), before)
        assert torch.equal(net(x), before)
    assert not any("forward" in vars(module) for module in net.modules())


def test_an_error_restores_the_model_too():
    net = model()
    with pytest.raises(ZeroDivisionError), fast_linear(net):
        raise ZeroDivisionError
    assert "forward" not in vars(net[0])


def test_other_precisions_are_left_alone():
    net = model().to(torch.bfloat16)
    with fast_linear(net):
        assert "forward" not in vars(net[0])


def test_contexts_nest():
    net = model()
    with fast_linear(net):
        with fast_linear(net):
            pass
        assert ("forward" in vars(net[0])) == uses_onednn()
    assert "forward" not in vars(net[0])
