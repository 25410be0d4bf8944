"""Windows that slide over an image: what convolution and pooling have in common.

Rows and columns do the same, so one of them is enough. An image of n rows has p rows of padding before and
after it. A window reads k rows that lie d apart (d is the *dilation*), and moves on by s rows (the *stride*):

        h = i s + u d − p          the row of the image that window i has at its own row u

The last of its rows is d (k − 1) after the first. There are o windows, as many as end within the padding:

        (o − 1) s + d (k − 1) + 1 ≤ n + 2p

Pooling with `ceil_mode` has one window more where rows are left over, if it starts before the padding behind
the image does. What it sees beyond the padding counts for nothing.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), arXiv 1603.07285.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from manual_backprop.functional._arguments import as_int, is_integer

Pair = tuple[int, int]


def pair(operation: str, name: str, value: Any) -> Pair:
    """One number for rows and columns, or one for each.

    Raises:
        TypeError: not made of integers.
        RuntimeError: neither one nor two.
    """
    if type(value) is int:
        return value, value
    several = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(is_integer(part) for part in several):
        raise TypeError(f"{operation}: {name} must be an integer or two, got {value!r}")
    if len(several) not in (1, 2):
        raise RuntimeError(f"{operation}: {name} must be an integer or two, got {value!r}")
    return as_int(several[0]), as_int(several[-1])


def stride_or(kernel: Pair, operation: str, stride: Any) -> Pair:
    """The stride of a pooling: that of the window where none is given, as None or as nothing in brackets."""
    absent = stride is None or (isinstance(stride, list | tuple) and len(stride) == 0)
    return kernel if absent else pair(operation, "stride", stride)


def require_at_least(least: int, operation: str, **options: Pair) -> None:
    """Raise a RuntimeError that names the option if a number of it is smaller."""
    for name, value in options.items():
        if min(value) < least:
            raise RuntimeError(f"{operation}: {name} must be at least {least}, got {value}")


def windows(image: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    """(*, H, W) → (*, O, P, KH, KW): what each window sees, as a view."""
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        image = image.unfold(-2, d * (k - 1) + 1, s)[..., ::d]  # the rows: (*, H, W) → (*, O, W, KH)
    return image


def spread(
    delta: Tensor,
    kernels: Tensor,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Each number of δ goes back to where its window was, times the kernel, and is added up there.

    That is a transposed convolution, (*, M, O, P) → (*, C, H, W) with (H, W) = `size`. Rows that no
    window saw get 0.
    """
    more = []
    for n, o, k, s, p, d in zip(
        size, delta.shape[-2:], kernels.shape[-2:], stride, padding, dilation, strict=True
    ):
        more.append(max(n + 2 * p - ((o - 1) * s + d * (k - 1) + 1), 0))
    image = torch.conv_transpose2d(delta, kernels, None, stride, padding, more, groups, dilation)
    return cut(image, size)


def shared_out(g: Tensor, kernel: Pair, number: float, size: Pair) -> Tensor:
    """Windows side by side, from the first place on: each place gets g/number of the one window it is in.

    (*, O, P) → (*, H, W) with (H, W) = `size`. The division writes each quotient to all rows and columns of
    its window, as it has a divisor for each.
    """
    if g.shape[-2:] == (1, 1) and kernel == tuple(size):  # one window sees all
        return (g / number).expand(*g.shape[:-2], *size)
    (rows, columns), (o, p) = kernel, g.shape[-2:]
    divisors = g.new_full((rows, 1, columns), number)
    shares = g.unsqueeze(-1).unsqueeze(-3) / divisors  # (*, O, KH, P, KW)
    image = shares.reshape(*g.shape[:-2], o * rows, p * columns)
    rest = 0, size[1] - p * columns, 0, size[0] - o * rows
    return pad(image, rest) if any(rest) else image


def added_up(g: Tensor, dim: int, k: int, s: int, p: int, n: int) -> Tensor:
    """Each window's number goes back to its k rows, and is added up there: o windows → n rows.

    Row h gets the sum of gᵢ over all i and u with i s + u − p = h.
    """
    o = g.shape[dim]
    shape = list(g.shape)
    shape[dim] = max(n + 2 * p, (o - 1) * s + k)
    image = g.new_zeros(shape)
    rows, g = image.movedim(dim, -1), g.movedim(dim, -1)
    for u in range(k):  # row u of all windows
        rows[..., u : u + (o - 1) * s + 1 : s].add_(g)
    return image.narrow(dim, p, n)


def cut(image: Tensor, size: Pair) -> Tensor:
    """The first rows and columns of an image."""
    if image.shape[-2:] == size:
        return image
    return image.narrow(-2, 0, size[0]).narrow(-1, 0, size[1])


def shortly(**options: tuple[Any, Any]) -> dict[str, Any]:
    """Options as they are written: without those that have their default, of two equal numbers one.

    Args:
        options: for each its value and its default.
    """
    brief = {name: short(value) for name, (value, _) in options.items()}
    return {name: value for name, value in brief.items() if value != options[name][1]}


def short(value: Any) -> Any:
    """Of two equal numbers one."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def first_of(image: Tensor, size: Sequence[int]) -> Tensor:
    """x[..., :H, :W], where there is more."""
    return image if tuple(image.shape[-2:]) == tuple(size) else image[..., : size[0], : size[1]]


def check_pooling(
    operation: str,
    input: Tensor,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
) -> None:
    """Raise if a pooling's windows do not fit its input."""
    require_at_least(1, operation, kernel_size=kernel, stride=stride, dilation=dilation)
    require_at_least(0, operation, padding=padding)
    if any(p > k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise RuntimeError(
            f"{operation}: padding must be at most half of kernel_size {kernel}, got {padding}"
        )
    if input.dim() not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            f"{operation}: expected input (N, C, H, W) or (C, H, W) with C, H and W positive, got "
            f"{tuple(input.shape)}"
        )
    for n, k, s, p, d in zip(input.shape[-2:], kernel, stride, padding, dilation, strict=True):
        spare = n + 2 * p - d * (k - 1) - 1  # rows that the first window leaves over
        if spare + (s - 1 if ceil_mode else 0) < 0:
            raise RuntimeError(
                f"{operation}: no window fits into input {tuple(input.shape)} with kernel_size={kernel}, "
                f"padding={padding} and dilation={dilation}"
            )
