"""Derivatives without an upstream gradient, `sigmoid_prime(x)`: of elementwise functions and of losses."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from manual_backprop.verify.forms.parameters import UPSTREAM


def takes_upstream(backward: Callable[..., Any], forward: Any) -> bool:
    """Whether a backward is given an upstream gradient first: its name says so, or one parameter more."""
    ours, theirs = _parameters(backward), _parameters(forward)
    if ours is None or theirs is None or not ours:
        return True
    if ours[0] in theirs:
        return False
    return UPSTREAM.fullmatch(ours[0]) is not None or len(ours) > len(theirs)


def times_upstream(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """The backward that multiplies a derivative by the upstream gradient."""

    @wraps(derivative)
    def backward(grad_output: Any, *inputs: Any, **options: Any) -> Any:
        return _times(grad_output, derivative(*inputs, **options))

    upstream = inspect.Parameter("grad_output", inspect.Parameter.POSITIONAL_ONLY)
    own = [*inspect.signature(derivative).parameters.values()]
    if any(p.kind is p.POSITIONAL_OR_KEYWORD for p in own):
        upstream = upstream.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
    backward.__signature__ = inspect.Signature([upstream, *own])  # type: ignore[attr-defined]
    return backward


def of_output(derivative: Callable[..., Any]) -> Callable[..., Any] | None:
    """The same, of a derivative that is given the output: a (1 − a) of a = σ(x). None if it takes more."""
    parameters = _parameters(derivative)
    if parameters is None or len(parameters) != 1:
        return None

    @wraps(derivative)
    def backward(grad_output: Any, x: Any, output: Any) -> Any:
        return _times(grad_output, derivative(output))

    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    backward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, named) for name in ("grad_output", "x", "output")]
    )
    return backward


def _times(upstream: Any, derivative: Any) -> Any:
    if isinstance(derivative, dict):
        return {name: _times(upstream, part) for name, part in derivative.items()}
    if isinstance(derivative, tuple | list):
        return tuple(_times(upstream, part) for part in derivative)
    return derivative if derivative is None else upstream * derivative


def _parameters(function: Any) -> list[str] | None:
    """The names of those without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters if p.default is p.empty]
