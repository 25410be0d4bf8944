"""The alphabet of a program: what each call of a torch function is, under one name and with plain arguments.

`x + y`, `torch.add(x, y)` and `y.__radd__(x)` are all "add"; dimensions are tuples of numbers that are not
negative; shapes are tuples.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Primitive(NamedTuple):
    """A call under its one name."""

    op: str
    target: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def primitive(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Primitive:
    """The call `func(*args, **kwargs)`, of torch's function or a tensor's method, under its one name."""
    name = name_of(func)
    if name in REFLECTED:
        name, args = REFLECTED[name], args[::-1]
    name = SAME.get(name, name)
    if name in PLAIN:
        return called(name, *args, **kwargs)
    return Primitive(name, func, args, kwargs)


def called(op: str, *args: Any, **kwargs: Any) -> Primitive:
    """A primitive by its name, with its arguments made plain."""
    plain = PLAIN[op](*args, **kwargs)
    op, *rest = plain
    return Primitive(op, TARGETS[op], tuple(rest), {})


def name_of(func: Any) -> str:
    """The name of a function, of a method, or of the attribute that a descriptor reads."""
    owner = getattr(func, "__self__", None)
    if getattr(func, "__name__", "") == "__get__" and owner is not None:
        return str(owner.__name__)
    return str(getattr(func, "__name__", func)).strip("_")


REFLECTED = {"radd": "add", "rmul": "mul", "rsub": "sub", "rdiv": "div", "rtruediv": "div", "rpow": "pow",
             "rmatmul": "matmul", "rsub_": "sub"}  # fmt: skip
SAME = {
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "itruediv": "div",
    "idiv": "div",
    "multiply": "mul",
    "subtract": "sub",
    "truediv": "div",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "absolute": "abs",
    "mm": "matmul",
    "bmm": "matmul",
    "mv": "matmul",
    "dot": "matmul",
    "view": "reshape",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "moveaxis": "movedim",
    "broadcast_to": "expand",
    "greater": "gt",
    "less": "lt",
    "greater_equal": "ge",
    "less_equal": "le",
    "not_equal": "ne",
    "invert": "logical_not",
    "bitwise_not": "logical_not",
    "concat": "cat",
    "concatenate": "cat",
    "special_erf": "erf",
    "special_expit": "sigmoid",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax",
    "detach": "stop_gradient",
    "detach_": "stop_gradient",
    "data": "stop_gradient",
}


def dims_of(x: Tensor, dim: Any) -> tuple[int, ...] | None:
    """The dimensions as numbers that are not negative; None for all of them."""
    if dim is None or (isinstance(dim, Sequence) and not dim):
        return None
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    found = tuple(d % x.dim() if x.dim() else 0 for d in given)
    return None if set(found) == set(range(x.dim())) and x.dim() != 1 else tuple(sorted(found))


def _reduction(op: str) -> Callable[..., Any]:
    def plain(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **more: Any) -> Any:
        dim, keepdim = more.get("axis", dim), more.get("keepdims", keepdim)
        return op, x, dims_of(x, dim), keepdim and x.dim() > 0

    return plain


def _shape_of(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], Sequence) else tuple(sizes)


def _reshape(x: Tensor, *shape: Any, **named: Any) -> Any:
    sizes = list(_shape_of(tuple(named.values()) or shape))
    if -1 in sizes:
        sizes[sizes.index(-1)] = x.numel() // max(-prod(sizes), 1)
    return "reshape", x, tuple(int(n) for n in sizes)


def _flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Any:
    start, end = (d % max(x.dim(), 1) for d in (start_dim, end_dim))
    return "reshape", x, (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :])


def _unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Any:
    return "reshape", x, tuple(torch.empty(x.shape, device="meta").unflatten(dim, sizes).shape)


def _squeeze(x: Tensor, dim: Any = None) -> Any:
    dims = (
        range(x.dim())
        if dim is None
        else [d % max(x.dim(), 1) for d in ((dim,) if isinstance(dim, int) else dim)]
    )
    return "reshape", x, tuple(n for d, n in enumerate(x.shape) if d not in dims or n != 1)


def _permute(x: Tensor, *dims: Any, **named: Any) -> Any:
    order = tuple(d % max(x.dim(), 1) for d in _shape_of(tuple(named.values()) or dims))
    return permuted(x, order)


def permuted(x: Tensor, order: tuple[int, ...]) -> Any:
    """A permutation, as "T" of a matrix or of the last two dimensions where it is that."""
    count = x.dim()
    if order == tuple(range(count)):
        return "alias", x
    if count >= 2 and order == (*range(count - 2), count - 1, count - 2):
        return "T", x
    return "permute", x, order


def _transpose(x: Tensor, dim0: int, dim1: int) -> Any:
    order = list(range(x.dim()))
    i, j = dim0 % x.dim(), dim1 % x.dim()
    order[i], order[j] = order[j], order[i]
    return permuted(x, tuple(order))


def _movedim(x: Tensor, source: Any, destination: Any) -> Any:
    order = torch.empty(x.shape, device="meta").movedim(source, destination)
    return "movedim", x, source, destination, tuple(order.shape)


def _expand(x: Tensor, *sizes: Any) -> Any:
    shape = _shape_of(sizes)
    padded = (1,) * (len(shape) - x.dim()) + tuple(x.shape)
    return "expand", x, tuple(m if n == -1 else int(n) for n, m in zip(shape, padded, strict=True))


def _binary(op: str) -> Callable[..., Any]:
    def plain(a: Any, b: Any, *, alpha: Any = 1, rounding_mode: Any = None) -> Any:
        return op, a, b

    return plain


def _one(op: str) -> Callable[..., Any]:
    return lambda x, **_: (op, x)


def _softmax(op: str) -> Callable[..., Any]:
    def plain(x: Tensor, dim: Any = None, *_: Any, dtype: Any = None, **__: Any) -> Any:
        return op, x, dim % max(x.dim(), 1)

    return plain


def _reversed(x: Tensor) -> Any:
    if x.dim() == 2:
        return "T", x
    return permuted(x, tuple(reversed(range(x.dim()))))


UNARY = ("exp", "log", "sqrt", "rsqrt", "abs", "sign", "tanh", "sigmoid", "neg", "erf", "logical_not", "relu",
         "log1p", "expm1", "sin", "cos", "floor", "ceil", "round", "isnan", "stop_gradient")  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "matmul", "gt", "lt", "ge", "le", "eq", "ne", "and", "or", "xor",
          "logical_and", "logical_or", "minimum", "maximum")  # fmt: skip
PLAIN: dict[str, Callable[..., Any]] = {
    **{op: _one(op) for op in UNARY},
    **{op: _binary(op) for op in BINARY},
    "pow": lambda x, exponent, **_: ("pow", x, exponent),
    "square": lambda x: ("pow", x, 2),
    "reciprocal": lambda x: ("div", 1, x),
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("amax"),
    "amin": _reduction("amin"),
    "reshape": _reshape,
    "view_as": lambda x, other: _reshape(x, tuple(other.shape)),
    "reshape_as": lambda x, other: _reshape(x, tuple(other.shape)),
    "flatten": _flatten,
    "unflatten": _unflatten,
    "squeeze": _squeeze,
    "unsqueeze": lambda x, dim: ("unsqueeze", x, dim % (x.dim() + 1)),
    "permute": _permute,
    "transpose": _transpose,
    "t": lambda x: _reversed(x),
    "T": _reversed,
    "mT": lambda x: ("T", x),
    "movedim": _movedim,
    "expand": _expand,
    "expand_as": lambda x, other: _expand(x, tuple(other.shape)),
    "getitem": lambda x, index: ("getitem", x, index),
    "select": lambda x, dim, index: ("getitem", x, (*[slice(None)] * (dim % x.dim()), index)),
    "narrow": lambda x, dim, start, length: (
        "getitem",
        x,
        (*[slice(None)] * (dim % x.dim()), _stretch(start, start + length, x.shape[dim])),
    ),
    "where": lambda condition, a, b: ("where", condition, a, b),
    "index_put": lambda x, indices, values, accumulate=False: ("index_put", x, indices, values, accumulate),
    "masked_fill": lambda x, mask, value: ("where", mask, value, x),
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "stack": lambda tensors, dim=0: ("stack", tuple(tensors), dim % (tensors[0].dim() + 1)),
    "cat": lambda tensors, dim=0, **more: ("cat", tuple(tensors), more.get("axis", dim) % tensors[0].dim()),
    "clone": lambda x, **_: ("alias", x),
    "contiguous": lambda x, **_: ("alias", x),
}


def _stretch(start: int, stop: int, size: int) -> slice:
    return slice(start or None, None if stop == size else stop)


def _where(condition: Tensor, a: Any, b: Any) -> Tensor:
    return torch.where(condition, a, b)


TARGETS: dict[str, Callable[..., Any]] = {
    **{op: getattr(torch, op) for op in UNARY if hasattr(torch, op)},
    **{op: getattr(torch, op) for op in BINARY if hasattr(torch, op)},
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "gt": lambda a, b: a > b,
    "lt": lambda a, b: a < b,
    "ge": lambda a, b: a >= b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "stop_gradient": lambda x: x.detach(),
    "alias": lambda x: x,
    "sum": lambda x, dims, keepdim: x.sum() if dims is None and not keepdim else x.sum(dims, keepdim=keepdim),
    "mean": lambda x, dims, keepdim: (
        x.mean() if dims is None and not keepdim else x.mean(dims, keepdim=keepdim)
    ),
    "amax": lambda x, dims, keepdim: x.amax(tuple(range(x.dim())) if dims is None else dims, keepdim=keepdim),
    "amin": lambda x, dims, keepdim: x.amin(tuple(range(x.dim())) if dims is None else dims, keepdim=keepdim),
    "reshape": lambda x, shape: x.reshape(shape),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "permute": lambda x, order: x.permute(order),
    "movedim": lambda x, source, destination, _: x.movedim(source, destination),
    "T": lambda x: x.mT,
    "expand": lambda x, shape: x.expand(shape),
    "getitem": lambda x, index: x[index],
    "where": _where,
    "index_put": lambda x, indices, values, accumulate: x.index_put(indices, values, accumulate=accumulate),
    "softmax": lambda x, dim: torch.softmax(x, dim),
    "log_softmax": lambda x, dim: torch.log_softmax(x, dim),
    "stack": lambda tensors, dim: torch.stack(tensors, dim),
    "cat": lambda tensors, dim: torch.cat(tensors, dim),
}
