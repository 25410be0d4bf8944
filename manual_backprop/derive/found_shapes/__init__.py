"""Arguments that fit a function, where nobody has said their shapes: found by trying, and said."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from manual_backprop.derive.found_shapes.candidates import Arguments
from manual_backprop.derive.found_shapes.guesses import written
from manual_backprop.derive.found_shapes.search import BackwardFails, Found, Search

__all__ = ["BackwardFails", "Found", "found_arguments", "said"]


def found_arguments(
    runs: Callable[[list[Any]], int],
    parameters: Sequence[inspect.Parameter],
    functions: Iterable[Callable[..., Any]] = (),
) -> Found:
    """Arguments on which a function runs, and the gradients of its backward have their inputs' shapes.

    The most plausible ones are tried first: shapes that are documented, then those that the code and the
    names of the parameters let expect, then what the errors ask for. Sizes of different dimensions differ, so
    that a transpose shows. What is found is always the same.

    Args:
        runs: calls the forward, and the backward after it, with one argument for each parameter: a tuple of
            ints is the shape of float64 numbers to draw, an array of NumPy stands for itself (int64 class
            numbers and indices, truths), a dictionary of shapes is one of inputs, another one holds options.
            Returns how many gradients are missing, too many, or not of their input's shape: 0 where all is
            well. Raises what the forward raises, and `BackwardFails` from what the backward raises. It must
            raise a ValueError where the output is empty.
        parameters: those that need an argument.
        functions: the forward, and its backward, whose documentation and code are read.
    """
    functions = [*functions]
    arguments = Arguments(parameters, functions)
    return Search(runs, arguments, functions).found()


def said(parameters: Sequence[inspect.Parameter], arguments: Sequence[Any]) -> str:
    """The arguments in a line: x (5, 3), w (3, 7), y 5 integers below 7, bn_param {"mode": "train"}."""
    names = [p.name for p in parameters]
    return ", ".join(written(zip(names, arguments, strict=True)))
