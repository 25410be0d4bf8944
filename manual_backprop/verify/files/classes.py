"""Classes that have a backward of their own: functions of autograd, layers, and networks with a loss."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from manual_backprop.derive.command_line.function_names import parsed, words_in
from manual_backprop.derive.forms.frameworks import framework_of
from manual_backprop.verify.forms.objects import is_object_class

BESIDE = ("reference", "forward")


def reference_of(name: str, names: Mapping[str, Any]) -> str | None:
    """The function that computes the same as a torch.autograd.Function, by its name; None if there is none.

    Of `MyReLUFunction` it is `relu`, `relu_forward`, `relu_reference` or `my_relu`, or else `reference` or
    `forward`.
    """
    functions = [n for n, f in names.items() if inspect.isroutine(f) and framework_of(f) != "numpy"]
    whole = "".join(words_in(name))
    stem = parsed(name).stem
    for sought in dict.fromkeys((whole, stem)):
        for function in functions:
            found = parsed(function)
            if found.role in ("plain", "forward") and sought in (found.stem, "".join(words_in(function))):
                return function
    return next((n for n in BESIDE if n in functions), None)


def own_forward(function: type[torch.autograd.Function]) -> Callable[..., Any]:
    """What a torch.autograd.Function computes, without its backward."""
    old = function.setup_context is torch.autograd.Function.setup_context

    def forward(*inputs: Tensor) -> Any:
        return function.forward(_Context(len(inputs)), *inputs) if old else function.forward(*inputs)

    parameters = [*inspect.signature(function.forward).parameters.values()]
    forward.__signature__ = inspect.Signature(parameters[1:] if old else parameters)  # type: ignore[attr-defined]
    return forward


class _Context:
    """What a forward is given to keep things in, for no backward."""

    def __init__(self, inputs: int) -> None:
        self.needs_input_grad = (True,) * inputs

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep nothing."""

    save_for_forward = mark_dirty = mark_non_differentiable = save_for_backward

    def set_materialize_grads(self, value: bool) -> None:
        """Keep nothing."""


def is_layer_class(value: type) -> bool:
    """Whether its objects are layers, losses or networks; autograd's own classes are none."""
    if issubclass(value, torch.autograd.Function):
        return False
    if issubclass(value, nn.Module):
        return "backward" in vars(value)
    if is_object_class(value):
        return True
    return callable(getattr(value, "loss", None)) and _has_params(value)


def _has_params(value: type) -> bool:
    """Whether the code of a class, or of one that it is derived from, has self.params."""
    methods = (part for base in value.__mro__[:-1] for part in vars(base).values())
    used = (getattr(method, "__code__", None) for method in methods)
    return hasattr(value, "params") or any(code and "params" in code.co_names for code in used)
