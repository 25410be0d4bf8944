"""What can be judged: a function, a torch.autograd.Function, a module, a module with a loss."""

import inspect
from collections.abc import Callable
from typing import Any, TypeGuard, cast

import torch
from torch import Tensor, nn

Subject = (
    Callable[..., Tensor]
    | type[torch.autograd.Function]
    | nn.Module
    | tuple[nn.Module, Callable[..., Tensor]]
)


def parameters_of(subject: Subject) -> dict[str, Tensor]:
    """The parameters of a module, which are inputs like others here; none of a function."""
    module = _module(subject)
    return {} if module is None else {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}


def function_of_subject(subject: Subject, names: tuple[str, ...] = ()) -> Callable[..., Tensor]:
    """A function of the inputs, followed by the parameters of these names.

    Of a module with a loss, the last of the inputs is the loss's target.
    """
    if is_function_class(subject):
        return subject.apply
    module = _module(subject)
    if module is None:
        return cast(Callable[..., Tensor], subject)
    loss = subject[1] if isinstance(subject, tuple) else None

    def function(*values: Tensor) -> Tensor:
        count = len(values) - len(names)
        inputs = values[: count - 1] if loss else values[:count]
        state = dict(zip(names, values[count:], strict=True))
        buffers = {name: b.clone() for name, b in module.named_buffers()}  # batch norm writes to its own
        output = torch.func.functional_call(module, {**state, **buffers}, inputs)
        return loss(output, values[count - 1]) if loss else output

    return function


def names_of(subject: Subject, count: int) -> tuple[str, ...]:
    """The inputs' names, from the signature; x0, x1, … where it does not say."""
    if is_function_class(subject):
        old = subject.setup_context is torch.autograd.Function.setup_context
        names = _parameters(subject.forward)[1 if old else 0 :]
    elif (module := _module(subject)) is not None:
        names = _parameters(module.forward)
        if isinstance(subject, tuple):
            names = [*names[: count - 1], "target"]
    else:
        names = _parameters(subject)
    return tuple(names[:count]) if len(names) >= count else tuple(f"x{i}" for i in range(count))


def _parameters(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def is_function_class(subject: Any) -> TypeGuard[type[torch.autograd.Function]]:
    """Whether it is a torch.autograd.Function subclass, rather than a function."""
    return isinstance(subject, type) and issubclass(subject, torch.autograd.Function)


def _module(subject: Subject) -> nn.Module | None:
    first = subject[0] if isinstance(subject, tuple) else subject
    return first if isinstance(first, nn.Module) else None
