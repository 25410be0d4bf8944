"""Nodes as Python with NumPy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from manual_backprop.derive.program import Node
from manual_backprop.derive.writing.expressions import (
    ARITHMETIC,
    CALL,
    PRODUCT,
    SIGN,
    SUM,
    Expressions,
    Text,
    Unwritable,
    Written,
    as_list,
    brief,
)
from manual_backprop.derive.writing.numpy_helpers import helper
from manual_backprop.derive.writing.torch_code import new_axis, unexpanded


class NumpyCode(Expressions):
    """`np.where(a > 0, da, 0)`."""

    module = "np"
    copy = "copy"

    def __init__(self, names: Mapping[Node, str]) -> None:
        super().__init__(names)
        self.options: dict[str, set[str]] = {}

    def forms(self) -> Mapping[str, Callable[..., str | Written]]:
        """How NumPy writes each primitive."""
        return FORMS

    @staticmethod
    def statements() -> Mapping[str, Callable[..., list[str]]]:
        """What is written over, or added to."""
        return {
            "setitem": _set,
            "index_put": _index_put,
            "index_add": _index_add,
            "scatter_add": _scatter_add,
            "scatter": _scatter,
        }

    def helpers(self) -> list[str]:
        """The functions that NumPy has not."""
        return [helper(name, options) for name, options in self.options.items()]

    def _becomes_real(self, value: Node) -> bool:
        """NumPy makes float64 of integers, if they are not truth values, and of any number beside them."""
        outer = self.around[0] if self.around else None
        joined = outer is not None and outer.op in ARITHMETIC and outer.value.is_floating_point()
        counts = value.value.dtype != torch.bool and value.op not in ("one_hot", "number")
        return super()._becomes_real(value) or (joined and counts)

    def real(self, integers: Node) -> str:
        """`mask.astype(z.dtype)`; `np.eye` has that type already."""
        if integers.op == "one_hot" and integers not in self.names:
            return self.expression(integers)[0]
        around, self.around = self.around, []
        written = self.text(integers, CALL)
        self.around = around
        return f"{written}.astype({self.type_beside()})"

    def constant(self, node: Node) -> Written:
        """A list in `np.array`, or a number."""
        if not node.value.dim():
            return self.literal(node.value.item()), CALL
        return self.array(as_list(node.value), node.value.dtype), CALL

    def array(self, numbers: Any, dtype: torch.dtype) -> str:
        """A list of numbers as an array."""
        typed = f", dtype={self.type_beside()}" if dtype.is_floating_point else ""
        return f"np.array({self.text(numbers)}{typed})"

    def other(self, node: Node) -> Written:
        """NumPy has no such function."""
        where = f"{node.place.file}:{node.place.line}: {node.place.text}: " if node.place else ""
        raise Unwritable(f"{where}{node.op} has no form in NumPy")

    def helped(self, name: str, *args: Any, **options: Any) -> str:
        """A call of a helper."""
        self.options.setdefault(name, set()).update(options)
        return self.call(name, *args, **options)


def _function(name: str) -> Callable[..., str]:
    return lambda w, *args: w.call(f"np.{name}", *args)


def _reduction(name: str) -> Callable[..., str]:
    def write(w: Expressions, x: Any, dims: Any = None, keepdim: bool = False) -> str:
        if dims is None and not keepdim:
            return w.method(x, name)
        kept = {"keepdims": True} if keepdim else {}
        dims = tuple(range(len(x.shape))) if dims is None else dims
        return w.method(x, name, brief(dims), **kept)

    return write


def _along(name: str) -> Callable[..., str]:
    """A function along one dimension, or over all numbers."""

    def write(w: Expressions, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> str:
        kept = {"keepdims": True} if keepdim else {}
        return w.method(x, name, *([] if dim is None else [dim]), **kept)

    return write


def _part(w: NumpyCode, whole: Node, i: int) -> str:
    """Of the two results of `max` over a dimension, the values or their places."""
    if whole.op in ("max", "min") and whole not in w.names:
        x, dim, keepdim = (*whole.args, *whole.kwargs.values(), False)[:3]
        return _along(whole.op if i == 0 else f"arg{whole.op}")(w, x, dim, keepdim)
    return f"{w.text(whole, CALL)}[{i}]"


def _one_hot(w: NumpyCode, y: Node, num_classes: int) -> str:
    return f"np.eye({num_classes}, dtype={w.type_beside()})[{w.text(y)}]"


def _cross_entropy(w: NumpyCode, z: Node, y: Node, **options: Any) -> Written:
    """−log p at y; where there are more dimensions than classes, by `take_along_axis`."""
    reduction = options.pop("reduction", "mean")
    if options:
        raise Unwritable(f"cross_entropy with {', '.join(options)} has no form in NumPy")
    dim = min(len(z.shape) - 1, 1)
    logp = w.helped("log_softmax", z, dim)
    if len(z.shape) == 1:
        return f"-{logp}[{w.text(y)}]", SIGN
    if len(z.shape) == 2:
        rows = f"len({w.text(y)})" if y in w.names else str(len(y.value))
        losses = f"{logp}[np.arange({rows}), {w.text(y)}]"
    else:
        losses = f"np.take_along_axis({logp}, {w.text(y, CALL)}[:, None], 1)"
        losses += "[:, 0]" if reduction == "none" else ""
    return f"-{losses}{'' if reduction == 'none' else f'.{reduction}()'}", SIGN


def _filled(name: str) -> Callable[..., str]:
    def write(w: NumpyCode, *sizes: Any, size: Any = None, dtype: Any = None, **_: Any) -> str:
        given = size if size is not None else sizes[0] if isinstance(sizes[0], Sequence) else sizes
        shape = tuple(given)
        if name == "eye":
            return f"np.eye({', '.join(map(str, shape))}{_type(w, dtype)})"
        return f"np.{name}({w.text(brief(shape))}{_type(w, dtype)})"

    return write


def _full(w: NumpyCode, size: Any, fill_value: Any, dtype: Any = None, **_: Any) -> str:
    return f"np.full({w.text(brief(tuple(size)))}, {w.text(fill_value)}{_type(w, dtype)})"


def _arange(w: NumpyCode, *ends: Any, dtype: Any = None, **more: Any) -> str:
    ends = (*ends, *(more[name] for name in ("start", "end", "step") if name in more))
    floating = dtype is not None or any(isinstance(x, float) for x in ends)
    return f"np.arange({', '.join(w.text(x) for x in ends)}{_type(w, dtype) if floating else ''})"


def _tensor(w: NumpyCode, numbers: Any, dtype: Any = None, **_: Any) -> str:
    value = torch.tensor(numbers)
    return w.array(numbers, value.dtype if dtype is None else dtype) if value.dim() else w.literal(numbers)


def _type(w: NumpyCode, dtype: Any) -> str:
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
    def write(w: NumpyCode, x: Node, *args: Any, **_: Any) -> str | Written:
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


def _pad(w: NumpyCode, x: Node, pad: Sequence[int], mode: str = "constant", value: Any = None) -> str:
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

    def write(w: NumpyCode, *args: Any, **kwargs: Any) -> str | Written:
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


def _index_put(
    w: NumpyCode, name: str, base: Node, index: Any, values: Node, accumulate: bool = False
) -> list[str]:
    parts = [w.text(i) for i in index]
    places = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
    if accumulate:
        return [*w.started(name, base), f"np.add.at({name}, {places}, {w.text(values)})"]
    return [*w.started(name, base), f"{name}[{', '.join(parts)}] = {w.text(values)}"]


def _index_add(w: NumpyCode, name: str, base: Node, dim: int, index: Node, source: Node) -> list[str]:
    at = w.text(index)
    places = f"({'slice(None), ' * dim}{at})" if dim else at
    return [*w.started(name, base), f"np.add.at({name}, {places}, {w.text(source)})"]


def _scatter(w: NumpyCode, name: str, base: Node, dim: int, index: Node, source: Any) -> list[str]:
    return [
        *w.started(name, base),
        f"np.put_along_axis({name}, {w.text(index)}, {w.text(source)}, {dim})",
    ]


def _scatter_add(w: NumpyCode, name: str, base: Node, dim: int, index: Node, source: Node) -> list[str]:
    places = [
        w.text(index) if d == dim else f"np.arange({n}){_column(d, len(base.shape))}"
        for d, n in enumerate(index.shape)
    ]
    return [*w.started(name, base), f"np.add.at({name}, ({', '.join(places)}), {w.text(source)})"]


def _column(at: int, dims: int) -> str:
    rest = dims - at - 1
    return f"[{', '.join([':', *['None'] * rest])}]" if rest else ""


def _set(w: NumpyCode, name: str, base: Node, index: Any, value: Any) -> list[str]:
    return [*w.started(name, base), f"{name}[{w.index(index)}] = {w.text(unexpanded(value, w.names))}"]


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
            "isinf",
            "isfinite",
        )
    },
    **{op: (lambda w, x, op=op: w.helped(op, x)) for op in ("sigmoid", "erf")},
    **{op: (lambda w, x, dim, op=op: w.helped(op, x, dim)) for op in ("softmax", "log_softmax")},
    **{
        op: (lambda w, x, diagonal=0, op=op: w.call(f"np.{op}", x, *([diagonal] if diagonal else [])))
        for op in ("tril", "triu")
    },
    "relu": lambda w, x: w.call("np.maximum", x, 0),
    "rsqrt": lambda w, x: (f"1 / {w.call('np.sqrt', x)}", PRODUCT),
    "logical_not": lambda w, x: f"~{w.text(x, CALL)}",
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("max"),
    "amin": _along("min"),
    "argmax": _along("argmax"),
    "argmin": _along("argmin"),
    "cumsum": _along("cumsum"),
    "any": _along("any"),
    "all": _along("all"),
    "stop_gradient": lambda w, x: w.bare(x),
    "T": lambda w, x: f"{w.text(x, CALL)}.{'T' if len(x.shape) == 2 else 'mT'}",
    "permute": lambda w, x, order: w.method(x, "transpose", *order),
    "movedim": lambda w, x, source, destination, _: w.call("np.moveaxis", x, source, destination),
    "reshape": lambda w, x, shape: w.method(x, "reshape", *shape) if shape else w.method(x, "reshape", ()),
    "unsqueeze": lambda w, x, dim: f"{w.text(x, CALL)}[{new_axis(len(x.shape), dim)}]",
    "expand": lambda w, x, shape: w.call("np.broadcast_to", x, shape),
    "getitem": lambda w, x, index: f"{w.text(x, CALL)}[{w.index(index)}]",
    "part": _part,
    "stack": lambda w, tensors, dim: w.call("np.stack", list(tensors), *([dim] if dim else [])),
    "cat": lambda w, tensors, dim: w.call("np.concatenate", list(tensors), *([dim] if dim else [])),
    "einsum": lambda w, equation, *x: w.call("np.einsum", equation, *x),
    "gather": lambda w, x, dim, index, **_: w.call("np.take_along_axis", x, index, dim),
    "index_select": lambda w, x, dim, index: w.call("np.take", x, index, dim),
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
