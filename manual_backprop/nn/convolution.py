"""Convolution and pooling of images."""

import torch
from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["AdaptiveAvgPool2d", "AvgPool2d", "Conv2d", "MaxPool2d"]


class Conv2d(nn.Conv2d):
    """Kernels that slide over an image: torch.nn.Conv2d with the gradients of `functional.conv2d`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) → (N, M, O, P), or the same without N."""
        padding: str | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros":
            left, right, above, below = self._reversed_padding_repeated_twice
            input = _pad(input, -2, above, below, self.padding_mode)
            input = _pad(input, -1, left, right, self.padding_mode)
            padding = (0, 0)
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


def _pad(input: Tensor, dim: int, before: int, behind: int, mode: str) -> Tensor:
    """Padding whose rows are copies of the image's.

    Of an image of n rows, the padding's row h, which is below 0 or from n on, is a copy of row

    circular     h modulo n: the image is repeated
    replicate    0 or n − 1: the nearest row
    reflect      −h or 2 (n − 1) − h: a mirror stands on the last row
    """
    n = input.shape[dim]
    most = {"circular": n, "reflect": n - 1}.get(mode)
    if most is not None and max(before, behind) > most:
        raise RuntimeError(
            f"Conv2d: padding_mode={mode!r} can pad {n} rows or columns by {most} at most, not by "
            f"{max(before, behind)}"
        )
    row = torch.arange(-before, n + behind, device=input.device)
    if mode == "circular":
        row = row % n
    elif mode == "replicate":
        row = row.clamp(0, n - 1)
    else:
        row = n - 1 - (n - 1 - row.abs()).abs()
    return F.index_select(input, dim, row)


class MaxPool2d(nn.MaxPool2d):
    """The largest number of each window: torch.nn.MaxPool2d with the gradient of `functional.max_pool2d`."""

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, H, W) → (N, C, O, P), or the same without N; with `return_indices`, the places too."""
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class AvgPool2d(nn.AvgPool2d):
    """The mean of each window: torch.nn.AvgPool2d with the gradient of `functional.avg_pool2d`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, O, P), or the same without N."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AdaptiveAvgPool2d(nn.AdaptiveAvgPool2d):
    """The mean of each part: torch.nn.AdaptiveAvgPool2d with `functional.adaptive_avg_pool2d`'s gradient."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, O, P), or the same without N."""
        return F.adaptive_avg_pool2d(input, self.output_size)  # None is refused
