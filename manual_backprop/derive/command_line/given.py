"""The arguments of a forward that a command line gives, by position and by name; or those that are found."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.command_line.messages import told
from manual_backprop.derive.command_line.requests import CannotRead
from manual_backprop.derive.computation import input_names
from manual_backprop.derive.forms.arguments import arguments_of as forms_arguments_of
from manual_backprop.derive.forms.frameworks import (
    converted,
    framework_of,
    framework_of_module,
    own_array,
    running,
)
from manual_backprop.derive.found_shapes import found_arguments, said
from manual_backprop.derive.numbers import sample_of

TARGET = re.compile(r"y|t|y_true|labels?|targets?")
Named = Sequence[tuple[str | None, Any]]
Parameters = Mapping[str, inspect.Parameter]


def arguments_of(forward: Any, named: Named) -> list[Any] | dict[str, Any]:
    """A list, or a dictionary if one has a name: then those without are named as the parameters are.

    Raises:
        CannotRead: they cannot be named.
    """
    if all(name is None for name, _ in named):
        return [value for _, value in named]
    names = [*parameters_of(forward)]
    missing = [at for at, (name, _) in enumerate(named) if name is None and at >= len(names)]
    if missing:
        raise CannotRead("invalid --shapes: give a name to each argument or to none")
    arguments: dict[str, Any] = {}
    for at, (name, value) in enumerate(named):
        if (name or names[at]) in arguments:
            raise CannotRead(f"invalid --shapes: {name} is given twice, by its position too")
        arguments[name or names[at]] = value
    return arguments


def fitting(forward: Any, named: Named) -> list[Any] | dict[str, Any] | None:
    """Those that are for this forward, among arguments that are for several; None if they are too few."""
    parameters = parameters_of(forward)
    if not parameters:
        return arguments_of(forward, named)
    if any(name for name, _ in named):
        named = [(name, value) for name, value in named if name is None or name in parameters]
    needed = {name for name, p in parameters.items() if p.default is p.empty}
    if len(named) > len(parameters):
        return None
    given = arguments_of(forward, named)
    got = {*given} if isinstance(given, dict) else {*[*parameters][: len(given)]}
    return given if got >= needed else None


def parameters_of(forward: Any) -> Parameters:
    """Of a function, of a torch.autograd.Function, or of an object's forward; none if there is *args."""
    function = forward
    if not inspect.isroutine(forward):
        function = getattr(forward, "forward", None) or getattr(forward, "loss", None) or forward
    try:
        found = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}
    found.pop("ctx", None)
    variable = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found.values())
    return {} if variable else found


def call_parameters(function: Any, *, with_target: bool = False) -> list[inspect.Parameter]:
    """The parameters that need an argument.

    Args:
        function: what is called.
        with_target: also y=None, without which the method `loss` of a network gives its scores.
    """
    found = parameters_of(function).values()
    targets = [p for p in found if with_target and p.default is None and TARGET.fullmatch(p.name)]
    return [p.replace(default=p.empty) for p in found if p.default is p.empty or p in targets]


def given_as(parameters: Sequence[inspect.Parameter], values: Sequence[Any]) -> list[Any] | dict[str, Any]:
    """Values by position; by name where a parameter has to be named."""
    if any(p.kind is p.KEYWORD_ONLY for p in parameters):
        return {p.name: value for p, value in zip(parameters, values, strict=True)}
    return [*values]


def found_for(forward: Any) -> tuple[list[Any] | dict[str, Any], str]:
    """Arguments on which a forward runs, found by trying, and what they are in words.

    Raises:
        CannotRead: none were found.
    """
    parameters = call_parameters(forward)

    def runs(values: list[Any]) -> int:
        given = given_as(parameters, values)
        arguments = forms_arguments_of(given, lambda count: input_names(forward, count), drawn=True)
        sample = sample_of(arguments.given, 0)
        args, keywords = arguments.filled([own_array(framework, x, shared=False) for x in sample])
        with torch.no_grad(), running(0):
            returned = forward(*args, **keywords)
        first = converted(returned[0] if isinstance(returned, tuple | list) and returned else returned)
        if isinstance(first, Tensor) and not first.numel():
            raise ValueError("the output is empty")
        return 0

    framework = framework_of(forward) or framework_of_module(forward) or "torch"
    function = getattr(forward, "forward", forward)
    found = found_arguments(runs, parameters, [function] if inspect.isroutine(function) else [])
    if found.arguments is None:
        raise not_found(found.error)
    return given_as(parameters, found.arguments), said(parameters, found.arguments)


def not_found(error: BaseException | None) -> CannotRead:
    """That no arguments fit, and what was raised where the forward came furthest."""
    if isinstance(error, CannotRead):
        return error
    raised = f": the forward raises {told(error)}" if error is not None else ""
    return CannotRead(
        f'no shapes were found that fit{raised}; give one for each input, such as --shapes "(5,3) (7,3) (7,)"'
    )
