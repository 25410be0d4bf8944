"""The largest number of each window: whether something is there, and not where exactly.

Given   an image x and windows, of which number i sees the places w ∈ Wᵢ (see `windows`), the output

            yᵢ = max_{w in Wᵢ} x_w

        and the upstream gradient ∂L/∂y. Padding is −∞ and never the largest.
Want    ∂L/∂x.

1.  The largest number of window i stands at some place hᵢ, and the output is a copy of it. Of several that
    are equally large it is the first, row by row; NaN counts as larger than all.

        yᵢ = x_{hᵢ}

2.  A small change of x does not change which number is larger, unless two are equal. So hᵢ is a constant, and
    the derivative is that of a copy:

        ∂yᵢ/∂x_w = [w = hᵢ]

3.  The chain rule sums over the windows. A place gets what arrives at each window that it is the largest of:

        ∂L/∂x_w = Σᵢ ∂L/∂yᵢ [w = hᵢ]

    There may be several, where windows overlap. A place that is the largest of none gets 0.

4.  Where dilation reaches over the whole image, a window can see padding alone. Its output is −∞ whatever x
    is, and moves with none of it:

        ∂yᵢ/∂x_w = 0

    PyTorch gives such a window a place too, which need not be in the image, and writes its gradient there.

The numerical trap: to look afterwards for the places where x equals y finds several where numbers are equal,
which zeros behind a ReLU often are, and the gradient counts more than once. So the hᵢ are remembered.

Shapes: input (N, C, H, W) or (C, H, W), output (N, C, O, P) or (C, O, P). A place is its number,
counted row by row from 0.

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 9.3.
"""

import math
from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import require_flags
from manual_backprop.functional.convolution._windows import Pair, check_pooling, pair, stride_or
from manual_backprop.functional.convolution._windows_written import written
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)


class MaxPool2d(Operation):
    """yᵢ = x_{hᵢ}, and ∂L/∂x_w = Σᵢ ∂L/∂yᵢ [w = hᵢ]."""

    formula = Formula(
        "max_pool2d", "pooling", "max of {0} in each window", ("Σ {g} over the windows whose maximum it is",)
    )

    @staticmethod
    def written(x: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool) -> Any:
        _, places = T.max_pool2d_with_indices(x, kernel, stride, padding, dilation, ceil_mode)
        windows, dim, through = written(x, kernel, stride, padding, dilation, places.shape[-2:], -math.inf)
        y = windows.amax(dim)

        def backward(g: Tensor, _: None) -> Tensor:
            first = T.one_hot(windows.argmax(dim), prod(kernel))
            if dim != -1:
                first = first.movedim(-1, dim)
            dwindows = first * g.unsqueeze(dim)
            return through(dwindows)

        return (y, places), backward

    @staticmethod
    def check(
        input: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
    ) -> None:
        if input.dtype == torch.bool or input.is_complex():
            raise NotImplementedError(f"max_pool2d: expected real numbers, got {input.dtype}")
        check_pooling("max_pool2d", input, kernel, stride, padding, dilation, ceil_mode)

    @staticmethod
    def forward(input: Tensor, *options: Any) -> tuple[Tensor, Tensor]:
        return T.max_pool2d_with_indices(input, *options)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        _, places = output  # the hᵢ
        ctx.mark_non_differentiable(places)
        ctx.set_materialize_grads(False)  # no zeros are made for what has no gradient
        ctx.save_for_backward(places)  # they say all: x itself is not needed
        ctx.save_for_forward(places)
        input, *ctx.options = inputs
        ctx.input_shape, ctx.input_dtype = input.shape, input.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        if grad_output is None:  # nothing arrives here
            return None, None, None, None, None, None
        (places,) = ctx.saved_tensors
        g = widen(grad_output)
        blind = _blind(places, ctx)
        if blind is not None:
            g, places = g.masked_fill(blind, 0), places.masked_fill(blind, 0)
        *images, H, W = ctx.input_shape
        nothing = g.new_zeros(*images, H * W)
        grad_input = nothing.scatter_add_(-1, _in_a_row(places), _in_a_row(g))
        return narrow(grad_input, ctx.input_dtype).reshape(ctx.input_shape), None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        blind = _blind(places, ctx)
        places = places if blind is None else places.masked_fill(blind, 0)
        moved = _in_a_row(input_tangent).gather(-1, _in_a_row(places))  # ẏᵢ is ẋ at hᵢ
        moved = moved.reshape(places.shape)
        return moved if blind is None else moved.masked_fill(blind, 0), None


def _in_a_row(image: Tensor) -> Tensor:
    """(*, H, W) → (*, HW)."""
    return image.reshape(*image.shape[:-2], prod(image.shape[-2:]))


def _blind(places: Tensor, ctx: Any) -> Tensor | None:
    """Step 4: (O, P), which windows see padding alone; None where all see some of the image."""
    kernel, stride, padding, dilation, _ = ctx.options
    size = ctx.input_shape[-2:]
    if all(d <= n for d, n in zip(dilation, size, strict=True)):  # too short to reach over it
        return None
    numbers = zip(size, places.shape[-2:], kernel, stride, padding, dilation, strict=True)
    rows, columns = (_sees(places.device, *each) for each in numbers)
    return ~(rows[:, None] & columns)


def _sees(device: torch.device, n: int, windows: int, k: int, s: int, p: int, d: int) -> Tensor:
    """Which windows see a row of the image: the first that they read at 0 or behind it is one, and theirs."""
    start = torch.arange(windows, device=device) * s - p
    first = torch.where(start < 0, start % d, start)
    return (first < n) & (first - start <= d * (k - 1))


_max_pool2d = function_of(MaxPool2d)


@public(torch.max_pool2d, T.max_pool2d, example=example((2, 4, 5, 6), kernel_size=3, stride=2, padding=1))
def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest number of each window; as torch.nn.functional.max_pool2d, with a hand-written gradient.

    Args:
        input: x, (N, C, H, W), or (C, H, W) for one image.
        kernel_size: rows and columns of a window; one number, or one for each.
        stride: by how much a window moves on; None or () for the size of the window.
        padding: rows and columns of −∞ on either side, at most half of the window.
        dilation: how far the rows and columns that a window sees lie apart.
        ceil_mode: whether rows and columns that are left over get a window too.
        return_indices: whether to return the places of the largest numbers too.

    Returns:
        y, (N, C, O, P) or (C, O, P); with `return_indices`, the places as well, of the same shape.

    Raises:
        TypeError: `input` is not a Tensor, or an option no integer.
        RuntimeError: shapes and options that do not fit each other.
        NotImplementedError: numbers without an order.
    """
    require_tensor("max_pool2d", input=input)
    require_flags("max_pool2d", ceil_mode=ceil_mode)
    kernel = pair("max_pool2d", "kernel_size", kernel_size)
    stride = stride_or(kernel, "max_pool2d", stride)
    padding, dilation = pair("max_pool2d", "padding", padding), pair("max_pool2d", "dilation", dilation)
    largest, places = _max_pool2d(input, kernel, stride, padding, dilation, ceil_mode)
    return (largest, places) if return_indices else largest


@twin_of(T.max_pool2d_with_indices)
def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with the places, whatever `return_indices` says; as the twin of that name."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[return-value]
