"""A convolution and its gradients, as they are written with torch's convolutions."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution._geometry import Geometry
from manual_backprop.functional.convolution._windows import first_of, short, shortly


def written(
    x: Tensor, W: Tensor, b: Tensor | None, at: Geometry
) -> tuple[Tensor, Callable[[Tensor], tuple[Any, ...]]]:
    """The value, and the gradients of x, W and b."""
    options = shortly(stride=(at.stride, 1), padding=(at.padding, 0), dilation=(at.dilation, 1))
    groups = shortly(groups=(at.groups, 1))
    padded = T.pad(x, (0, at.more[1], 0, at.more[0])) if any(at.more) else x
    more = {**options, **groups}
    z = T.conv2d(padded, W, **more) if b is None else T.conv2d(padded, W, b, **more)

    def backward(g: Tensor) -> tuple[Any, ...]:
        exact = zip(
            padded.shape[-2:], g.shape[-2:], at.stride, at.padding, at.dilation, at.kernel, strict=True
        )
        left_over = tuple(n + 2 * p - (o - 1) * s - d * (k - 1) - 1 for n, o, s, p, d, k in exact)
        rest = shortly(output_padding=(left_over, 0))
        dx = first_of(T.conv_transpose2d(g, W, **more, **rest), x.shape[-2:])
        return dx, of_kernels(padded, g), None if b is None else g.sum((0, 2, 3) if g.dim() == 4 else (1, 2))

    def of_kernels(x: Tensor, g: Tensor) -> Tensor:
        if x.dim() == 3:
            x, g = x[None], g[None]
        if at.groups == 1:  # stride and dilation change places
            slid = shortly(stride=(at.dilation, 1), padding=(at.padding, 0), dilation=(at.stride, 1))
            dWt = T.conv2d(x.transpose(0, 1), g.transpose(0, 1), **slid)
            return first_of(dWt.transpose(0, 1), at.kernel)
        N, M = g.shape[:2]
        columns = T.unfold(x, short(at.kernel), **options)
        by_group = g.reshape(N, at.groups, M // at.groups, -1)
        products = by_group @ columns.reshape(N, at.groups, W[0].numel(), -1).mT
        return products.sum(0).reshape(W.shape)

    return z, backward
