"""What can be judged: a function, a torch.autograd.Function, a module, a module with a loss."""

import inspect
from collections.abc import Callable
from typing import Any, TypeGuard, cast

import torch
from torch import Tensor, nn

Computation = (
    Callable[..., Tensor]
    | type[torch.autograd.Function]
    | nn.Module
    | tuple[nn.Module, Callable[..., Tensor]]
)


def parameters_of(computation: Computation) -> dict[str, Tensor]:
    """The parameters of a module, which are judged like inputs; a function has none."""
    module = _module(computation)
    return {} if module is None else {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}


def as_function(computation: Computation, names: tuple[str, ...] = ()) -> Callable[..., Tensor]:
    """A function of the inputs, followed by the parameters of these names.

    Of a module with a loss, the last of the inputs is the loss's target.
    """
    if is_function_class(computation):
        return computation.apply
    module = _module(computation)
    if module is None:
        return cast(Callable[..., Tensor], computation)
    loss = computation[1] if isinstance(computation, tuple) else None

    def function(*values: Tensor) -> Tensor:
        count = len(values) - len(names)
        inputs = values[: count - 1] if loss else values[:count]
        state = dict(zip(names, values[count:], strict=True))
        buffers = {name: b.clone() for name, b in module.named_buffers()}  # batch norm writes to its own
        output = torch.func.functional_call(module, {**state, **buffers}, inputs)
        return loss(output, values[count - 1]) if loss else output

    return function


def input_names(computation: Computation, count: int) -> tuple[str, ...]:
    """The inputs' names, from the signature; x0, x1, … if it does not name them all."""
    if is_function_class(computation):
        old = computation.setup_context is torch.autograd.Function.setup_context
        names = _parameters(computation.forward)[1 if old else 0 :]
    elif (module := _module(computation)) is not None:
        names = _parameters(module.forward)
        if isinstance(computation, tuple):
            names = [*names[: count - 1], "target"]
    else:
        names = _parameters(computation)
    return tuple(names[:count]) if len(names) >= count else tuple(f"x{i}" for i in range(count))


def _parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def is_function_class(computation: Any) -> TypeGuard[type[torch.autograd.Function]]:
    """Whether it is a torch.autograd.Function subclass, rather than a function."""
    return isinstance(computation, type) and issubclass(computation, torch.autograd.Function)


def _module(computation: Computation) -> nn.Module | None:
    first = computation[0] if isinstance(computation, tuple) else computation
    return first if isinstance(first, nn.Module) else None
