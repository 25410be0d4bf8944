"""The mean of each window.

Given   an image x and windows, of which number i sees the places w ∈ Wᵢ (see `windows`), the output

            yᵢ = 1/Dᵢ Σ_{w in Wᵢ} x_w

        and the upstream gradient g = ∂L/∂y. Padding is 0.
Want    ∂L/∂x.

1.  The output is linear in x, and a number counts the same in each window that sees it:

        ∂yᵢ/∂x_w = 1/Dᵢ if w ∈ Wᵢ, else 0

2.  The chain rule sums over the windows that see it:

        ∂L/∂x_w = Σ_{i: w in Wᵢ} gᵢ/Dᵢ

    So gᵢ/Dᵢ goes back to each place that window i saw, and adds up where windows overlap: along the columns
    of each row of windows first, and then along the rows, which takes kh + kw additions, not kh · kw. Where
    windows lie side by side there is nothing to add up, and each place gets the gᵢ/Dᵢ of its own window.

3.  D counts places, rows times columns. Window i has the rows h that

        i s − p ≤ h < min(i s − p + k, n + p)

    With `ceil_mode`, the last window may reach beyond the padding, and what lies there does not count. Rows
    in the padding do, unless `count_include_pad` is False. `divisor_override` takes the place of D. Mostly no
    window is cut, and D is one number, kh kw.

The numerical trap is the border: with D = k² everywhere, gradients are right in the middle of the image only.

Shapes: input (N, C, H, W) or (C, H, W), output (N, C, O, P) or (C, O, P).

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86 (1998), section II, where it is called sub-sampling.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer, require_flags
from manual_backprop.functional.convolution._windows import (
    Pair,
    added_up,
    check_pooling,
    pair,
    shared_out,
    stride_or,
)
from manual_backprop.functional.convolution._windows_written import counts_written, written
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    narrow,
    public,
    require_tensor,
    widen,
)


class AvgPool2d(Operation):
    """yᵢ = 1/Dᵢ Σ x_w over what the window sees, and ∂L/∂x_w = Σᵢ gᵢ/Dᵢ over the windows that see it."""

    formula = Formula(
        "avg_pool2d", "pooling", "mean of {0} in each window", ("Σ {g}/n over the windows that it is in",)
    )

    @staticmethod
    def written(x: Tensor, kernel: Pair, stride: Pair, padding: Pair, *options: Any) -> Any:
        size = AvgPool2d.forward(x, kernel, stride, padding, *options).shape[-2:]  # its shape alone is used
        n, (o, p), (k, m) = prod(kernel), size, kernel
        default = (padding, *options) == ((0, 0), False, True, None)
        if default and kernel == x.shape[-2:]:
            return x.mean((-2, -1), keepdim=True), lambda g: (g / n).expand(x.shape)
        if default and kernel == stride and (o * k, p * m) == x.shape[-2:]:
            blocks = x.reshape(*x.shape[:-2], o, k, p, m)
            return blocks.mean(
                (-3, -1)
            ), lambda g: (g[..., :, None, :, None] / n).expand(blocks.shape).reshape(x.shape)
        windows, dim, through = written(x, kernel, stride, padding, (1, 1), size, 0)
        counts = counts_written(x, kernel, stride, padding, size, *options[1:])
        is_mean = isinstance(counts, int) and counts == n
        y = windows.mean(dim) if is_mean else windows.sum(dim) / counts

        def backward(g: Tensor) -> Tensor:
            share = g / counts
            dwindows = share.unsqueeze(dim).expand(windows.shape)
            return through(dwindows)

        return y, backward

    @staticmethod
    def check(
        input: Tensor,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> None:
        if not input.is_floating_point() and input.dtype != torch.int64:
            raise NotImplementedError(f"avg_pool2d: expected floating-point numbers, got {input.dtype}")
        if input.dim() < 3:
            raise IndexError(
                f"avg_pool2d: expected input (N, C, H, W) or (C, H, W), got {tuple(input.shape)}"
            )
        check_pooling("avg_pool2d", input, kernel, stride, padding, ceil_mode=ceil_mode)
        if divisor_override == 0:
            raise RuntimeError("avg_pool2d: divisor_override must not be 0")

    @staticmethod
    def forward(input: Tensor, *options: Any) -> Tensor:
        return T.avg_pool2d(input, *options)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, *ctx.options = inputs  # nothing is kept: the derivative does not depend on x
        ctx.size = input.shape[-2:]

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        kernel, stride, padding, _, count_include_pad, divisor_override = ctx.options
        g = widen(grad_output)
        if _are_beside(ctx.size, g.shape, kernel, stride, padding):
            number = divisor_override or prod(kernel)
            grad_input = narrow(shared_out(g, kernel, number, ctx.size), grad_output.dtype)
            return grad_input, None, None, None, None, None, None
        D: Tensor | int | None = divisor_override
        if D is None:
            counts = zip(ctx.size, g.shape[-2:], kernel, stride, padding, strict=True)
            rows, columns = (counted(*numbers, count_include_pad, g.device) for numbers in counts)
            D = (rows[:, None] if isinstance(rows, Tensor) else rows) * columns
        over_rows, over_columns = zip(kernel, stride, padding, ctx.size, strict=True)
        grad_input = added_up(added_up(g / D, -1, *over_columns), -2, *over_rows)
        return narrow(grad_input, grad_output.dtype), None, None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        return AvgPool2d.forward(input_tangent, *ctx.options)  # y is linear in x


def _are_beside(size: Pair, shape: Sequence[int], kernel: Pair, stride: Pair, padding: Pair) -> bool:
    """Whether no two windows see the same place, and none sees beyond the image."""
    (k, m), (o, p) = kernel, shape[-2:]
    return kernel == stride and padding == (0, 0) and k * o <= size[0] and m * p <= size[1]


def counted(
    n: int, windows: int, k: int, s: int, p: int, count_include_pad: bool, device: torch.device
) -> Tensor | int:
    """How many rows of each window count, by step 3; one number where none is cut."""
    low, high = (-p, n + p) if count_include_pad else (0, n)
    if low == -p and (windows - 1) * s - p + k <= high:
        return k
    first = torch.arange(-p, windows * s - p, s, device=device)
    return (first + k).clamp(max=high) - first.clamp(min=low)


_avg_pool2d = function_of(AvgPool2d)


@public(T.avg_pool2d, example=example((2, 4, 5, 6), kernel_size=3, stride=2, padding=1))
def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window; as torch.nn.functional.avg_pool2d, with a hand-written gradient.

    Args:
        input: x, (N, C, H, W), or (C, H, W) for one image.
        kernel_size: rows and columns of a window; one number, or one for each.
        stride: by how much a window moves on; None or () for the size of the window.
        padding: rows and columns of zeros on either side, at most half of the window.
        ceil_mode: whether rows and columns that are left over get a window too.
        count_include_pad: whether padding counts in the mean.
        divisor_override: what to divide by instead of the number of places that count.

    Returns:
        y, (N, C, O, P) or (C, O, P).

    Raises:
        TypeError: `input` is not a Tensor, or an option of another type.
        IndexError: an input of fewer than three dimensions.
        RuntimeError: shapes and options that do not fit each other.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("avg_pool2d", input=input)
    require_flags("avg_pool2d", ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    if divisor_override is not None:
        divisor_override = integer("avg_pool2d", "divisor_override", divisor_override)
    kernel = pair("avg_pool2d", "kernel_size", kernel_size)
    stride = stride_or(kernel, "avg_pool2d", stride)
    padding = pair("avg_pool2d", "padding", padding)
    return _avg_pool2d(input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
