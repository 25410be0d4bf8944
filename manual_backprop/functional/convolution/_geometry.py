"""How the kernels of a convolution lie on the image, and whether they do."""

from typing import Any, NamedTuple

from torch import Tensor

from manual_backprop.functional.convolution._windows import Pair, pair, require_at_least


class Geometry(NamedTuple):
    """The options of a convolution, each for rows and for columns."""

    kernel: Pair
    stride: Pair
    padding: Pair  # on either side
    more: Pair  # of padding below and to the right only, where "same" needs an odd number
    dilation: Pair
    groups: int


def geometry_of(weight: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Geometry:
    """The options as `conv2d` takes them, in numbers.

    "same" is as much padding as a kernel takes away, d (k − 1) rows, half of it on either side.
    """
    kernel = weight.shape[-2], weight.shape[-1]
    stride, dilation = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    more = (0, 0)
    if padding == "same":
        rows, columns = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        padding, more = (rows // 2, columns // 2), (rows % 2, columns % 2)
    padding = pair("conv2d", "padding", 0 if padding == "valid" else padding)
    return Geometry(kernel, stride, padding, more, dilation, groups)


def check_conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> None:
    """Raise if x, W, b and the options do not fit each other."""
    given = f"input {tuple(input.shape)} and weight {tuple(weight.shape)}"
    if input.dim() not in (3, 4) or weight.dim() != 4:
        raise RuntimeError(
            f"conv2d: expected input (N, C, H, W) or (C, H, W) and weight (M, C/groups, KH, KW), got {given}"
        )
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise RuntimeError(f"conv2d: padding must be numbers, 'same' or 'valid', got {padding!r}")
    at = geometry_of(weight, stride, padding, dilation, groups)
    require_at_least(1, "conv2d", stride=at.stride, dilation=at.dilation, groups=(groups, groups))
    require_at_least(0, "conv2d", padding=at.padding)
    if padding == "same" and max(at.stride) > 1:
        raise RuntimeError(f"conv2d: padding='same' is for a stride of 1, not {at.stride}")
    M, channels = weight.shape[:2]
    if input.shape[-3] != channels * groups or M % groups or 0 in (M, channels):
        raise RuntimeError(
            f"conv2d: expected C channels and M kernels of C/groups channels, C and M being multiples of "
            f"groups={groups}, got {given}"
        )
    for name, tensor in (("input", input), ("bias", bias)):
        if tensor is not None and tensor.dtype != weight.dtype:
            raise RuntimeError(f"conv2d: {name} is {tensor.dtype}, but weight is {weight.dtype}")
    if bias is not None and bias.shape != (M,):
        raise RuntimeError(f"conv2d: expected bias ({M},), got {tuple(bias.shape)} with {given}")
    for n, k, p, m, d in zip(input.shape[-2:], at.kernel, at.padding, at.more, at.dilation, strict=True):
        if not 0 < d * (k - 1) + 1 <= n + 2 * p + m or n == 0:
            raise RuntimeError(
                f"conv2d: the kernel must fit into the image, got {given} with padding {padding} and "
                f"dilation {dilation}"
            )
