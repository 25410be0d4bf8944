"""Functions that return the derivative of each number, `sigmoid_prime(x)`, without an upstream gradient."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch

from manual_backprop.derive.forms.frameworks import converted, is_value
from manual_backprop.verify.forms.parameters import parameters_of
from manual_backprop.verify.forms.signature import Parameter, call, takes_no_upstream


def judged_as(derivative: Callable[..., Any]) -> str:
    """How a function is judged that returns the derivative of each number."""
    own = ", ".join(p.name for p in parameters_of(derivative))
    return f"Judged as grad_output * {getattr(derivative, '__name__', 'derivative')}({own})."


def slopes_returned(
    backward: Callable[..., Any], parameters: Sequence[Parameter], arguments: Mapping[str, Any], output: Any
) -> int:
    """How many derivatives a backward returns: numbers, or arrays of the output's shape; 0 if it does not."""
    if not takes_no_upstream(parameters):
        return 0
    found: Any = None
    with suppress(Exception, SystemExit), torch.no_grad():  # what raises is no derivative
        found = call(backward, parameters, [], arguments, [output], None)
    several = [*found.values()] if isinstance(found, Mapping) else found
    several = several if isinstance(several, tuple | list) else [several]
    shapes = {tuple(converted(x).shape) if is_value(x) else None for x in several}
    return len(several) if shapes <= {(), tuple(converted(output).shape)} else 0


def times(upstream: Any, derivative: Any) -> Any:
    """The gradients, of derivatives for each number."""
    if isinstance(derivative, Mapping):
        return {name: times(upstream, part) for name, part in derivative.items()}
    if isinstance(derivative, tuple | list):
        return tuple(times(upstream, part) for part in derivative)
    return derivative if derivative is None else upstream * derivative
