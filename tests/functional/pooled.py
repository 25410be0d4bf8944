"""What poolings have in common: the places of a window, and mistakes in use."""

from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Mistake


def two(value: Any) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def window(
    at: tuple[int, ...], image: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> list[tuple[int, ...]]:
    """The places of the image that the window of the output `at` sees, in the order of reading."""
    *plane, i, j = at
    (k, m), (s, t), (p, q), (d, e) = map(two, (kernel_size, stride or kernel_size, padding, dilation))
    seen = [(i * s - p + u * d, j * t - q + v * e) for u in range(k) for v in range(m)]
    H, W = image.shape[-2:]
    return [(*plane, h, w) for h, w in seen if 0 <= h < H and 0 <= w < W]


x = torch.zeros(2, 3, 7, 5)


def mistakes_of_pooling(name: str) -> tuple[Mistake, ...]:
    """The mistakes in use that max_pool2d and avg_pool2d have in common."""

    def wrong(*arguments: Any, **options: Any) -> Any:
        return lambda f: getattr(f, name)(*arguments, **options)

    return (
        (wrong([1.0], 2), "input must be a Tensor, got list"),
        (wrong(x[None], 2), r"expected input .*\(1, 2, 3, 7, 5\)"),
        (wrong(x[:, :0], 2), r"expected input .*\(2, 0, 7, 5\)"),
        (wrong(x > 0, 2), "torch.bool"),
        (wrong(x + 0j, 2), "torch.complex64"),
        (wrong(x, 2.0), "kernel_size must be an integer or two, got 2.0"),
        (wrong(x, (2, 2, 2)), r"kernel_size must be an integer or two, got \(2, 2, 2\)"),
        (wrong(x, 0), r"kernel_size must be at least 1, got \(0, 0\)"),
        (wrong(x, 9), r"no window fits into input \(2, 3, 7, 5\) with kernel_size=\(9, 9\)"),
        (wrong(x, 2, 0), r"stride must be at least 1, got \(0, 0\)"),
        (wrong(x, 2, 2, -1), r"padding must be at least 0, got \(-1, -1\)"),
        (wrong(x, (3, 2), 2, (1, 2)), r"at most half of kernel_size \(3, 2\), got \(1, 2\)"),
        (wrong(x, 2, ceil_mode=1), "ceil_mode must be a bool, got 1"),
    )
