"""Derivatives without an upstream gradient, `sigmoid_prime(x)`: of elementwise functions and of losses."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from manual_backprop.verify.forms.parameters import UPSTREAM
from manual_backprop.verify.forms.slopes import times


def takes_upstream(backward: Callable[..., Any], forward: Any) -> bool:
    """Whether a backward is given an upstream gradient first: its name says so, or one parameter more."""
    ours, theirs = _parameters(backward), _parameters(forward)
    if ours is None or theirs is None or not ours:
        return True
    if ours[0] in theirs:
        return False
    return UPSTREAM.fullmatch(ours[0]) is not None or len(ours) > len(theirs)


def of_arguments(derivative: Callable[..., Any], forward: Any) -> Callable[..., Any]:
    """The same, of arguments that are called as those of the forward are, where it takes as many."""
    ours, theirs = _parameters(derivative), _parameters(forward)
    if ours is None or theirs is None or len(ours) != len(theirs) or set(ours) <= set(theirs):
        return derivative

    @wraps(derivative)
    def backward(*arguments: Any) -> Any:
        return derivative(*arguments)

    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    backward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, named) for name in theirs]
    )
    return backward


def of_output(derivative: Callable[..., Any]) -> Callable[..., Any] | None:
    """The same, of a derivative that is given the output: a (1 − a) of a = σ(x). None if it takes more."""
    parameters = _parameters(derivative)
    if parameters is None or len(parameters) != 1:
        return None

    @wraps(derivative)
    def backward(grad_output: Any, x: Any, output: Any) -> Any:
        return times(grad_output, derivative(output))

    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    backward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, named) for name in ("grad_output", "x", "output")]
    )
    return backward


def _parameters(function: Any) -> list[str] | None:
    """The names of those without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters if p.default is p.empty]
