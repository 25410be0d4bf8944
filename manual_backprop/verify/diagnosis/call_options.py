"""The options of a call of a torch function: what each is, and what torch takes where it is not given."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.forward_calls import Arguments, Call, Keywords, Replacement

UNKNOWN = object()
NO_OPTIONS = ("input", "self", "size", "shape", "dtype", "device", "out", "inplace", "generator", "tensor")


@dataclass(frozen=True)
class Option:
    """An argument that is no operand.

    Attributes:
        name: as torch has it.
        key: its place among the positional arguments, or its name where it is given or added by name.
        value: what it is in this call.
        default: torch's own, UNKNOWN where there is none.
    """

    name: str
    key: int | str
    value: Any
    default: Any

    def set_to(self, value: Any) -> Replacement:
        """The call with another value."""

        def replacement(function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> Any:
            if isinstance(self.key, int):
                return function(*args[: self.key], value, *args[self.key + 1 :], **kwargs)
            return function(*args, **{**kwargs, self.key: value})

        return replacement


def options_of(call: Call) -> list[Option]:
    """Its options, those that are not given too."""
    parameters = _of_python(call.function) or _of_schema(call)
    given: list[Option] = []
    names = list(parameters)
    for i, value in enumerate(call.args):
        if i < len(names):
            given.append(Option(names[i], i, value, parameters[names[i]]))
    known = {option.name for option in given}
    for name, value in call.kwargs.items():
        given.append(Option(name, name, value, parameters.get(name, UNKNOWN)))
        known.add(name)
    absent = [
        Option(name, name, default, default)
        for name, default in parameters.items()
        if name not in known and default is not UNKNOWN
    ]
    return [option for option in (*given, *absent) if option.name not in NO_OPTIONS]


@cache
def _of_python(function: Callable[..., Any]) -> dict[str, Any]:
    """The default of each parameter of a function that is written in Python; none of another."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return {}
    return {p.name: UNKNOWN if p.default is p.empty else p.default for p in parameters}


def _of_schema(call: Call) -> dict[str, Any]:
    """The default of each parameter of the first overload that takes these arguments."""
    packet = getattr(torch.ops.aten, call.name, None)
    for overload in packet.overloads() if packet is not None else ():
        arguments = getattr(packet, overload)._schema.arguments
        if _takes(arguments, call):
            return {a.name: a.default_value if a.has_default_value() else UNKNOWN for a in arguments}
    return {}


def _takes(arguments: list[Any], call: Call) -> bool:
    positional = [a for a in arguments if not a.kwarg_only]
    by_name = {a.name: a for a in arguments}
    if len(call.args) > len(positional) or "out" in by_name:
        return False
    if not all(_fits(str(a.type), value) for a, value in zip(positional, call.args, strict=False)):
        return False
    given = {a.name for a in positional[: len(call.args)]}
    needed = {a.name for a in arguments if not a.has_default_value()}
    return needed <= given | set(call.kwargs) and all(
        name not in by_name or _fits(str(by_name[name].type), value) for name, value in call.kwargs.items()
    )


def _fits(kind: str, value: Any) -> bool:
    """Whether an argument of this type takes the value."""
    if value is None:
        return kind.startswith("Optional")
    kind = kind.removeprefix("Optional[").removesuffix("]") if kind.startswith("Optional") else kind
    if isinstance(value, Tensor):
        return kind == "Tensor"
    if isinstance(value, bool):
        return kind in ("bool", "number")
    if isinstance(value, str):
        return kind == "str"
    if isinstance(value, int | float):
        return kind in ("number", "int", "float", "SymInt", "List[int]", "List[SymInt]")
    return kind.startswith("List")
