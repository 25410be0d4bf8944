"""How NumPy writes each primitive; `w` is the writer."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import (
    CALL,
    PRODUCT,
    SIGN,
    SUM,
    Expressions,
    Text,
    Unwritable,
    Written,
    brief,
)
from manual_backprop.derive.writing.torch_code import new_axis


def _function(name: str) -> Callable[..., str]:
    return lambda w, *args: w.call(f"np.{name}", *args)


def _reduction(name: str) -> Callable[..., str]:
    def write(w: Expressions, x: Any, dims: Any = None, keepdim: bool = False) -> str:
        over = {} if dims is None else {"axis": brief(dims)}
        return w.method(x, name, **over, **({"keepdims": True} if keepdim else {}))

    return write


def _along(name: str) -> Callable[..., str]:
    """A function along one dimension, or over all numbers."""

    def write(w: Expressions, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> str:
        over = {} if dim is None else {"axis": dim}
        return w.method(x, name, **over, **({"keepdims": True} if keepdim else {}))

    return write


def _new_axes(w: Any, x: Node, dim: int) -> str:
    """`x[:, None]`; several new axes in one index."""
    dims = [dim]
    while x.op == "unsqueeze" and x not in w.names:
        x, inner = x.args
        dims.append(inner)
    if len(dims) == 1:
        return f"{w.text(x, CALL)}[{new_axis(len(x.shape), dim)}]"
    parts = [":"] * len(x.shape)
    for at in reversed(dims):
        parts.insert(at, "None")
    while parts[-1] == ":" and len(parts) > 1:
        parts.pop()
    return f"{w.text(x, CALL)}[{', '.join(parts)}]"


def _axis(dim: int) -> dict[str, int]:
    """Unless it is the first, which is meant anyway."""
    return {"axis": dim} if dim else {}


def _part(w: Any, whole: Node, i: int) -> str:
    """Of the two results of `max` over a dimension, the values or their places."""
    if whole.op in ("max", "min") and whole not in w.names:
        x, dim, keepdim = (*whole.args, *whole.kwargs.values(), False)[:3]
        return _along(whole.op if i == 0 else f"arg{whole.op}")(w, x, dim, keepdim)
    return f"{w.text(whole, CALL)}[{i}]"


def _one_hot(w: Any, y: Node, num_classes: int) -> str:
    return f"np.eye({num_classes}, dtype={w.type_beside()})[{w.text(y)}]"


def _cross_entropy(w: Any, z: Node, y: Node, **options: Any) -> Written:
    """−log p at y; where there are more dimensions than classes, by `take_along_axis`."""
    reduction = options.pop("reduction", "mean")
    if options:
        raise Unwritable(f"cross_entropy with {', '.join(options)} has no form in NumPy")
    dim = min(len(z.shape) - 1, 1)
    logp = w.helped("log_softmax", z, axis=dim)
    if len(z.shape) == 1:
        return f"-{logp}[{w.text(y)}]", SIGN
    if len(z.shape) == 2:
        rows = f"len({w.text(y)})" if y in w.names else str(len(y.value))
        losses = f"{logp}[np.arange({rows}), {w.text(y)}]"
    else:
        losses = f"np.take_along_axis({logp}, {w.text(y, CALL)}[:, None], axis=1)"
        losses += "[:, 0]" if reduction == "none" else ""
    return f"-{losses}{'' if reduction == 'none' else f'.{reduction}()'}", SIGN


def _filled(name: str) -> Callable[..., str]:
    def write(w: Any, *sizes: Any, size: Any = None, dtype: Any = None, **_: Any) -> str:
        given = size if size is not None else sizes[0] if isinstance(sizes[0], Sequence) else sizes
        shape = tuple(given)
        if name == "eye":
            return f"np.eye({', '.join(map(str, shape))}{_type(w, dtype)})"
        return f"np.{name}({w.text(brief(shape))}{_type(w, dtype)})"

    return write


def _full(w: Any, size: Any, fill_value: Any, dtype: Any = None, **_: Any) -> str:
    return f"np.full({w.text(brief(tuple(size)))}, {w.text(fill_value)}{_type(w, dtype)})"


def _arange(w: Any, *ends: Any, dtype: Any = None, **more: Any) -> str:
    ends = (*ends, *(more[name] for name in ("start", "end", "step") if name in more))
    floating = dtype is not None or any(isinstance(x, float) for x in ends)
    return f"np.arange({', '.join(w.text(x) for x in ends)}{_type(w, dtype) if floating else ''})"


def _tensor(w: Any, numbers: Any, dtype: Any = None, **_: Any) -> str:
    value = torch.tensor(numbers)
    return w.array(numbers, value.dtype if dtype is None else dtype) if value.dim() else w.literal(numbers)


def _type(w: Any, dtype: Any) -> str:
    if dtype is None or dtype.is_floating_point:
        return f", dtype={w.type_beside()}"
    return f", dtype={_dtype(dtype)}"


def _dtype(dtype: torch.dtype) -> str:
    return {torch.bool: "bool", torch.int64: "int"}.get(dtype, f"np.{str(dtype).removeprefix('torch.')}")


def _like(name: str) -> Callable[..., str]:
    return lambda w, x, *fill, dtype=None, **_: w.call(
        f"np.{name}", x, *fill, **({"dtype": dtype} if dtype is not None and dtype != x.value.dtype else {})
    )


def _cast(dtype: torch.dtype | None) -> Callable[..., str | Written]:
    def write(w: Any, x: Node, *args: Any, **_: Any) -> str | Written:
        other = next((a for a in args if isinstance(a, Node)), None)
        wanted = dtype or next((a for a in args if isinstance(a, torch.dtype)), x.value.dtype)
        wanted = wanted if other is None else other.value.dtype
        if x.value.dtype == wanted or (x.value.is_floating_point() and wanted.is_floating_point):
            return w.bare(x)
        if wanted.is_floating_point:
            like = w.type_beside() if other is None else f"{w.text(other, CALL)}.dtype"
            return f"{w.text(x, CALL)}.astype({like})"
        return f"{w.text(x, CALL)}.astype({_dtype(wanted)})"

    return write


def _pad(w: Any, x: Node, pad: Sequence[int], mode: str = "constant", value: Any = None) -> str:
    if mode != "constant" or any(n < 0 for n in pad):
        raise Unwritable(f"pad with mode {mode!r} and sizes {tuple(pad)} has no form in NumPy")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    width = ((0, 0),) * (len(x.shape) - len(pairs)) + tuple(pairs)
    more = {"constant_values": value} if value else {}
    return w.call("np.pad", x, width, **more)


def _windowed(name: str, tensors: int) -> Callable[..., str | Written]:
    """A helper on images in batches; one image is given as a batch of one."""
    options = {
        "conv2d": ("bias", "stride", "padding", "dilation", "groups"),
        "conv_transpose2d": ("bias", "stride", "padding", "output_padding", "groups", "dilation"),
        "unfold": ("dilation", "padding", "stride"),
        "fold": ("dilation", "padding", "stride"),
    }[name]
    dims = 3 if name == "fold" else 4
    neutral = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "output_padding": (0, 0), "groups": 1}

    def write(w: Any, *args: Any, **kwargs: Any) -> str | Written:
        x, *sizes = args[:tensors]
        given = dict(zip(options, args[tensors:], strict=False)) | kwargs
        bias = given.pop("bias", None)
        pairs = {n: v if n == "groups" else _pair(v) for n, v in given.items()}
        said = {n: v for n, v in pairs.items() if v != neutral[n]}
        sizes = [v if isinstance(v, Node) else _pair(v) for v in sizes]
        alone = len(x.shape) < dims
        text = w.helped(name, Text(f"{w.text(x, CALL)}[None]") if alone else x, *sizes, **said)
        text = f"{text}[0]" if alone else text
        return text if bias is None else (f"{text} + {w.text(bias, CALL)}[:, None, None]", SUM)

    return write


def _pair(value: Any) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


FORMS: dict[str, Callable[..., str | Written]] = {
    **{
        op: _function(op)
        for op in (
            "exp",
            "log",
            "sqrt",
            "abs",
            "sign",
            "tanh",
            "floor",
            "ceil",
            "round",
            "sin",
            "cos",
            "isnan",
            "log1p",
            "expm1",
            "minimum",
            "maximum",
            "where",
            "outer",
            "tan",
            "sinh",
            "cosh",
            "log2",
            "log10",
            "exp2",
            "trunc",
            "logaddexp",
            "trace",
            "isinf",
            "isfinite",
        )
    },
    **{op: (lambda w, x, op=op: w.helped(op, x)) for op in ("sigmoid", "erf")},
    **{op: (lambda w, x, dim, op=op: w.helped(op, x, axis=dim)) for op in ("softmax", "log_softmax")},
    **{
        op: (lambda w, x, diagonal=0, op=op: w.call(f"np.{op}", x, *([diagonal] if diagonal else [])))
        for op in ("tril", "triu")
    },
    "atan": lambda w, x: w.call("np.arctan", x),
    "xlogy": lambda w, a, b: w.helped("xlogy", a, b),
    "roll": lambda w, x, shifts, dims: w.call("np.roll", x, shifts, dims),
    "repeat_interleave": lambda w, x, repeats, dim: w.call("np.repeat", x, repeats, axis=dim),
    "tile": lambda w, x, times: w.call("np.tile", x, times),
    "relu": lambda w, x: w.call("np.maximum", x, 0),
    "rsqrt": lambda w, x: (f"1 / {w.call('np.sqrt', x)}", PRODUCT),
    "logical_not": lambda w, x: f"~{w.text(x, CALL)}",
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("max"),
    "amin": _reduction("min"),
    "argmax": _along("argmax"),
    "argmin": _along("argmin"),
    "cumsum": _along("cumsum"),
    "any": _along("any"),
    "all": _along("all"),
    "stop_gradient": lambda w, x: w.bare(x),
    "T": lambda w, x: f"{w.text(x, CALL)}.T" if len(x.shape) == 2 else w.method(x, "swapaxes", -1, -2),
    "permute": lambda w, x, order: w.method(x, "transpose", *order),
    "movedim": lambda w, x, source, destination, _: w.call("np.moveaxis", x, source, destination),
    "reshape": lambda w, x, shape: w.method(x, "reshape", *shape) if shape else w.method(x, "reshape", ()),
    "unsqueeze": _new_axes,
    "expand": lambda w, x, shape: w.call(
        *(("np.broadcast_to", x, shape) if x.shape else ("np.full", shape, x))
    ),
    "getitem": lambda w, x, index: f"{w.text(x, CALL)}[{w.index(index)}]",
    "part": _part,
    "stack": lambda w, tensors, dim: w.call("np.stack", list(tensors), **_axis(dim)),
    "cat": lambda w, tensors, dim: w.call("np.concatenate", list(tensors), **_axis(dim)),
    "einsum": lambda w, equation, *x: w.call("np.einsum", equation, *x),
    "gather": lambda w, x, dim, index, **_: w.call("np.take_along_axis", x, index, axis=dim),
    "index_select": lambda w, x, dim, index: w.call("np.take", x, index, axis=dim),
    "flip": lambda w, x, *dims: w.call(
        "np.flip", x, brief(dims[0] if isinstance(dims[0], tuple | list) else dims)
    ),
    "one_hot": _one_hot,
    "cross_entropy": _cross_entropy,
    "pad": _pad,
    "conv2d": _windowed("conv2d", 2),
    "conv_transpose2d": _windowed("conv_transpose2d", 2),
    "unfold": _windowed("unfold", 2),
    "fold": _windowed("fold", 3),
    **{name: _filled(name) for name in ("zeros", "ones", "eye", "empty")},
    **{
        f"new_{name}": (lambda w, x, *size, name=name, **k: _filled(name)(w, *size, **k))
        for name in ("zeros", "ones")
    },
    "full": _full,
    "tensor": _tensor,
    "new_full": lambda w, x, size, value, **more: _full(w, size, value, **more),
    "arange": _arange,
    **{name: _like(name) for name in ("zeros_like", "ones_like", "full_like", "empty_like")},
    **{
        name: _cast(dtype)
        for name, dtype in (
            ("to", None),
            ("type_as", None),
            ("double", torch.float64),
            ("float", torch.float32),
            ("long", torch.int64),
            ("bool", torch.bool),
            ("int", torch.int32),
        )
    },
}
