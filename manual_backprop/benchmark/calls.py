"""A call of each public operation with about rows × columns numbers, to be timed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.operation import PUBLIC

ELEMENTWISE = (
    *("abs", "exp", "neg", "square", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu"),
    *("logsigmoid", "relu", "relu6", "sigmoid", "silu", "softplus", "softsign", "tanh", "dropout", "clone"),
)
OF_TWO = ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")
ALONG_ROWS = ("softmax", "log_softmax", "sum", "mean", "var", "std")
SMALL = 2**16
"""Below so many numbers, images and sequences are shorter, too."""


def _directly(f: Callable[..., Any], *given: Tensor, **options: Any) -> Any:
    return f(*given, **options)


@dataclass(frozen=True)
class Call:
    """How an operation is called.

    Attributes:
        shapes: of the random inputs, which get gradients.
        others: tensors that follow them.
        options: arguments by name.
        call: calls a function with all of these, where that is more than f(*inputs, *others, **options).
        built_in: the function of torch, where it is not the twin.
        positive: whether the inputs are from 0.1 to 1.1, not normal.
    """

    shapes: tuple[tuple[int, ...], ...]
    others: tuple[Tensor, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] = _directly
    built_in: Callable[..., Any] | None = None
    positive: bool = False

    def case(self, f: Callable[..., Any], device: torch.device) -> Callable[[], None]:
        """Forward and backward of `f`, with an upstream gradient that is drawn once."""
        draw = torch.rand if self.positive else torch.randn
        inputs = [draw(shape, device=device) + 0.1 * self.positive for shape in self.shapes]
        others = [tensor.to(device) for tensor in self.others]
        for x in inputs:
            x.requires_grad_()
        upstream: list[Tensor] = []

        def run() -> None:
            output = self.call(f, *inputs, *others, **self.options)
            outputs = [output] if isinstance(output, Tensor) else list(output)
            if not upstream:
                upstream.extend(torch.randn_like(y) for y in outputs)
            torch.autograd.grad(outputs, inputs, upstream, allow_unused=True)

        return run

    def pair(self, name: str, device: torch.device) -> tuple[Callable[[], None], Callable[[], None]]:
        """The case of the operation, and that of the function of torch."""
        public = PUBLIC[name]
        return self.case(public.function, device), self.case(self.built_in or public.twin, device)


def calls(rows: int, columns: int) -> dict[str, Call]:
    """By the names of the operations."""
    x, n = (rows, columns), rows * columns
    y, target = torch.randint(0, columns, (rows,)), torch.randn(x)
    square, layer = (columns, columns), (x, (columns, columns), (columns,))
    return {
        **{name: Call((x,)) for name in ELEMENTWISE},
        **{name: Call((x,), positive=True) for name in ("log", "rsqrt", "sqrt")},
        **{name: Call((x, x)) for name in ("add", "div", "mul", "sub")},
        **{name: Call((x,), options={"dim": 1}) for name in ALONG_ROWS},
        **{name: Call((x,), (target,)) for name in OF_TWO},
        **_shapes(rows, columns),
        **_images(n),
        **_sequences(n, columns),
        "pow": Call((x,), options={"exponent": 3.0}, positive=True),
        "where": Call((x, x), (target > 0,), call=lambda f, a, b, mask: f(mask, a, b)),
        "masked_fill": Call((x,), (target > 0,), {"value": 0.5}),
        "matmul": Call((x, square)),
        "mm": Call((x, square)),
        "mv": Call((x, (columns,))),
        "dot": Call(((n,), (n,))),
        "bmm": Call(((4, rows // 4, columns), (4, columns, columns // 4))),
        "addmm": Call(((columns,), x, square)),
        "baddbmm": Call(((4, rows // 4, columns // 4), (4, rows // 4, columns), (4, columns, columns // 4))),
        "einsum": Call((x, square), call=lambda f, a, b: f("nd,dm->nm", a, b)),
        "embedding": Call(
            ((1000, columns),), (torch.randint(0, 1000, (rows,)),), call=lambda f, W, i: f(i, W)
        ),
        "linear": Call(layer),
        "linear_relu": Call(layer, built_in=lambda *given: torch.relu(T.linear(*given))),
        "linear_sigmoid": Call(layer, built_in=lambda *given: torch.sigmoid(T.linear(*given))),
        "layer_norm": Call((x, (columns,), (columns,)), call=lambda f, x, w, b: f(x, w.shape, w, b)),
        "rms_norm": Call((x, (columns,)), call=lambda f, x, w: f(x, w.shape, w)),
        "cross_entropy": Call((x,), (y,)),
        "cross_entropy_": Call((x,), (y,), call=_of_no_leaf, built_in=T.cross_entropy),
        "nll_loss": Call((x,), (y,)),
        "linear_cross_entropy": Call(
            ((rows, 256), (columns, 256)), (y,), built_in=lambda x, W, y: T.cross_entropy(T.linear(x, W), y)
        ),
        "binary_cross_entropy_with_logits": Call((x,), (torch.rand(x),)),
        "kl_div": Call((x,), (torch.rand(x),), {"reduction": "batchmean"}),
    }


def _shapes(rows: int, columns: int) -> dict[str, Call]:
    """Views, copies and choices."""
    x, cube = (rows, columns), (rows, columns // 16, 16)
    return {
        "broadcast_to": Call(((columns,),), options={"size": x}),
        "permute": Call((cube,), options={"dims": (2, 0, 1)}),
        "transpose": Call((cube,), options={"dim0": 0, "dim1": 2}),
        "t": Call((x,)),
        "movedim": Call((cube,), options={"source": 0, "destination": 2}),
        "reshape": Call((x,), options={"shape": (columns, rows)}),
        "flatten": Call((cube,)),
        "unflatten": Call((x,), options={"dim": 1, "sizes": (-1, 16)}),
        "squeeze": Call(((rows, 1, columns),), options={"dim": 1}),
        "unsqueeze": Call((x,), options={"dim": 1}),
        "cat": Call((x, x), call=lambda f, *given: f(given)),
        "stack": Call((x, x), call=lambda f, *given: f(given)),
        "split": Call((x,), options={"split_size_or_sections": rows // 2}, built_in=torch.split),
        "chunk": Call((x,), options={"chunks": 2}),
        "unbind": Call(((4, rows * columns // 4),)),
        "select": Call((x,), options={"dim": 0, "index": 1}),
        "narrow": Call((x,), options={"dim": 0, "start": 1, "length": rows // 2}),
        "index_select": Call((x,), options={"dim": 0, "index": torch.randint(0, rows, (rows,))}),
    }


def _images(n: int) -> dict[str, Call]:
    C, side = (16, 16) if n < SMALL else (64, 32)
    image = (n // (C * side * side), C, side, side)
    of_channels = (image, (C,), (C,))
    return {
        "conv2d": Call((image, (C, C, 3, 3), (C,)), options={"padding": 1}),
        "avg_pool2d": Call((image,), options={"kernel_size": 2}),
        "max_pool2d": Call((image,), options={"kernel_size": 2}),
        "adaptive_avg_pool2d": Call((image,), options={"output_size": 7}),
        "batch_norm": Call(of_channels, call=lambda f, x, w, b: f(x, None, None, w, b, training=True)),
        "group_norm": Call(of_channels, call=lambda f, x, w, b: f(x, 4, w, b)),
    }


def _sequences(n: int, columns: int) -> dict[str, Call]:
    heads, length, width = (2, 64, 64) if n < SMALL else (8, 256, 64)
    queries = (n // (heads * length * width), heads, length, width)
    D, steps = min(columns, 256), 16
    tokens = (length, n // (length * D), D)
    return {
        "scaled_dot_product_attention": Call((queries,) * 3, options={"is_causal": True}),
        "multi_head_attention_forward": Call(
            (tokens, (3 * D, D), (3 * D,), (D, D), (D,)), call=_self_attention
        ),
        "lstm": _recurrent(steps, n // (steps * D), D, states=2, gates=4, built_in=torch.lstm),
        "rnn_tanh": _recurrent(steps, n // (steps * D), D, states=1, gates=1, built_in=torch.rnn_tanh),
        "rnn_relu": _recurrent(steps, n // (steps * D), D, states=1, gates=1, built_in=torch.rnn_relu),
    }


def _recurrent(steps: int, N: int, D: int, *, states: int, gates: int, built_in: Any) -> Call:
    def call(f: Any, x: Tensor, *given: Tensor) -> Any:
        first = given[0] if states == 1 else given[:states]
        weights = [0.05 * weight for weight in given[states:]]  # so that no state grows
        return f(x, first, weights, True, 1, 0.0, True, False, False)[0]

    weights = ((gates * D, D), (gates * D, D), (gates * D,), (gates * D,))
    return Call(((steps, N, D), *((1, N, D),) * states, *weights), call=call, built_in=built_in)


def _self_attention(f: Any, x: Tensor, W: Tensor, b: Tensor, V: Tensor, c: Tensor) -> Any:
    D = x.shape[-1]
    return f(x, x, x, D, D // 32, W, b, None, None, False, 0.0, V, c, need_weights=False)[0]


class _Given(torch.autograd.Function):
    """A tensor as another operation would hand it on: no leaf, so that it may be overwritten."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        return tensor.detach()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output


def _of_no_leaf(f: Any, x: Tensor, y: Tensor) -> Any:
    return f(_Given.apply(x), y)
