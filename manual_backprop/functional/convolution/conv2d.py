"""The convolution: a small kernel slides over the image, so that what is learned at one place holds at each.

Given   an image x with channels k, kernels W, a bias b, and the upstream gradient δ = ∂L/∂z, where

            zₘ[i] = bₘ + Σₖ Σᵤ Wₘₖ[u] xₖ[i s + u d − p]

        m is a channel of the output, i a place in it, u a place in the kernel; s is the stride, d the
        dilation, p the padding, in which x is 0. These are the rows; the columns do the same, and all sums
        over places below are over both.
Want    ∂L/∂x, ∂L/∂W, ∂L/∂b.

1.  A weight is used at every place i of every example n, so the chain rule sums over these:

        ∂L/∂Wₘₖ[u] = Σₙ Σᵢ δₙₘ[i] xₙₖ[u d + i s − p]

    Compare with z: this is the same function, of the image x and the kernel δ. It sums over the examples
    where z sums over the channels, and stride and dilation have changed places.

2.  xₖ[h] is used by those windows i that have it at some place u, where i s + u d − p = h:

        ∂L/∂xₖ[h] = Σₘ Σ_{i,u} δₘ[i] Wₘₖ[u]          over i and u with i s + u d − p = h

    With s = d = 1 that is i = h + p − u: the kernel is flipped, and slides over δ, which is 0 outside:

        ∂L/∂xₖ[h] = Σₘ Σᵤ Wₘₖ[u] δₘ[h + p − u]

    A stride leaves out places, so δ is first spread out, with s − 1 zeros after each number. This is called
    a *transposed* convolution.

3.  The bias is added at every place of every example:

        ∂L/∂bₘ = Σₙ Σᵢ δₙₘ[i]

4.  All of it is one matrix product. Write what each window sees into a column ("im2col"): for an example, X
    has a row for each k and u, a column for each i, and xₖ[i s + u d − p] in it. Then

        z = W X          and as in a linear layer          ∂L/∂W = Σₙ δₙ Xₙᵀ

    X holds each number of x as often as windows see it, nine times for a kernel of three rows and columns.
    On a CPU it is formed for some examples at a time, as many as stay in the cache, and their products are
    added up. On a GPU, step 1 is a single kernel; so it is in what torch.compile makes, where all examples
    would be one block: step 4 is worth that where windows overlap little, or x has few channels.

In *groups*, the channels are divided evenly, and each part of the output sees its part of the input only.

The numerical trap is one of sizes. Where the stride does not divide evenly, rows behind the last window are
used by none. Their gradient is 0, but ∂L/∂x has them; and step 1 finds room for places u that W does not
have.

Shapes: input (N, C, H, W) or (C, H, W), weight (M, C/groups, KH, KW), bias (M,), output (N, M, O, P) or
(M, O, P), whose sizes `windows` has.

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 9.5; Chellapilla, Puri and Simard,
"High performance convolutional neural networks for document processing" (2006), for step 4.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.convolution._conv2d_written import written
from manual_backprop.functional.convolution._geometry import Geometry, check_conv2d, geometry_of
from manual_backprop.functional.convolution._windows import cut, spread, windows
from manual_backprop.functional.operation import (
    HALF_PRECISION,
    Formula,
    Operation,
    example,
    function_of,
    narrow,
    public,
    require_tensor,
    widen,
)

FEW_CHANNELS = 4  # in a group: up to here step 4 is no slower on a CPU, in one block
BLOCK = 2**18  # numbers of X in a block: 1 MiB in float32
PLACES = 256  # of a block: for fewer, the products are too small to be quick


class Conv2d(Operation):
    """z, with ∂L/∂x by the transposed convolution of δ with W, and ∂L/∂W by the convolution of x with δ."""

    formula = Formula(
        "conv2d",
        "layer",
        "{1} ⋆ {0}‹ + {2}›",
        ("{1} ⋆ᵀ {g}, the transposed convolution", "{g} ⋆ {0}, at every offset", "Σ {g}"),
    )

    @staticmethod
    def written(x: Tensor, W: Tensor, b: Tensor | None, *options: Any) -> Any:
        return written(x, W, b, geometry_of(W, *options))

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype:
        return torch.get_autocast_dtype(device_type)

    @staticmethod
    def check(input: Tensor, weight: Tensor, bias: Tensor | None, *options: Any) -> None:
        check_conv2d(input, weight, bias, *options)

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None, *options: Any) -> Tensor:
        at = geometry_of(weight, *options)
        z = torch.conv2d(_extended(input, at), weight, bias, at.stride, at.padding, at.dilation, at.groups)
        return z if z.dim() == 4 else z.clone()  # for one image, it is a view, which could not be written to

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, _, *options = inputs
        needs_input, needs_weight, *_ = ctx.needs_input_grad
        # x is only needed for ∂L/∂W, W only for ∂L/∂x, and of b nothing.
        ctx.save_for_backward(input if needs_weight else None, weight if needs_input else None)
        ctx.save_for_forward(input, weight)
        ctx.options, ctx.geometry = options, geometry_of(weight, *options)
        ctx.size, ctx.output_shape = input.shape[-2:], output.shape

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        needs_input, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        delta, at = grad_output, ctx.geometry  # δ, (N, M, O, P)

        # On complex numbers autograd's gradient is the conjugate; on real ones conj() is the identity.
        grad_input = grad_weight = grad_bias = None
        if needs_input:
            grad_input = spread(delta, weight.conj(), ctx.size, at.stride, at.padding, at.dilation, at.groups)
        if needs_weight:
            x, deltas = (t if t.dim() == 4 else t.unsqueeze(0) for t in (input.conj(), delta))
            way = by_columns if _has_columns(x, at) else by_convolution
            grad_weight = way(deltas, _extended(x, at), at)
        if needs_bias:
            grad_bias = delta.sum((-2, -1) if delta.dim() == 3 else (0, -2, -1))
        return grad_input, grad_weight, grad_bias, None, None, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        bias_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, weight = ctx.saved_tensors
        terms = []  # the product rule: W on ẋ, Ẇ on x, and ḃ
        if input_tangent is not None:
            terms.append(Conv2d.forward(input_tangent, weight, None, *ctx.options))
        if weight_tangent is not None:
            terms.append(Conv2d.forward(input, weight_tangent, None, *ctx.options))
        if bias_tangent is not None:
            terms.append(bias_tangent[:, None, None].expand(ctx.output_shape))
        return sum(terms[1:], start=terms[0])


def by_convolution(delta: Tensor, x: Tensor, at: Geometry) -> Tensor:
    """∂L/∂W by step 1: δ slides over x, the examples taken for channels and the channels for examples."""
    N, C, H, W = x.shape
    G, of_group = at.groups, C // at.groups
    if G == 1:
        turned = x.transpose(0, 1)
    else:
        turned = x.reshape(N, G, of_group, H, W).permute(2, 1, 0, 3, 4).reshape(of_group, G * N, H, W)
    slid = torch.conv2d(turned, delta.transpose(0, 1), None, at.dilation, at.padding, at.stride, G)
    return cut(slid.transpose(0, 1), at.kernel)


def _has_columns(x: Tensor, at: Geometry) -> bool:
    """Whether step 4 is quicker than step 1."""
    if not len(x):
        return True
    if x.device.type != "cpu":
        return False
    if x.shape[1] <= FEW_CHANNELS * at.groups:
        return True
    small = x.numel() * prod(at.kernel) <= BLOCK
    return not (small or torch.compiler.is_compiling() or x.dtype in HALF_PRECISION)


def by_columns(delta: Tensor, x: Tensor, at: Geometry) -> Tensor:
    """∂L/∂W = Σₙ δₙ Xₙᵀ, by step 4, some examples at a time."""
    N, M, *outputs = delta.shape
    rows, places = x.shape[1] // at.groups * prod(at.kernel), prod(outputs)
    step = N or 1  # all of them
    if not torch.compiler.is_compiling():
        step = max(BLOCK // (at.groups * rows * places or 1), PLACES // (places or 1), 1)
    total: Tensor | None = None
    for start in range(0, N or 1, step):
        some = slice(start, start + step)
        X = columns(widen(x[some]), at)
        by_group = widen(delta[some]).transpose(0, 1).reshape(at.groups, M // at.groups, X.shape[-1])
        product = by_group @ X.transpose(-2, -1)
        total = product if total is None else total + product
    assert total is not None
    return narrow(total, x.dtype).reshape(M, x.shape[1] // at.groups, *at.kernel)


def columns(x: Tensor, at: Geometry) -> Tensor:
    """X of step 4: (N, C, H, W) → (groups, C/groups · KH · KW, N · O · P)."""
    above, left = at.padding
    padded = T.pad(x, (left, left, above, above)) if any(at.padding) else x
    seen = windows(padded, at.kernel, at.stride, at.dilation)  # (N, C, O, P, KH, KW)
    rows = x.shape[1] // at.groups * prod(at.kernel)
    return seen.permute(1, 4, 5, 0, 2, 3).reshape(at.groups, rows, prod((len(x), *seen.shape[2:4])))


def _extended(x: Tensor, at: Geometry) -> Tensor:
    """With the row and the column that "same" needs below and to the right."""
    return T.pad(x, (0, at.more[1], 0, at.more[0])) if any(at.more) else x


_conv2d = function_of(Conv2d)


@public(torch.conv2d, example=example((2, 4, 5, 6), (6, 2, 3, 3), (6,), padding=1, groups=2))
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Slide the kernels over the image; as torch.nn.functional.conv2d, with hand-written gradients.

    Args:
        input: x, (N, C, H, W), or (C, H, W) for one image.
        weight: W, M kernels (M, C/groups, KH, KW).
        bias: b, (M,), or None for none.
        stride: by how much a window moves on; one number, or one for rows and one for columns.
        padding: rows and columns of zeros on either side; "valid" for none, "same" for as many as give an
            output of the size of the input, with a stride of 1.
        dilation: how far the rows and columns that a window reads lie apart.
        groups: into how many groups the channels are divided.

    Returns:
        z, (N, M, O, P), or (M, O, P) for one image.

    Raises:
        TypeError: an argument is not a Tensor, or an option no integer.
        RuntimeError: shapes, dtypes or options that do not fit each other.
    """
    require_tensor("conv2d", input=input, weight=weight)
    if bias is not None:
        require_tensor("conv2d", bias=bias)
    groups = integer("conv2d", "groups", groups)
    return _conv2d(input, weight, bias, stride, padding, dilation, groups)
