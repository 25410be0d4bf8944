"""In which of torch and NumPy code is written, and arrays of one as those of the other."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.code import functions_in, names_used
from manual_backprop.derive.arrays.traced import TracedArray, as_tensor
from manual_backprop.derive.forms import jax_arrays

Framework = Literal["torch", "numpy", "jax"]
PACKAGES: dict[str, Framework] = {"torch": "torch", "numpy": "numpy", "scipy": "numpy"}
MOST_VALUES_OF_A_MASK = 2


def is_array(value: Any) -> bool:
    """Whether it is an array of any framework, with at least a dtype and a shape."""
    return isinstance(value, Tensor | np.ndarray | TracedArray) or jax_arrays.is_jax(value)


def is_real(value: Any) -> bool:
    """Whether an array holds real numbers, rather than integers or truths."""
    return as_given(value).is_floating_point()


def has_gradient(value: Any) -> bool:
    """Whether what a function returns may have an upstream gradient, also while JAX traces the function."""
    if isinstance(value, Tensor):
        return value.is_floating_point()
    return jax_arrays.is_jax(value) and jax_arrays.is_inexact(value)


def is_mask(value: Any) -> bool:
    """Whether an array holds zeros and one other value only, as a mask of dropout does."""
    numbers = as_given(value).detach()
    if not numbers.is_floating_point() or numbers.is_meta or numbers.numel() < MOST_VALUES_OF_A_MASK + 1:
        return False
    found = numbers.unique()
    return len(found) <= MOST_VALUES_OF_A_MASK and bool((found == 0).any())


def as_given(value: Any) -> Tensor:
    """An array as a tensor, which may share its memory."""
    if isinstance(value, Tensor):
        return value
    if jax_arrays.is_jax(value):
        return jax_arrays.from_jax(value)
    return as_tensor(value)


def is_value(value: Any) -> bool:
    """Whether it is an array or a number."""
    return is_array(value) or (isinstance(converted(value), Tensor) and not isinstance(value, bool))


def is_number(value: Any) -> bool:
    """Whether it is one number, as an array too."""
    return is_value(value) and converted(value).numel() == 1


def framework_of_values(values: list[Any]) -> Framework | None:
    """Of arrays, wherever they are among arguments."""
    for value in values:
        if isinstance(value, np.ndarray):
            return "numpy"
        if isinstance(value, Tensor):
            return "torch"
        if jax_arrays.is_jax(value):
            return "jax"
        if isinstance(value, dict | list | tuple):
            inside = [*value.values()] if isinstance(value, dict) else [*value]
            if (found := framework_of_values(inside)) is not None:
                return found
    return None


def framework_of(*functions: Any) -> Framework | None:
    """What functions, methods or classes call: read off the names in their code; None if nothing tells."""
    if any(jax_arrays.uses_jax(function) for function in functions):
        return "jax"
    found: Counter[Framework] = Counter()
    used = [_module_of(function) for function in functions]
    used += [_module_of(x) for f in functions_in(*functions) for x in names_used(f).values()]
    packages = (module.partition(".")[0] for module in used)
    found.update(PACKAGES[package] for package in packages if package in PACKAGES)
    return found.most_common(1)[0][0] if found else None


def framework_of_module(value: Any) -> Framework | None:
    """What the modules of functions import, if it is one only."""
    used = [x for f in functions_in(value) for x in f.__globals__.values() if issubclass(type(x), ModuleType)]
    found = {PACKAGES[package] for x in used if (package := x.__name__.partition(".")[0]) in PACKAGES}
    return found.pop() if len(found) == 1 else None


def _module_of(value: Any) -> str:
    """Where a function or a value comes from; of torch's functions written in C, their class does."""
    if issubclass(type(value), ModuleType):
        return str(value.__name__)
    with suppress(Exception):  # what someone's object says of itself may be anything
        for of in (value, getattr(value, "__self__", None), type(value)):
            module = getattr(of, "__module__", None)
            if of is not None and isinstance(module, str):
                return module
    return ""


def own_array(framework: Framework, tensor: Tensor, *, shared: bool = True) -> Any:
    """A tensor as an array of the framework; `shared`: in the same memory, where that can be."""
    if framework == "torch":
        return tensor
    if framework == "jax":
        return jax_arrays.to_jax(tensor)
    array = tensor.detach().cpu().resolve_conj().resolve_neg().numpy()
    return array if shared else array.copy()


def converted(value: Any) -> Any:
    """What code returns, as a tensor where it is an array or a number; else as it is."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, bool | str) or value is None:
        return value
    if is_array(value):
        return as_given(value)
    if isinstance(value, int | float | complex | np.generic):
        return as_tensor(value)
    return value


@contextmanager
def running(seed: int) -> Iterator[None]:
    """Run someone's code: global random generators begin at the seed, JAX computes in float64, as NumPy does.

    NumPy does not warn of infinities.
    """
    state, pythons = np.random.get_state(), random.getstate()
    np.random.seed(seed % 2**32)
    random.seed(seed)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    try:
        with np.errstate(all="ignore"), jax_arrays.in_float64():
            yield
    finally:
        np.random.set_state(state)
        random.setstate(pythons)
