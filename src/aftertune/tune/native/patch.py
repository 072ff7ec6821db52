"""Turn a loaded model into one that runs flat batches with a bank of adapters, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from aftertune.backends.checkpointing import disable_checkpointing, enable_checkpointing
from aftertune.errors import TuneError
from aftertune.extras import need
from aftertune.tune.native import attention
from aftertune.tune.native.bank import Bank
from aftertune.tune.native.dropout import keyed_dropout
from aftertune.tune.native.lora import flat_linear


@contextmanager
def patched(model: Any, bank: Bank, *, gradient_checkpointing: bool) -> Iterator[None]:
    """For the length of the block, the model's adapted layers use the bank, and attention reads the layout.

    The model is as before afterwards, whatever happens inside.
    """
    with ExitStack() as stack:
        stack.enter_context(_frozen(model))
        stack.enter_context(_flat_attention(model))
        stack.enter_context(_replaced(model, _replacements(model, bank)))
        stack.enter_context(_training(model))
        if gradient_checkpointing:
            stack.enter_context(_checkpointing(model))
        yield


def _replacements(model: Any, bank: Bank) -> dict[str, Any]:
    torch = need("torch")
    modules = dict(model.named_modules())
    anchor = torch.zeros((), requires_grad=True)
    made = {
        target.name: flat_linear(modules[target.name], bank, index, anchor) for index, target in enumerate(bank.targets)
    }
    dropouts = {name: m for name, m in modules.items() if isinstance(m, torch.nn.Dropout) and m.p > 0}
    return {**made, **{name: keyed_dropout(module.p, name) for name, module in dropouts.items()}}


@contextmanager
def _replaced(model: Any, replacements: dict[str, Any]) -> Iterator[None]:
    before = {name: model.get_submodule(name) for name in replacements}
    try:
        for name, module in replacements.items():
            _put(model, name, module)
        yield
    finally:
        for name, module in before.items():
            _put(model, name, module)


def _put(model: Any, name: str, module: Any) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)


@contextmanager
def _flat_attention(model: Any) -> Iterator[None]:
    attention.register()
    before = model.config._attn_implementation
    if not model._can_set_attn_implementation():
        raise TuneError(
            f"the attention of {type(model).__name__} cannot be replaced, so the native engine cannot tune it",
            "tune this model with `engine: reference`",
        )
    model.set_attn_implementation(attention.NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _frozen(model: Any) -> Iterator[None]:
    before = [(value, value.requires_grad) for value in model.parameters()]
    for value, _ in before:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value, wanted in before:
            value.requires_grad_(wanted)


@contextmanager
def _training(model: Any) -> Iterator[None]:
    before = model.training
    model.train()
    try:
        yield
    finally:
        model.train(before)


@contextmanager
def _checkpointing(model: Any) -> Iterator[None]:
    enable_checkpointing(model)
    try:
        yield
    finally:
        disable_checkpointing(model)
