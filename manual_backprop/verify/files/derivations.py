"""Which derivations a file has: its functions and classes by their names, each with its forward."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from manual_backprop.derive.command_line.function_names import (
    forward_of,
    is_backward,
    is_check,
    loss_of,
    parsed,
)
from manual_backprop.derive.computation import is_function_class
from manual_backprop.verify.files.classes import is_layer_class, own_forward, reference_of
from manual_backprop.verify.files.derivatives import of_arguments, of_output, takes_upstream
from manual_backprop.verify.files.losses import returns_gradients
from manual_backprop.verify.forms.objects import own_methods

CELL = re.compile(r"\.ipynb, cell \d+$")
TOLD_MISSING = ("backward", "backwards", "bwd", "bprop", "backprop")


@dataclass(frozen=True)
class Derivation:
    """What is to be judged.

    Attributes:
        name: of the backward, of the class, or of the loss that returns its gradients.
        forward: what is computed; None where it was not found.
        backward: what was derived; None where the forward has its gradients in it.
        against: what is computed, where the forward has a backward of its own.
        remark: what is to be said of how it is judged.
        of_output: the same backward as a function of the forward's output, which it may be meant to take.
        made: the class of a layer; the forward is to be made of it.
    """

    name: str
    forward: Any = None
    backward: Callable[..., Any] | None = None
    against: Any = None
    remark: str = ""
    of_output: Callable[..., Any] | None = None
    made: type | None = None

    @property
    def counted(self) -> str:
        """Where the lines of a derivation are counted, if that is a cell of a notebook; else ""."""
        judged = self.backward or self.made or self.forward
        methods = (*own_methods(judged), judged)
        codes = (getattr(inspect.unwrap(m), "__code__", None) for m in methods if callable(m))
        file = next((code.co_filename for code in codes if code), "")
        return f"Lines are counted in {Path(file).name}." if CELL.search(file) else ""


def derivations_in(found: Mapping[str, Any]) -> list[Derivation]:
    """All that a file has, in its order.

    Args:
        found: what the names of the file stand for.
    """
    own = {name: value for name, value in found.items() if _is_written_there(value, found)}
    derivations = [d for name in own if (d := _found_by_name(name, own, found)) is not None]
    used = {id(part) for d in derivations for part in (d.forward, d.backward, d.against)}
    used |= {id(getattr(d.backward, "__wrapped__", None)) for d in derivations}
    losses = {
        name: Derivation(name, value)
        for name, value in own.items()
        if id(value) not in used and not isinstance(value, type) and returns_gradients(value)
    }
    by_name = {d.name: d for d in derivations} | losses
    return [by_name[name] for name in own if name in by_name]


def derivation_named(name: str, against: str | None, found: Mapping[str, Any]) -> Derivation | None:
    """The derivation of this name, or that of which it is the forward.

    Args:
        name: of a backward, a class, a loss, or a forward; one that `found` has.
        against: the name of its forward, if that is said.
        found: what the names of the file stand for.

    Returns:
        None if it has no forward that could be found.
    """
    value = found[name]
    own = {key: part for key, part in found.items() if callable(part)}
    if against is not None:
        if is_function_class(value) or isinstance(value, nn.Module):
            return Derivation(name, value, against=found[against])
        return _judged(name, found[against], value)
    if isinstance(value, type):
        return _of_class(name, value, own)
    if _is_layer(value):
        return Derivation(name, value)
    by_name = _found_by_name(name, own, found)
    if by_name is not None and by_name.forward is not None:
        return by_name
    if returns_gradients(value):
        return Derivation(name, value)
    if not is_backward(name):
        for other in derivations_in(found):
            if value in (other.forward, other.against):
                return other
    if callable(found.get("forward")) and name != "forward":
        return _judged(name, found["forward"], value)
    return None


def _found_by_name(name: str, own: Mapping[str, Any], found: Mapping[str, Any]) -> Derivation | None:
    value = own[name]
    if isinstance(value, type):
        return None if _is_abstract(value, own) else _of_class(name, value, own)
    if _is_layer(value):
        return None if type(value) in own.values() else Derivation(name, value)
    if is_check(name) or isinstance(value, nn.Module):
        return None
    words = parsed(name)
    is_plain = words.role == "plain" and not name.startswith("d")
    if words.role == "forward" or (is_plain and loss_of(name, _functions(own)) is None):
        return None
    forward = forward_of(name, _functions(own)) or forward_of(name, _functions(found))
    if forward is not None:
        return _judged(name, found[forward], value)
    said = any(word in name.lower() for word in TOLD_MISSING) and not name.startswith("_")
    return Derivation(name, backward=value) if words.role == "backward" and said else None


def _judged(name: str, forward: Any, backward: Any) -> Derivation:
    if is_backward(name) or takes_upstream(backward, forward):
        return Derivation(name, forward, backward)
    return Derivation(name, forward, of_arguments(backward, forward), of_output=of_output(backward))


def _functions(names: Mapping[str, Any]) -> Iterator[str]:
    return (n for n, value in names.items() if callable(value) and not isinstance(value, type))


def _of_class(name: str, value: type, own: Mapping[str, Any]) -> Derivation | None:
    if is_function_class(value):
        reference = reference_of(name, own)
        if reference is not None:
            return Derivation(name, value, against=own[reference])
        return Derivation(
            name,
            value,
            against=own_forward(value),
            remark="Judged against what its own forward computes, since there is no function "
            f"{parsed(name).stem} or forward beside it.",
        )
    if is_layer_class(value):
        made = next((part for part in own.values() if type(part) is value), None)
        return Derivation(name, made, made=value)
    return None


def _is_layer(value: Any) -> bool:
    return not isinstance(value, type) and is_layer_class(type(value))


def _is_abstract(value: type, own: Mapping[str, Any]) -> bool:
    """Whether it is only there for the classes that are derived from it."""
    derived = any(isinstance(o, type) and issubclass(o, value) and o is not value for o in own.values())
    return inspect.isabstract(value) or (derived and not _computes(value))


def _computes(value: Any) -> bool:
    """Whether a layer's backward does more than to raise, or to pass."""
    method = next(iter(own_methods(value)), None)
    code = getattr(method, "__code__", None)
    return code is None or ("NotImplementedError" not in code.co_names and len(code.co_code) > SHORTEST)


SHORTEST = 8  # bytes of the code of a function that only passes


def _is_written_there(value: Any, found: Mapping[str, Any]) -> bool:
    module = found.get("__name__")
    if isinstance(value, partial):
        return getattr(value.func, "__module__", None) == module
    if callable(value) and getattr(value, "__module__", None) == module:
        return True
    return getattr(type(value), "__module__", None) == module and _is_layer(value)
