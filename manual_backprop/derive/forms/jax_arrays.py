"""Arrays and functions of JAX, beside tensors: values in float64, and gradients by jax.vjp.

JAX is looked at only where someone has imported it: nothing here does. It computes in float32 unless
`jax.enable_x64` says otherwise, which is set for the time of a call and felt by nobody else.
"""

import dis
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.arrays.code import functions_in, names_used

PACKAGES = ("jax", "jaxlib")


def is_jax(value: Any) -> bool:
    """Whether it is an array of numbers of JAX, or stands for one while JAX traces a function.

    A key of `jax.random.key` is none, though JAX keeps it in an array: it has no numbers to be read.
    """
    jax = sys.modules.get("jax")
    if jax is None or not isinstance(value, jax.Array):
        return False
    return not jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key)


def is_inexact(value: Any) -> bool:
    """Whether it is an array of real or complex numbers, of JAX or NumPy; a float is an option."""
    jax = sys.modules["jax"]
    return isinstance(value, jax.Array | np.ndarray) and jax.dtypes.issubdtype(value.dtype, np.inexact)


def in_float64() -> AbstractContextManager[object]:
    """While it lasts, JAX computes float64 numbers in float64; nothing where JAX is not imported."""
    jax = sys.modules.get("jax")
    return nullcontext() if jax is None else jax.enable_x64(True)


def to_jax(tensor: Tensor) -> Any:
    """The same numbers as an array of JAX, of the same type: float64 too. The memory is not shared."""
    jax = sys.modules["jax"]
    narrow = tensor.dtype == torch.bfloat16  # NumPy has no such type
    numbers = (tensor.float() if narrow else tensor).numpy(force=True)
    with in_float64():
        return jax.numpy.array(numbers, dtype=jax.numpy.bfloat16 if narrow else None)


def from_jax(array: Any) -> Tensor:
    """The same numbers as a tensor of the same type on the CPU. The memory is not shared.

    Raises:
        TypeError: torch has no such type, or JAX is tracing a function, and the array has no numbers yet.
    """
    jax = sys.modules["jax"]
    if array.dtype == jax.numpy.bfloat16:
        return torch.from_numpy(np.array(array, dtype=np.float32)).bfloat16()
    return torch.from_numpy(np.array(array))


def gradient(forward: Callable[..., Any], arguments: Sequence[Any], upstream: Any) -> list[Any]:
    """The gradient with respect to each argument by jax.vjp, computed in float64.

    Args:
        forward: of arrays of JAX, jitted or not.
        arguments: what it is called with: arrays, dictionaries and lists of them, flags.
        upstream: the gradient of what it returns, in the same structure. Outputs of integers have none:
            whatever stands for them is not looked at.

    Returns:
        For each argument its gradient, in the same structure; None for what has none: integers, truths,
        keys, flags.
    """
    jax = sys.modules["jax"]
    with in_float64():
        leaves, structure = jax.tree.flatten(list(arguments))
        at = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]

        def of_numbers(*numbers: Any) -> Any:
            filled = dict(zip(at, numbers, strict=True))
            whole = [filled.get(i, leaf) for i, leaf in enumerate(leaves)]
            return forward(*jax.tree.unflatten(structure, whole))

        value, pull_back = jax.vjp(of_numbers, *(leaves[i] for i in at))
        found = dict(zip(at, pull_back(jax.tree.map(_as_cotangent, value, upstream)), strict=True))
        of_arguments: list[Any] = jax.tree.unflatten(structure, [found.get(i) for i in range(len(leaves))])
        return of_arguments


def _as_cotangent(value: Any, upstream: Any) -> Any:
    """An upstream gradient of the type that jax.vjp asks for."""
    jax = sys.modules["jax"]
    if not jax.dtypes.issubdtype(jax.numpy.asarray(value).dtype, np.inexact):
        return np.zeros(np.shape(value), jax.dtypes.float0)
    return jax.numpy.asarray(upstream, dtype=jax.numpy.asarray(value).dtype)


def uses_jax(function: Any) -> bool:
    """Whether the code of a function, or of those that it calls, names anything of JAX.

    It is read, not run: what it imports itself, its globals and its closure, what `jax.jit` and its like are
    wrapped around, the methods of a class or an object.
    """
    return _is_of_jax(function) or any(
        _imports_jax(each.__code__) or any(map(_is_of_jax, names_used(each).values()))
        for each in functions_in(function)
    )


def _is_of_jax(value: Any) -> bool:
    """Whether it is one of JAX's modules, functions or types, an array, or a function that it has wrapped."""
    origins = (
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None),
        value.__globals__.get("__name__") if isinstance(value, FunctionType) else None,  # jax.vmap(…)
        type(value).__module__,
    )
    return any(isinstance(origin, str) and _package_of(origin) in PACKAGES for origin in origins)


def _imports_jax(code: CodeType) -> bool:
    """Whether a function, or one inside it, imports it itself."""
    imported = (i.argval for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME")
    inside = (part for part in code.co_consts if isinstance(part, CodeType))
    return any(_package_of(name) == "jax" for name in imported) or any(map(_imports_jax, inside))


def _package_of(module: str) -> str:
    return module.partition(".")[0]
