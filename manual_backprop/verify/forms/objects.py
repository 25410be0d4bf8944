"""Layers and networks as objects: which of their arrays are parameters, where their gradients are left."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from manual_backprop.derive.forms.frameworks import is_array, is_real

Path = tuple[str | int, ...]
GRADIENTS = ("grads", "grad", "gradients", "dparams", "gradient")
PARAMETERS = ("params", "parameters", "weights", "param")
DEEPEST = 6


@dataclass(frozen=True)
class Parameter:
    """An array of an object.

    Attributes:
        name: what it is called.
        path: where it is, by attributes and keys.
        gradient: where its gradient is after a backward; () where that is returned.
    """

    name: str
    path: Path
    gradient: Path = ()


def is_object(value: Any) -> bool:
    """Whether it is a layer with `forward` and `backward`, or a network with `params` and `loss`."""
    if isinstance(value, type):
        return False
    return _has_methods(value, "forward", "backward") or is_network(value)


def is_object_class(value: type) -> bool:
    """Whether its instances are such objects."""
    return _has_methods(value, "forward", "backward")


def is_network(value: Any) -> bool:
    """Whether it has `params` and a `loss` that returns gradients."""
    return _has_methods(value, "loss") and isinstance(getattr(value, "params", None), Mapping)


def called(value: Any) -> Any:
    """The method that is given the inputs."""
    return value.loss if is_network(value) else value.forward


def _has_methods(value: Any, *names: str) -> bool:
    return all(callable(getattr(value, name, None)) for name in names)


def arrays_in(value: Any) -> list[Any]:
    """All arrays that an object holds, each once."""
    found: dict[int, Any] = {}
    for _, _, array in _walk(value, (), DEEPEST, set()):
        found[id(array)] = array
    return list(found.values())


def first_number_of(value: Any) -> Tensor | None:
    """A tensor of a layer of tensors, whose type and device its inputs should have."""
    return next((x for x in arrays_in(value) if isinstance(x, Tensor) and x.is_floating_point()), None)


def with_arrays(value: Any, instead: Mapping[int, Any]) -> Any:
    """A copy of an object that has other arrays in the place of those with these ids."""
    return deepcopy(value, {**instead})


def at(value: Any, path: Path) -> Any:
    """What is at a path; None if nothing is."""
    for key in path:
        try:
            value = value[key] if hasattr(value, "__getitem__") else getattr(value, str(key))
        except (KeyError, IndexError, AttributeError):
            return None
    return value


def parameters_of_object(before: Any, after: Any) -> list[Parameter]:
    """The parameters of a layer: arrays that stay, and whose gradients are there after a backward.

    Args:
        before: the object.
        after: the same one, after forward and backward; it holds the same arrays where they were not
            replaced.
    """
    found: dict[int, Parameter] = {}
    for path, _, array in _walk(before, (), DEEPEST, set()):
        if not is_real(array) or id(array) in found or at(after, path) is not array:
            continue
        gradient = _gradient_of(after, path)
        if gradient:
            found[id(array)] = Parameter(_name(before, path, array), path, gradient)
    return list(found.values())


def arrays_kept(before: Any, after: Any) -> list[Parameter]:
    """The arrays of real numbers that a layer still has after forward and backward, in their order."""
    return [
        Parameter(_name(before, path, array), path)
        for path, _, array in _walk(before, (), DEEPEST, set())
        if is_real(array) and at(after, path) is array
    ]


def _gradient_of(value: Any, path: Path) -> Path:
    """Where the gradient of the array at a path is."""
    *parents, key = path
    places: list[Path] = []
    if isinstance(key, str):
        names = (
            f"d{key}",
            f"grad_{key}",
            f"{key}_grad",
            f"d_{key}",
            f"grad{key}",
            f"g{key}",
            f"d{key.lower()}",
        )
        places += [(*parents, name) for name in names]
        places += [(*parents, of, name) for of in GRADIENTS for name in (key, *names)]
        if key in ("data", "value", "values"):
            places.append((*parents, "grad"))
    if parents and parents[-1] in PARAMETERS:
        outside = parents[:-1]
        places += [(*outside, of, key) for of in GRADIENTS]
        if isinstance(key, str):
            places += [(*outside, of, f"d{key}") for of in GRADIENTS]
            places.append((*outside, f"d{key}"))
    own = at(value, path)
    for place in places:
        there = at(value, place)
        if place != path and there is not own and (is_array(there) or isinstance(there, float)):
            return place
    return ()


def _name(value: Any, path: Path, array: Any) -> str:
    """The shortest way to say where it is: W, layers[0].W."""
    if isinstance(path[-1], int) or (len(path) > 1 and path[-2] in PARAMETERS):
        for other, _, same in _walk(value, (), DEEPEST, set()):
            if same is array and isinstance(other[-1], str) and len(other) < len(path):
                path = other
                break
    keys = [key for key in path if key not in PARAMETERS or len(path) == 1 or isinstance(path[-1], int)]
    if keys[-1] in ("data", "value", "values") and len(keys) > 1:
        keys = keys[:-1]
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in keys).lstrip(".")


def _walk(value: Any, path: Path, depth: int, seen: set[int]) -> Iterator[tuple[Path, Any, Any]]:
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
            yield from _walk(part, (*path, key), depth - 1, seen)


def _is_users(value: Any) -> bool:
    if (
        isinstance(value, type)
        or not hasattr(value, "__dict__")
        or callable(getattr(value, "__code__", None))
    ):
        return False
    package = type(value).__module__.partition(".")[0]
    return package not in ("numpy", "scipy", "torch", "jax", "jaxlib", "builtins", "types", "functools")
