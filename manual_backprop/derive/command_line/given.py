"""The arguments of a forward that a command line gives, by position and by name; or those that are found."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from manual_backprop.derive.command_line.requests import CannotRead

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


def arguments_for(forward: Any, backward: Any) -> list[Any] | dict[str, Any]:
    """Arguments that fit, found by trying.

    Raises:
        CannotRead: none were found.
    """
    raise CannotRead('--shapes is missing: give one for each input, such as --shapes "(5,3) (7,3) (7,)"')
