"""Layers, losses and networks as objects: which they are, and what their methods are called."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

LOSSES = (
    *("loss", "cost", "compute_loss", "compute_cost", "calculate_loss", "loss_function", "cost_function"),
    "costFunction",
)
FORWARDS = (
    *("forward", "__call__", "forward_pass", "forward_propagation", "forward_prop", "feedforward"),
    *LOSSES,
)
BACKWARDS = (
    *("backward", "backward_pass", "backward_propagation", "backward_prop", "backprop", "backpropagation"),
    *("gradient", "gradients", "grad", "grads"),
    *("compute_gradients", "compute_gradient", "compute_grads", "derivative", "prime", "costFunctionPrime"),
)


def methods(of: Any) -> tuple[str, str] | None:
    """What forward and backward of a layer, a loss or their class are called; None if it has not both.

    Where the backward's parameters are those of a loss, as of `gradient(x, y)` and `loss(x, y)`, that is the
    forward; then the first that has them, or else the first.
    """
    kind = of if isinstance(of, type) else type(of)
    backwards = BACKWARDS[:1] if issubclass(kind, nn.Module | torch.autograd.Function) else BACKWARDS
    forwards = [name for name in FORWARDS if _has_method(of, kind, name)]
    backward = next((name for name in backwards if _has_method(of, kind, name)), None)
    if backward is None or not forwards:
        return None
    taken = _parameters(of, backward)
    fitting = [name for name in forwards if taken and taken <= _parameters(of, name)]
    losses = [name for name in fitting if name in LOSSES]
    return next(iter([*losses, *fitting]), forwards[0]), backward


def _has_method(of: Any, kind: type, name: str) -> bool:
    own = any(name in vars(base) for base in kind.__mro__) or (
        of is not kind and name in getattr(of, "__dict__", ())
    )
    return own and callable(getattr(of, name))


def _parameters(of: Any, method: str) -> set[str]:
    """The names of what a method must be given."""
    try:
        parameters = inspect.signature(getattr(of, method)).parameters
    except (TypeError, ValueError):
        return set()
    return {name for name, p in parameters.items() if p.default is p.empty and name != "self"}


def is_object(value: Any) -> bool:
    """Whether it is a layer with `forward` and `backward`, or a network with `params` and `loss`."""
    if isinstance(value, type):
        return False
    return methods(value) is not None or is_network(value)


def is_object_class(value: type) -> bool:
    """Whether its instances are such objects."""
    return methods(value) is not None


def is_network(value: Any) -> bool:
    """Whether it has `params` and a `loss` that may return gradients."""
    return callable(getattr(value, "loss", None)) and isinstance(getattr(value, "params", None), Mapping)


def called(value: Any) -> Any:
    """The method that is given the inputs."""
    found = methods(value)
    return getattr(value, found[0]) if found else value.loss


def own_methods(of: Any) -> tuple[Any, ...]:
    """The methods of such an object or class, the backward first; or else its loss."""
    found = methods(of)
    names = (found[1], found[0]) if found else ("loss",)
    return tuple(getattr(of, name) for name in names if callable(getattr(of, name, None)))
