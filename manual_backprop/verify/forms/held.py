"""The arrays that layers and networks hold: which are parameters, and where gradients are left."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from manual_backprop.derive.forms.frameworks import converted, is_array, is_real, is_value
from manual_backprop.verify.forms.gradients import bare
from manual_backprop.verify.forms.parameters import CACHES, RATES, parameters_of

Path = tuple[str | int, ...]
GRADIENTS = ("grads", "grad", "gradients", "dparams", "gradient")
PARAMETERS = ("params", "parameters", "weights", "param")
OUTPUTS = ("output", "outputs", "out", "y", "z", "a", "activation", "value", "loss")
BIAS = re.compile(r"b\d*|bias\d*|intercept\w*")
DEEPEST = 6


@dataclass(frozen=True)
class Parameter:
    """An array of an object.

    Attributes:
        name: what it is called.
        path: where it is, by attributes and keys.
        gradient: where its gradient is after a backward; () where that is returned, or told by its change.
    """

    name: str
    path: Path
    gradient: Path = ()


def output_left(value: Any) -> Any:
    """The output that a forward leaves in its object rather than to return it; None if there is none."""
    return next((x for name in OUTPUTS if is_value(x := getattr(value, name, None))), None)


def rate_of(value: Any) -> str:
    """What a layer calls its learning rate; "" if it has none."""
    return next((name for name in RATES if isinstance(getattr(value, name, None), int | float)), "")


def are_methods_of_one(forward: Any, backward: Any) -> bool:
    """Whether they are methods of one object, which holds arrays; a cache is passed without it."""
    if not inspect.ismethod(forward) or not inspect.ismethod(backward):
        return False
    value = forward.__self__
    cached = any(p.name.lower() in CACHES for p in parameters_of(backward))
    return (
        value is backward.__self__ and not isinstance(value, type) and not cached and bool(arrays_in(value))
    )


def arrays_in(value: Any) -> list[Any]:
    """All arrays that an object holds, each once."""
    found: dict[int, Any] = {}
    for _, _, array in arrays_with_paths(value, (), DEEPEST, set()):
        found[id(array)] = array
    return list(found.values())


def first_number_of(value: Any) -> Tensor | None:
    """A tensor of a layer of tensors, whose type and device its inputs should have."""
    return next((x for x in arrays_in(value) if isinstance(x, Tensor) and x.is_floating_point()), None)


def with_arrays(value: Any, instead: Mapping[int, Any]) -> Any:
    """A copy of an object that has other arrays in the place of those with these ids."""
    return deepcopy(value, {**instead})


def with_numbers_as_arrays(value: Any) -> Any:
    """A copy of an object, in which a bias that is a plain number, `self.b = 0`, is an array."""
    copy = with_arrays(value, {})
    for name, number in vars(copy).items() if hasattr(copy, "__dict__") else ():
        if isinstance(number, int | float) and not isinstance(number, bool) and BIAS.fullmatch(name):
            setattr(copy, name, np.array(float(number)))
    return copy


def at(value: Any, path: Path) -> Any:
    """What is at a path; None if nothing is."""
    for key in path:
        try:
            value = value[key] if hasattr(value, "__getitem__") else getattr(value, str(key))
        except (KeyError, IndexError, AttributeError):
            return None
    return value


def arrays_kept(before: Any, after: Any) -> list[Parameter]:
    """The arrays of real numbers that a layer still has after forward and backward, in their order."""
    return [
        Parameter(name_of(before, path, array), path)
        for path, _, array in arrays_with_paths(before, (), DEEPEST, set())
        if is_real(array) and at(after, path) is array
    ]


def changed(before: Any, after: Any) -> list[Parameter]:
    """The arrays of real numbers that a backward moves: no gradients that it writes anew.

    Args:
        before: a copy of the layer, with arrays of its own.
        after: the layer, after its backward.
    """
    found: dict[int, Parameter] = {}
    for path, _, array in arrays_with_paths(before, (), DEEPEST, set()):
        there = at(after, path)
        if _is_gradient(before, path) or not is_real(array) or not is_like(there, array):
            continue
        if not bool((there == array).all()):
            found.setdefault(id(array), Parameter(name_of(before, path, array), path))
    return list(found.values())


def _is_gradient(value: Any, path: Path) -> bool:
    """Whether an array is called as the gradient of another one beside it, dW beside W."""
    *parents, key = path
    if not isinstance(key, str) or key in GRADIENTS:
        return key in GRADIENTS
    return bare(key) != key and at(value, (*parents, bare(key))) is not None


def returned_for(kept: Sequence[Parameter], layer: Any, returned: Any) -> list[Parameter]:
    """Of the arrays that a layer keeps, those whose gradients are returned: by name, or by shape."""
    each = list({id(at(layer, p.path)): p for p in reversed(kept)}.values())[::-1]
    if isinstance(returned, Mapping):
        names = {bare(str(key)) for key in returned} | {str(key) for key in returned}
        return [p for p in each if str(p.path[-1]) in names]
    several = returned if isinstance(returned, tuple | list) else [returned]
    shapes = [tuple(converted(g).shape) for g in several if is_value(g)]
    found = []
    for parameter in each:
        shape = tuple(at(layer, parameter.path).shape)
        if shape in shapes:
            shapes.remove(shape)
            found.append(parameter)
    return found


def is_like(value: Any, other: Any) -> bool:
    """Whether it is an array of real numbers of the shape of another."""
    return is_array(value) and is_real(value) and value.shape == other.shape


def name_of(value: Any, path: Path, array: Any) -> str:
    """The shortest way to say where it is: W, layers[0].W."""
    if isinstance(path[-1], int) or (len(path) > 1 and path[-2] in PARAMETERS):
        for other, _, same in arrays_with_paths(value, (), DEEPEST, set()):
            if same is array and isinstance(other[-1], str) and len(other) < len(path):
                path = other
                break
    keys = [key for key in path if key not in PARAMETERS or len(path) == 1 or isinstance(path[-1], int)]
    if keys[-1] in ("data", "value", "values") and len(keys) > 1:
        keys = keys[:-1]
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in keys).lstrip(".")


def arrays_with_paths(value: Any, path: Path, depth: int, seen: set[int]) -> Iterator[tuple[Path, Any, Any]]:
    """Each array that an object holds: where, the one that holds it, and itself."""
    if depth == 0 or id(value) in seen:
        return
    seen.add(id(value))
    parts: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        parts = iter(value.items())
    elif isinstance(value, list | tuple):
        parts = iter(enumerate(value))
    elif _is_users(value):
        parts = iter(vars(value).items())
    for key, part in parts:
        if isinstance(part, np.ndarray | Tensor) or is_array(part):
            yield (*path, key), value, part
        elif isinstance(key, str | int):
            yield from arrays_with_paths(part, (*path, key), depth - 1, seen)


def _is_users(value: Any) -> bool:
    if (
        isinstance(value, type)
        or not hasattr(value, "__dict__")
        or callable(getattr(value, "__code__", None))
    ):
        return False
    package = type(value).__module__.partition(".")[0]
    return package not in ("numpy", "scipy", "torch", "jax", "jaxlib", "builtins", "types", "functools")
