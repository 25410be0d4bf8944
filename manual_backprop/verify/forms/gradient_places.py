"""Where a layer leaves the gradients of its inputs and of its parameters, by their names."""

import re
from collections.abc import Sequence
from typing import Any

from manual_backprop.derive.forms.frameworks import is_array, is_real, is_value
from manual_backprop.verify.forms.held import (
    DEEPEST,
    GRADIENTS,
    PARAMETERS,
    Parameter,
    Path,
    arrays_with_paths,
    at,
    is_like,
    name_of,
)

INPUTS = ("inputs", "input", "x", "X", "in")


def gradients_left(value: Any, inputs: Sequence[str]) -> tuple[Any, ...]:
    """The gradients of the inputs that a backward leaves in its object; None where there is none."""
    found = []
    for number, name in enumerate(inputs):
        names = (name,) if number else (name, *INPUTS)
        places = (place for each in names for place in _gradient_names(each))
        found.append(next((g for place in places if is_value(g := getattr(value, place, None))), None))
    return tuple(found)


def _gradient_names(name: str) -> tuple[str, ...]:
    return (
        f"d{name}",
        f"grad_{name}",
        f"{name}_grad",
        f"{name}_gradient",
        f"d_{name}",
        f"grad{name}",
        f"g{name}",
        f"d{name.lower()}",
    )


def parameters_of_object(before: Any, after: Any) -> list[Parameter]:
    """The parameters of a layer: arrays that stay, and whose gradients are there after a backward.

    Args:
        before: the object.
        after: the same one, after forward and backward; it holds the same arrays where they were not
            replaced.
    """
    found: dict[int, Parameter] = {}
    for path, _, array in arrays_with_paths(before, (), DEEPEST, set()):
        if not is_real(array) or id(array) in found or at(after, path) is not array:
            continue
        gradient = _gradient_of(after, path) or _gradient_called_like(before, after, path)
        if gradient:
            found[id(array)] = Parameter(name_of(before, path, array), path, gradient)
    return list(found.values())


def _gradient_of(value: Any, path: Path) -> Path:
    """Where the gradient of the array at a path is."""
    *parents, key = path
    places: list[Path] = []
    if isinstance(key, str):
        names = _gradient_names(key)
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
    if isinstance(key, str):
        places += [(*parents, of) for of in GRADIENTS if is_like(at(value, (*parents, of)), own)]
    for place in places:
        there = at(value, place)
        if place != path and there is not own and (is_array(there) or isinstance(there, float)):
            return place
    return ()


def _gradient_called_like(before: Any, after: Any, path: Path) -> Path:
    """Where a gradient is whose name is made of that of an array, or is the same in another dictionary."""
    own = path[-1]
    if not isinstance(own, str):
        return ()
    for place, _, array in arrays_with_paths(after, (), DEEPEST, set()):
        key = place[-1]
        if not isinstance(key, str) or place == path or not is_real(array):
            continue
        is_new = at(before, place) is not array
        made_of_it = OF_A_GRADIENT.search(key) and _stem(OF_A_GRADIENT.sub("", key)) == _stem(own)
        if made_of_it or (key == own and is_new and is_like(array, at(after, path))):
            return place
    return ()


def _stem(name: str) -> str:
    """W and w of weights, _W and weight; b of bias."""
    bare_name = name.strip("_").lower()
    found = re.fullmatch(r"(w)eights?|(b)ias(?:es)?", bare_name)
    return next(filter(None, found.groups())) if found else bare_name


OF_A_GRADIENT = re.compile(
    r"^_?(d[LJlj]_?d_?|delta_?|nabla_?|grad(ient)?s?_?|d_?|g_?)(?=\w)|_?(grads?|gradients?)$", re.IGNORECASE
)
