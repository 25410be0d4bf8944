"""What can be judged: a function, a torch.autograd.Function, a module, a module with a loss."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import torch
from torch import Tensor, nn

Computation = (
    Callable[..., Tensor]
    | type[torch.autograd.Function]
    | nn.Module
    | tuple[nn.Module, Callable[..., Tensor]]
)


@dataclass(frozen=True)
class NamedInputs:
    """A function of tensors whose own signature does not tell what they are called.

    Attributes:
        function: what is computed.
        names: of its inputs.
    """

    function: Callable[..., Tensor]
    names: tuple[str, ...]

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Compute it."""
        return self.function(*inputs)


def is_computation(value: Any) -> TypeGuard[Computation]:
    """Whether it is something that can be judged, or judged against."""
    if isinstance(value, tuple):
        return len(value) == 2 and isinstance(value[0], nn.Module) and callable(value[1])
    return callable(value)


def parameters_of(computation: Computation) -> dict[str, Tensor]:
    """The parameters of a module, which are judged like inputs; a function has none."""
    module = _module(computation)
    return {} if module is None else {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}


def buffers_of(computation: Computation) -> dict[str, Tensor]:
    """A module's buffers of real numbers, such as running statistics, and its frozen parameters."""
    module = _module(computation)
    if module is None:
        return {}
    frozen = {n: p.detach() for n, p in module.named_parameters() if not p.requires_grad}
    return frozen | {n: b.detach() for n, b in module.named_buffers() if b.is_floating_point()}


def first_number_of(computation: Computation) -> Tensor | None:
    """A floating-point tensor of a module, whose type and device its inputs should have."""
    module = _module(computation)
    held = () if module is None else (*module.parameters(), *module.buffers())
    return next((x.detach() for x in held if x.is_floating_point()), None)


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
        exact = any(x.dtype in (torch.float64, torch.complex128) for x in values)
        held = {  # copies: batch norm writes to its buffers
            name: x.detach().to(torch.float64 if exact and x.is_floating_point() else x.dtype, copy=True)
            for name, x in (*module.named_parameters(), *module.named_buffers())
            if name not in state
        }
        output = torch.func.functional_call(module, {**held, **state}, inputs)
        return loss(output, values[count - 1]) if loss else output

    return function


def input_names(computation: Computation, count: int) -> tuple[str, ...]:
    """The inputs' names, from the signature; x0, x1, … if it does not name them all."""
    if isinstance(computation, NamedInputs):
        return computation.names
    if is_function_class(computation):
        old = computation.setup_context is torch.autograd.Function.setup_context
        names = _parameters(computation.forward, count + old)[1 if old else 0 :]
    elif (module := _module(computation)) is not None:
        names = _parameters(module.forward, count)
        if isinstance(computation, tuple):
            names = [*names[: count - 1], "target"]
    else:
        names = _parameters(computation, count)
    return tuple(names[:count]) if len(names) >= count else tuple(f"x{i}" for i in range(count))


def _parameters(function: Any, count: int) -> list[str]:
    """The names of what is given by position; tensors[0], tensors[1], … of `*tensors`, up to `count`."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    return [*names, *(f"{name}[{at}]" for name in rest for at in range(count - len(names)))]


def is_function_class(computation: Any) -> TypeGuard[type[torch.autograd.Function]]:
    """Whether it is a torch.autograd.Function subclass, rather than a function."""
    return isinstance(computation, type) and issubclass(computation, torch.autograd.Function)


def is_module(computation: Any) -> bool:
    """Whether it is a module, or one with a loss."""
    return _module(computation) is not None


def _module(computation: Computation) -> nn.Module | None:
    first = computation[0] if isinstance(computation, tuple) else computation
    return first if isinstance(first, nn.Module) else None
