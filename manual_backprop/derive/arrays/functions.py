"""For each of NumPy's functions, what one would write in torch in its place.

They take tensors where NumPy takes arrays, and NumPy's names of arguments.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy import asarray
from torch import Tensor

from manual_backprop.derive.arrays.values import Untraceable, dtype_of

Axis = int | Sequence[int] | None


def _is_zero(x: Any) -> bool:
    return isinstance(x, int | float) and x == 0


def _maximum(x: Any, y: Any) -> Any:
    if _is_zero(x) or _is_zero(y):
        return torch.relu(y if _is_zero(x) else x)
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return torch.maximum(x, y)
    return y.clamp(min=x) if isinstance(y, Tensor) else x.clamp(min=y)


def _minimum(x: Any, y: Any) -> Any:
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return torch.minimum(x, y)
    return y.clamp(max=x) if isinstance(y, Tensor) else x.clamp(max=y)


def _subtract(x: Any, y: Any) -> Any:
    """Of truths too, as numbers."""
    if isinstance(x, Tensor) and x.dtype == torch.bool:
        x = x.long()
    if isinstance(y, Tensor) and y.dtype == torch.bool:
        y = y.long()
    return x - y


def _matmul(x: Any, y: Any) -> Any:
    return x @ y


def _dot(a: Any, b: Any) -> Any:
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or a.dim() == 0 or b.dim() == 0:
        return a * b
    if b.dim() <= 2:
        return a @ b
    return torch.tensordot(a, b, ([-1], [-2]))


def _logical(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: function(*(x if isinstance(x, Tensor) else torch.tensor(x) for x in xs))


UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": _subtract,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "float_power": lambda x, y: x**y,
    "remainder": lambda x, y: x % y,
    "floor_divide": lambda x, y: x // y,
    "matmul": _matmul,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _maximum,
    "fmin": _minimum,
    "reciprocal": lambda x: 1 / x,
    "square": torch.square,
    "sqrt": torch.sqrt,
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "exp": torch.exp,
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "log": torch.log,
    "log2": torch.log2,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "logaddexp": torch.logaddexp,
    "tanh": torch.tanh,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "arcsin": torch.asin,
    "arccos": torch.acos,
    "arctan": torch.atan,
    "arctan2": torch.atan2,
    "hypot": torch.hypot,
    "absolute": torch.abs,
    "fabs": torch.abs,
    "sign": torch.sign,
    "heaviside": torch.heaviside,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "rint": torch.round,
    "trunc": torch.trunc,
    "isfinite": torch.isfinite,
    "isnan": torch.isnan,
    "isinf": torch.isinf,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "logical_and": _logical(torch.logical_and),
    "logical_or": _logical(torch.logical_or),
    "logical_xor": _logical(torch.logical_xor),
    "logical_not": torch.logical_not,
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "invert": lambda x: ~x,
    "clip": lambda x, low, high: x.clamp(low, high),
    # SciPy's
    "expit": torch.sigmoid,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "log_expit": torch.nn.functional.logsigmoid,
    "logit": torch.logit,
    "gammaln": torch.lgamma,
    "psi": torch.digamma,
    "xlogy": torch.xlogy,
    "ndtr": torch.special.ndtr,
}


def _dims(x: Tensor, axis: Axis) -> Any:
    if isinstance(axis, tuple | list):
        return tuple(int(a) for a in axis)
    return axis


def _reduction(name: str) -> Callable[..., Any]:
    def reduce(
        a: Tensor, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        _require(out is None, f"out= of np.{name}")
        if name == "mean" and not a.is_floating_point():
            a = a.double()
        method = getattr(a, name)
        if axis is None:
            total = method()
            return total.reshape((1,) * a.dim()) if keepdims else total
        if keepdims:
            return method(_dims(a, axis), keepdim=True)
        return method(_dims(a, axis))

    return reduce


def _prod(a: Tensor, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    if axis is None:
        return a.prod()
    return a.prod(_dims(a, axis), keepdim=True) if keepdims else a.prod(_dims(a, axis))


def _spread(name: str) -> Callable[..., Any]:
    def spread(
        a: Tensor,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: int = 0,
        keepdims: bool = False,
    ) -> Any:
        _require(out is None, f"out= of np.{name}")
        more: dict[str, Any] = {"correction": ddof}
        if axis is not None:
            more["dim"] = _dims(a, axis)
        if keepdims:
            more["keepdim"] = True
        return getattr(a, name)(**more)

    return spread


def _extreme(name: str) -> Callable[..., Any]:
    def extreme(a: Tensor, axis: Axis = None, out: Any = None, keepdims: bool = False, **others: Any) -> Any:
        _require(out is None and not others, f"out= or initial= of np.{name}")
        if axis is None and not keepdims:
            return getattr(torch, f"a{name}")(a)
        dims = tuple(range(a.dim())) if axis is None else _dims(a, axis)
        return (
            getattr(torch, f"a{name}")(a, dims, keepdim=True)
            if keepdims
            else getattr(torch, f"a{name}")(a, dims)
        )

    return extreme


def _place(name: str) -> Callable[..., Any]:
    def place(a: Tensor, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
        numbers = a.long() if a.dtype == torch.bool else a
        return (
            getattr(numbers, name)(axis, keepdim=keepdims) if axis is not None else getattr(numbers, name)()
        )

    return place


def _truth(name: str) -> Callable[..., Any]:
    def truth(a: Tensor, axis: Axis = None, out: Any = None, keepdims: bool = False) -> Any:
        return getattr(a, name)() if axis is None else getattr(a, name)(_dims(a, axis), keepdim=keepdims)

    return truth


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)


def _reshape(a: Tensor, /, *shape: Any, newshape: Any = None, order: str = "C", **others: Any) -> Tensor:
    _require(order in ("C", "A"), f"order={order!r} of np.reshape")
    given = others.get("shape", newshape) if not shape else shape[0] if len(shape) == 1 else shape
    return a.reshape(_shape(given))


def _transpose(a: Tensor, *axes: Any) -> Tensor:
    given = axes[0] if len(axes) == 1 else axes
    if given is None or (isinstance(given, tuple) and not given):
        return a.T if a.dim() == 2 else a.permute(*reversed(range(a.dim())))
    return a.permute(*_shape(given))


def _expand_dims(a: Tensor, axis: Any) -> Tensor:
    for place in sorted(_shape(axis)):
        a = a.unsqueeze(place)
    return a


def _squeeze(a: Tensor, axis: Any = None) -> Tensor:
    return a.squeeze() if axis is None else a.squeeze(_dims(a, axis))


def _concatenate(arrays: Any, axis: int | None = 0, **others: Any) -> Tensor:
    parts = list(arrays)
    if axis is None:
        parts, axis = [x.reshape(-1) for x in parts], 0
    return torch.cat(parts, axis)


def _stack(arrays: Any, axis: int = 0, **others: Any) -> Tensor:
    return torch.stack([x if isinstance(x, Tensor) else torch.tensor(x) for x in arrays], axis)


def _sections(name: str, axis: int | None) -> Callable[..., Any]:
    def split(ary: Tensor, indices_or_sections: Any, *more: int, **others: int) -> Any:
        dim = axis if axis is not None else (more[0] if more else others.get("axis", 0))
        if isinstance(indices_or_sections, int | np.integer):
            count, size = int(indices_or_sections), ary.shape[dim]
            if size % count == 0:
                return list(ary.split(size // count, dim))
            return list(torch.tensor_split(ary, count, dim))
        return list(torch.tensor_split(ary, [int(i) for i in indices_or_sections], dim))

    return split


def _pad(array: Tensor, pad_width: Any, mode: str = "constant", **options: Any) -> Tensor:
    _require(mode == "constant", f"mode={mode!r} of np.pad")
    widths = np.broadcast_to(asarray(pad_width), (array.dim(), 2)).tolist()
    flat = [n for pair in reversed(widths) for n in pair]
    while len(flat) > 2 and flat[-2:] == [0, 0]:
        flat = flat[:-2]
    value = options.get("constant_values", 0)
    return (
        torch.nn.functional.pad(array, flat, value=value) if value else torch.nn.functional.pad(array, flat)
    )


def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    if ord in (None, 2) and axis is not None and not isinstance(axis, tuple):
        return x.norm(dim=axis, keepdim=True) if keepdims else x.norm(dim=axis)
    if ord is None and axis is None and not keepdims:
        return x.norm()
    return torch.linalg.norm(x, ord, axis, keepdim=keepdims)


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None:
        return condition.nonzero(as_tuple=True)
    condition = condition if isinstance(condition, Tensor) else torch.tensor(condition)
    return torch.where(condition if condition.dtype == torch.bool else condition != 0, x, y)


def _clip(a: Tensor, a_min: Any = None, a_max: Any = None, out: Any = None, **others: Any) -> Tensor:
    low, high = others.get("min", a_min), others.get("max", a_max)
    return a.clamp(low, high)


def _like(value: float) -> Callable[..., Any]:
    def like(a: Tensor, dtype: Any = None, **others: Any) -> Tensor:
        more: dict[str, Any] = {} if dtype is None else {"dtype": dtype_of(dtype)}
        return torch.zeros_like(a, **more) if value == 0 else torch.ones_like(a, **more)

    return like


def _full_like(a: Tensor, fill_value: Any, dtype: Any = None, **others: Any) -> Tensor:
    return (
        torch.full_like(a, fill_value)
        if dtype is None
        else torch.full_like(a, fill_value, dtype=dtype_of(dtype))
    )


def _einsum(subscripts: Any, *operands: Any, optimize: Any = None) -> Tensor:
    _require(isinstance(subscripts, str), "np.einsum without subscripts in text")
    return torch.einsum(subscripts, *operands)


def _tensordot(a: Tensor, b: Tensor, axes: Any = 2) -> Tensor:
    if isinstance(axes, int):
        return torch.tensordot(a, b, axes)
    first, second = ([int(n)] if isinstance(n, int | np.integer) else [int(i) for i in n] for n in axes)
    return torch.tensordot(a, b, (first, second))


def _repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    return (
        a.repeat_interleave(repeats, axis) if axis is not None else a.reshape(-1).repeat_interleave(repeats)
    )


def _cumulative(name: str) -> Callable[..., Any]:
    def cumulative(a: Tensor, axis: int | None = None, dtype: Any = None, out: Any = None) -> Tensor:
        return getattr(a, name)(axis) if axis is not None else getattr(a.reshape(-1), name)(0)

    return cumulative


def _take(a: Tensor, indices: Any, axis: int | None = None, **others: Any) -> Tensor:
    places = indices if isinstance(indices, Tensor) else torch.tensor(indices)
    if axis is None:
        return a.reshape(-1)[places]
    return a[(slice(None),) * (axis % a.dim()) + (places,)]


def _flip(m: Tensor, axis: Any = None) -> Tensor:
    return m.flip(tuple(range(m.dim())) if axis is None else _shape(axis))


def _roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    return torch.roll(a, shift) if axis is None else torch.roll(a, shift, axis)


def _sorted(a: Tensor, axis: int | None = -1, **others: Any) -> Tensor:
    return a.sort(axis).values if axis is not None else a.reshape(-1).sort(0).values


def _diff(a: Tensor, n: int = 1, axis: int = -1, **others: Any) -> Tensor:
    return torch.diff(a, n, axis)


def _trace(a: Tensor, *others: Any, **more: Any) -> Tensor:
    _require(a.dim() == 2 and not others and not more, "np.trace of an offset, or of more than a matrix")
    return a.trace()


def _average(a: Tensor, axis: Axis = None, weights: Any = None, **others: Any) -> Tensor:
    if weights is None:
        return a.mean() if axis is None else a.mean(_dims(a, axis))
    if axis is None:
        return (a * weights).sum() / weights.sum()
    return (a * weights).sum(_dims(a, axis)) / weights.sum()


def _broadcast_to(array: Tensor, shape: Any, subok: bool = False) -> Tensor:
    return array.expand(_shape(shape))


def _nan_to_num(x: Tensor, *others: Any, **more: Any) -> Tensor:
    return torch.nan_to_num(x)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Untraceable(what)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "prod": _prod,
    "var": _spread("var"),
    "std": _spread("std"),
    **dict.fromkeys(("max", "amax"), _extreme("max")),
    **dict.fromkeys(("min", "amin"), _extreme("min")),
    "argmax": _place("argmax"),
    "argmin": _place("argmin"),
    "all": _truth("all"),
    "any": _truth("any"),
    "reshape": _reshape,
    "ravel": lambda a, order="C": a.reshape(-1),
    "transpose": _transpose,
    "matrix_transpose": lambda x: x.mT,
    "swapaxes": lambda a, axis1, axis2: a.transpose(axis1, axis2),
    "moveaxis": lambda a, source, destination: a.movedim(source, destination),
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "concatenate": _concatenate,
    "stack": _stack,
    "vstack": lambda tup, **others: torch.vstack(list(tup)),
    "hstack": lambda tup, **others: torch.hstack(list(tup)),
    "column_stack": lambda tup: torch.column_stack(list(tup)),
    "split": _sections("split", None),
    "array_split": _sections("array_split", None),
    "hsplit": _sections("hsplit", 1),
    "vsplit": _sections("vsplit", 0),
    "pad": _pad,
    "dot": _dot,
    "vdot": lambda a, b: a.reshape(-1) @ b.reshape(-1),
    "inner": lambda a, b: a @ (b.T if b.dim() > 1 else b),
    "outer": lambda a, b, out=None: torch.outer(a.reshape(-1), b.reshape(-1)),
    "matvec": lambda a, b: a @ b,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "kron": torch.kron,
    "norm": _norm,
    "inv": torch.linalg.inv,
    "det": torch.linalg.det,
    "solve": torch.linalg.solve,
    "cholesky": torch.linalg.cholesky,
    "pinv": torch.linalg.pinv,
    "matrix_power": torch.linalg.matrix_power,
    "where": _where,
    "clip": _clip,
    "zeros_like": _like(0),
    "empty_like": _like(0),
    "ones_like": _like(1),
    "full_like": _full_like,
    "copy": lambda a, **others: a.clone(),
    "tile": lambda A, reps: A.tile(_shape(reps)),
    "repeat": _repeat,
    "broadcast_to": _broadcast_to,
    "cumsum": _cumulative("cumsum"),
    "cumprod": _cumulative("cumprod"),
    "diff": _diff,
    "sort": _sorted,
    "argsort": lambda a, axis=-1, **others: a.argsort(axis),
    "take": _take,
    "take_along_axis": lambda arr, indices, axis: arr.gather(axis, indices),
    "roll": _roll,
    "flip": _flip,
    "fliplr": lambda m: m.flip(1),
    "flipud": lambda m: m.flip(0),
    "rot90": lambda m, k=1, axes=(0, 1): torch.rot90(m, k, axes),
    "tril": lambda m, k=0: m.tril(k),
    "triu": lambda m, k=0: m.triu(k),
    "diag": lambda v, k=0: v.diag(k),
    "diagonal": lambda a, offset=0, axis1=0, axis2=1: a.diagonal(offset, axis1, axis2),
    "trace": _trace,
    "average": _average,
    "nan_to_num": _nan_to_num,
    "round": lambda a, decimals=0, out=None: a.round(decimals=decimals),
    "nonzero": lambda a: a.nonzero(as_tuple=True),
    "count_nonzero": lambda a, axis=None, **others: torch.count_nonzero(a, axis),
    "bincount": lambda x, weights=None, minlength=0: torch.bincount(x, weights, minlength),
    "allclose": lambda a, b, *others, **more: torch.allclose(a, b),
    "array_equal": lambda a1, a2, **others: torch.equal(a1, a2),
    "shape": lambda a: tuple(a.shape),
    "ndim": lambda a: a.dim(),
    "size": lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
    "real": lambda val: val,
    "sinc": torch.sinc,
    # SciPy's
    "softmax": lambda x, axis=None: x.softmax(axis),
    "log_softmax": lambda x, axis=None: x.log_softmax(axis),
    "logsumexp": lambda a, axis=None, b=None, keepdims=False, **others: torch.logsumexp(
        a, tuple(range(a.dim())) if axis is None else axis, keepdim=keepdims
    ),
}
