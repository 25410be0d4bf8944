"""The windows of a pooling as they are written, and the way back from them to the image."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional.convolution._windows import Pair, first_of, short, shortly


def written(
    x: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, size: Sequence[int], border: float
) -> tuple[Tensor, int, Callable[[Tensor], Tensor]]:
    """What each window sees, KH · KW numbers along one dimension, that one, and the way back to x.

    (*, H, W) → (*, O, P, KH · KW), or (*, KH · KW, O, P) where they overlap or are padded.

    Args:
        x: the image.
        kernel: rows and columns of a window.
        stride: by how much it moves on.
        padding: on either side.
        dilation: how far the rows and columns that it sees lie apart.
        size: (O, P), how many windows there are.
        border: the number that the padding has.
    """
    *images, H, W = x.shape
    (k, m), (o, p) = kernel, size
    beside = k * o <= H and m * p <= W and kernel == stride and padding == (0, 0) and dilation == (1, 1)
    order = tuple(range(len(images)))

    def side_by_side() -> tuple[Tensor, int, Callable[[Tensor], Tensor]]:
        # (*, O, KH, P, KW) → (*, O, P, KH, KW), which is its own inverse
        exchanged = (*order, *(len(images) + d for d in (0, 2, 1, 3)))
        blocks = first_of(x, (o * k, p * m)).reshape(*images, o, k, p, m).permute(exchanged)
        windows = blocks.reshape(*images, o, p, k * m)

        def backward(dwindows: Tensor) -> Tensor:
            dblocks = dwindows.reshape(*images, o, p, k, m).permute(exchanged)
            dx = dblocks.reshape(*images, o * k, p * m)
            rest = (0, W - p * m, 0, H - o * k)
            return T.pad(dx, rest) if any(rest) else dx

        return windows, -1, backward

    def overlapping() -> tuple[Tensor, int, Callable[[Tensor], Tensor]]:
        seen = [
            (n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(size, stride, dilation, kernel, strict=True)
        ]
        bottom, right = (max(p, n - m - p) for n, m, p in zip(seen, (H, W), padding, strict=True))
        top, left = padding
        around = (left, right, top, bottom)
        padded = x
        if any(around):
            padded = T.pad(x, around, **shortly(value=(border, 0)))
        options = shortly(dilation=(dilation, 1), stride=(stride, 1))
        columns = T.unfold(padded, short(kernel), **options)
        windows = columns.reshape(*images, k * m, o, p)

        def backward(dwindows: Tensor) -> Tensor:
            dcolumns = dwindows.reshape(columns.shape)
            dpadded = T.fold(dcolumns, tuple(padded.shape[-2:]), short(kernel), **options)
            return dpadded[..., top : top + H, left : left + W] if any(around) else dpadded

        return windows, -3, backward

    return side_by_side() if beside else overlapping()


def counts_written(
    x: Tensor,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    size: Sequence[int],
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    """How many numbers of each window count in its mean: one number, or (O, P) where some are cut."""
    counted = padding if count_include_pad else (0, 0)
    numbers = zip(x.shape[-2:], size, kernel, stride, padding, counted, strict=True)
    if divisor_override is not None:
        return divisor_override
    if all(q == p and (o - 1) * s + k <= n + 2 * p for n, o, k, s, p, q in numbers):
        return prod(kernel)
    H, W = (n + 2 * q for n, q in zip(x.shape[-2:], counted, strict=True))
    rest = padding[0] - counted[0], padding[1] - counted[1]
    windows, dim, _ = written(torch.ones(1, 1, H, W), kernel, stride, rest, (1, 1), size, 0)
    return windows[0, 0].sum(dim)
