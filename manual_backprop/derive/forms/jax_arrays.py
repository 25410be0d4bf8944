"""Arrays and functions of JAX, beside tensors: values in float64, and gradients by jax.vjp.

JAX is looked at only where someone has imported it: nothing here does. It computes in float32 unless
`jax.enable_x64` says otherwise, which is set for the time of a call and felt by nobody else.
"""

import dis
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

PACKAGES = ("jax", "jaxlib")
OTHERS = ("numpy", "scipy", "torch")  # they know of JAX, which says nothing of who calls them
DEEPEST = 4  # helpers of helpers of a function that are looked at


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
    return _uses_jax(function, DEEPEST, set())


def _uses_jax(value: Any, depth: int, seen: set[CodeType]) -> bool:
    return _is_of_jax(value) or any(_names_jax(function, depth, seen) for function in _functions_in(value))


def _is_of_jax(value: Any) -> bool:
    """Whether it is one of JAX's modules, functions or types, an array, or a function that it has wrapped."""
    origins = (
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None),
        value.__globals__.get("__name__") if isinstance(value, FunctionType) else None,  # jax.vmap(…)
        type(value).__module__,
    )
    return any(isinstance(origin, str) and _package_of(origin) in PACKAGES for origin in origins)


def _names_jax(function: FunctionType, depth: int, seen: set[CodeType]) -> bool:
    code = function.__code__
    if code in seen or depth == 0 or _package_of(str(function.__globals__.get("__name__"))) in OTHERS:
        return False
    seen.add(code)
    scope = {**function.__globals__, **_closure_of(function)}
    for name in _names_in(code):
        if _package_of(name) == "jax" and name not in scope:  # the function imports it
            return True
        used = scope.get(name)
        if used is not None and _uses_jax(used, depth - 1, seen):
            return True
    return False


def _closure_of(function: FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not bound yet
            found[name] = cell.cell_contents
    return found


def _names_in(code: CodeType) -> Iterator[str]:
    """Globals, free variables and imported modules, in nested functions too; not attributes."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "IMPORT_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """The functions in Python that are run when something is called."""
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, partial):
        yield from _functions_in(value.func)
    elif isinstance(value, MethodType):
        yield from _functions_in(type(value.__self__))
    elif isinstance(value, type):
        parts = (part for base in value.__mro__[:-1] for part in vars(base).values())
        yield from (part for part in parts if isinstance(part, FunctionType))
    elif type(value).__module__ != "builtins":
        yield from _functions_in(type(value))


def _package_of(module: str) -> str:
    return module.partition(".")[0]
