"""The mean of each of so many parts of an image, however large it is.

Given   an image x with n rows, of which o are to be made, and columns likewise. Part i has each row k of
        which a piece lies between i n/o and (i + 1) n/o:

            i n/o − 1 < k < (i + 1) n/o

        The output y is the mean of each part; g = ∂L/∂y is the upstream gradient.
Want    ∂L/∂x.

1.  A mean over rows and columns is a mean over columns, and then over rows. Let A, (o, n), hold what row k
    counts in part i, and B the same for the columns:

        Aᵢₖ = 1 / (number of rows of part i) if row k is in it, else 0
        yᵢⱼ = Σₖₗ Aᵢₖ xₖₗ Bⱼₗ

2.  The output is linear in x, ∂yᵢⱼ/∂xₖₗ = Aᵢₖ Bⱼₗ, and the chain rule sums over the parts:

        ∂L/∂xₖₗ = Σᵢⱼ Aᵢₖ gᵢⱼ Bⱼₗ

3.  For all places at once:

        y = A x Bᵀ
        ∂L/∂x = Aᵀ g B

4.  A is the same over and over. With c = gcd(n, o), what part i is for the first n/c rows, part i + o/c is
    for the next n/c, and so on. So parts that are o/c apart share no row, and all parts of one kind, of which
    there are o/c, are dealt with at once: each adds its gradient, divided by its size, to each of its rows.

    Where o divides n there is one kind, and this is `avg_pool2d` with a window of n/o rows. With one part for
    all, which is called *global* pooling, every place gets g/HW.

The numerical trap: 0 · ∞ is NaN, so as a product with A, whose most numbers are 0, one infinite number would
make NaN of rows and columns that it has nothing to do with. In step 4, nothing is multiplied by 0.

Shapes: input (N, C, H, W) or (C, H, W), output (N, C, O, P) or (C, O, P) with (O, P) as asked for.

Source: Lin, Chen and Yan, "Network in network", ICLR 2014, for global average pooling.
"""

from collections.abc import Sequence
from math import gcd
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import as_int, is_integer
from manual_backprop.functional.convolution._windows import Pair, require_at_least
from manual_backprop.functional.convolution.avg_pool2d import AvgPool2d
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


class AdaptiveAvgPool2d(Operation):
    """y = A x Bᵀ and ∂L/∂x = Aᵀ g B."""

    formula = Formula(
        "adaptive_avg_pool2d",
        "pooling",
        "mean of {0} in each window",
        ("Σ {g}/n over the windows that it is in",),
    )

    @staticmethod
    def written(x: Tensor, size: Pair) -> Any:
        (H, W), (o, p) = x.shape[-2:], size
        if H % o == 0 and W % p == 0:
            window = (H // o, W // p)
            return AvgPool2d.written(x, window, window, (0, 0), False, True, None)

        def shares(o: int, n: int) -> Tensor:
            part, row = torch.arange(o)[:, None], torch.arange(n)
            above, below = row > part * n / o - 1, row < (part + 1) * n / o
            shared = (above & below).type_as(x)
            return shared / shared.sum(1, keepdim=True)

        A, B = shares(o, H), shares(p, W)
        return A @ x @ B.T, lambda g: A.T @ g @ B

    @staticmethod
    def check(input: Tensor, size: Pair) -> None:
        if not input.is_floating_point():
            raise NotImplementedError(
                f"adaptive_avg_pool2d: expected floating-point numbers, got {input.dtype}"
            )
        require_at_least(0, "adaptive_avg_pool2d", output_size=size)
        if 0 in input.shape[-2:]:
            raise RuntimeError(
                f"adaptive_avg_pool2d: H and W must be positive, got input {tuple(input.shape)}"
            )

    @staticmethod
    def forward(input: Tensor, size: Pair) -> Tensor:
        return T.adaptive_avg_pool2d(input, size)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Pair], output: Tensor) -> None:
        input, ctx.output_size = inputs  # nothing is kept: the derivative does not depend on x
        ctx.size = input.shape[-2:]

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        H, W = ctx.size
        by_columns = given_back(widen(grad_output), -1, W)  # g B
        grad_input = given_back(by_columns, -2, H)  # Aᵀ g B
        return narrow(grad_input, grad_output.dtype), None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, _: None) -> Tensor:
        return AdaptiveAvgPool2d.forward(input_tangent, ctx.output_size)  # y is linear in x


def given_back(g: Tensor, dim: int, n: int) -> Tensor:
    """Aᵀ g along a dimension, −1 or −2, of o parts, for the n rows of which they are made: step 4."""
    o = g.shape[dim]
    c = gcd(n, o)
    before, after = g.shape[: g.dim() + dim], g.shape[g.dim() + dim + 1 :]
    kinds = g.reshape(*before, c, o // c, *after)
    if o == c:
        return (kinds / (n // c)).expand(*before, c, n // c, *after).reshape(*before, n, *after)
    grad = g.new_zeros(*before, c, n // c, *after)
    for i in range(o // c):
        first, end = i * n // o, -(-(i + 1) * n // o)
        share = kinds.narrow(dim, i, 1)
        grad.narrow(dim, first, end - first).add_(share, alpha=1 / (end - first))
    return grad.reshape(*before, n, *after)


_adaptive_avg_pool2d = function_of(AdaptiveAvgPool2d)


@public(T.adaptive_avg_pool2d, example=example((2, 4, 5, 6), output_size=(2, 4)))
def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The mean of each part; as torch.nn.functional.adaptive_avg_pool2d, with a hand-written gradient.

    Args:
        input: x, (N, C, H, W), or (C, H, W) for one image.
        output_size: into how many parts rows and columns are divided; one number, or one for each, of which
            None leaves as many as there are.

    Returns:
        y, (N, C, O, P) or (C, O, P).

    Raises:
        TypeError: `input` is not a Tensor, or a size no integer.
        RuntimeError: sizes that are negative, or other than two, an image of no places, or an input of too
            few or too many dimensions.
        ValueError: too few of them for the two sizes that are given.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("adaptive_avg_pool2d", input=input)
    return _adaptive_avg_pool2d(input, _sizes(input, output_size))


def _sizes(input: Tensor, output_size: Any) -> Pair:
    given = f"output_size must be an integer or two, of which each may be None, got {output_size!r}"
    asked = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
    if output_size is None or not all(size is None or is_integer(size) for size in asked):
        raise TypeError(f"adaptive_avg_pool2d: {given}")
    if len(asked) != 2:
        raise RuntimeError(f"adaptive_avg_pool2d: {given}")
    if input.dim() not in (3, 4):
        too_few = input.dim() < 3 and isinstance(output_size, list | tuple)
        raise (ValueError if too_few else RuntimeError)(
            f"adaptive_avg_pool2d: expected input (N, C, H, W) or (C, H, W), got {tuple(input.shape)}"
        )
    rows, columns = (size if own is None else own for own, size in zip(asked, input.shape[-2:], strict=True))
    return as_int(rows), as_int(columns)
