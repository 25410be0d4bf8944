"""Arguments on which a derivation can be judged, where none are given: found by trying it."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.command_line.given import call_parameters, given_as, not_found
from manual_backprop.derive.command_line.requests import CannotRead
from manual_backprop.derive.computation import is_function_class
from manual_backprop.derive.found_shapes import BackwardFails, found_arguments, said
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms.asked import question_of
from manual_backprop.verify.forms.objects import called, is_network, is_object, own_methods
from manual_backprop.verify.forms.question import Asked
from manual_backprop.verify.forms.returned import Misfit
from manual_backprop.verify.problem import Draw, Malformed, Unjudged
from manual_backprop.verify.settings import with_gradients


def found_for(
    forward: Any, backward: Callable[..., Any] | None, against: Any, *, cache: bool | None
) -> tuple[Any, str]:
    """Arguments that fit, as `verify` takes them in `shapes`, and what they are in words.

    Raises:
        CannotRead: none were found.
    """
    parameters = _parameters_of(forward)
    watched = None if backward is None else Watched(backward)

    def runs(values: list[Any]) -> int:
        given = given_as(parameters, values)
        question = _question(forward, watched and watched.function, against, given, cache)
        return _misfits(question, watched)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of arguments that do not fit
        found = with_gradients(lambda: found_arguments(runs, parameters, _read(forward, backward, against)))
    if found.arguments is None:
        raise not_found(found.error)
    return given_as(parameters, found.arguments), said(parameters, found.arguments)


def _parameters_of(forward: Any) -> list[inspect.Parameter]:
    """Those that arguments are found for."""
    function = called(forward) if is_object(forward) else forward
    return call_parameters(function, with_target=is_network(forward))


def in_words(forward: Any, given: Any) -> str:
    """Arguments as one says them."""
    return said(_parameters_of(forward), [*given.values()] if isinstance(given, dict) else given)


def simpler(forward: Any, given: Any, numbers: Sequence[str]) -> Iterator[Any]:
    """Other arguments of a loss, which it may be meant for: with one output, and with numbers as parameters.

    Args:
        forward: that takes them.
        given: the arguments that were found.
        numbers: the arguments whose gradients may be numbers.
    """
    names = [parameter.name for parameter in _parameters_of(forward)]
    values = [*given.values()] if isinstance(given, dict) else list(given)
    shapes = [tuple(x.shape) if hasattr(x, "shape") else x for x in values]
    shapes = [x if isinstance(x, tuple) else () for x in shapes]
    inner = {size for shape in shapes for size in shape[:-1]}
    last = [shape[-1] for shape in shapes if len(shape) > 1]
    weights = {s[-1] for s in shapes if len(s) == 2 and s[0] in last and s[0] != s[-1]}  # from D to M
    outputs = {size for size in weights if last.count(size) > 1 and size not in inner}
    changed = [
        [s[:-1] if s and s[-1] == n else x for s, x in zip(shapes, values, strict=True)] for n in outputs
    ]
    if numbers:
        changed.append([() if name in numbers else x for name, x in zip(names, values, strict=True)])
    for others in changed:
        yield dict(zip(names, others, strict=True)) if isinstance(given, dict) else others


def _read(forward: Any, backward: Any, against: Any) -> list[Any]:
    """The functions whose code is read."""
    functions = [backward]
    for value in (forward, against):
        if is_object(value):
            functions += own_methods(value)
        elif value is not None and is_function_class(value):
            functions += [value.forward, value.backward]
        else:
            functions.append(value)
    return [f for f in functions if inspect.isfunction(f) or inspect.ismethod(f)]


class Watched:
    """A backward, and how many gradients it returned last.

    Attributes:
        function: the backward, to be called.
    """

    def __init__(self, backward: Callable[..., Any]) -> None:
        self.returned = 0

        @wraps(backward)
        def function(*arguments: Any, **options: Any) -> Any:
            returned = backward(*arguments, **options)
            parts = [*returned.values()] if isinstance(returned, dict) else returned
            self.returned = sum(g is not None for g in parts) if isinstance(parts, tuple | list) else 1
            return returned

        self.function = function


def _misfits(question: Asked, watched: Watched | None) -> int:
    """How many gradients are missing, too many, or not of their input's shape."""
    problem = question.problem
    inputs = sample_of(question.points, 0)
    with torch.no_grad():
        output = problem.forward(*(x.clone() for x in inputs))
    if not output.numel():
        raise ValueError("the output is empty")
    try:
        returned = problem.given(Draw(tuple(inputs), torch.ones_like(output), output))
    except (Malformed, Unjudged) as error:
        if error.__cause__ is None:
            return len(inputs)  # it runs, and does not return a gradient for each
        raise BackwardFails from error.__cause__
    due = [inputs[at] for at in problem.differentiable]
    wrong = sum(isinstance(g, Tensor) and g.shape != x.shape for g, x in zip(returned, due, strict=True))
    return wrong + (max(0, watched.returned - len(inputs)) if watched else 0)


def _question(forward: Any, backward: Any, against: Any, given: Any, cache: bool | None) -> Asked:
    try:
        return question_of(forward, backward, against, given, drawn=True, cache=cache, seed=0)
    except Unjudged as error:
        raise error.__cause__ or error from None
    except Misfit as error:
        raise CannotRead(str(error)) from None
