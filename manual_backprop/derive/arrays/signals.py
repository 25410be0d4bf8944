"""Convolutions, windows and Fourier transforms of NumPy's and SciPy's, of tensors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.derive.arrays.joining import alike
from manual_backprop.derive.arrays.tensors import Untraceable

CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def correlated(a: Any, v: Any, mode: str, after: int = 1) -> Tensor:
    """Σₖ a[n + k] v[k], in as many dimensions as they have.

    Args:
        a: what is correlated.
        v: with what.
        mode: NumPy's.
        after: 1, or 0 where the "same" of an even size begins one later.

    Raises:
        Untraceable: the second is larger than the first, of which NumPy and SciPy make different things.
    """
    a, v = alike((a, v))
    if any(n < m for n, m in zip(a.shape, v.shape, strict=True)) or mode not in ("full", "same", "valid"):
        raise Untraceable(f"a correlation of {tuple(a.shape)} with {tuple(v.shape)}, mode={mode!r}")
    function = CONVOLUTIONS[a.dim()]
    if mode == "valid":
        return function(a[None, None], v[None, None])[0, 0]
    result = function(a[None, None], v[None, None], padding=[m - 1 for m in v.shape])[0, 0]
    if mode == "full":
        return result
    starts = [(m - after) // 2 for m in v.shape]
    return result[tuple(slice(s, s + n) for s, n in zip(starts, a.shape, strict=True))]


def convolved(a: Any, v: Any, mode: str) -> Tensor:
    """Σₖ a[n − k] v[k]."""
    if mode != "same":
        return correlated(a, v.flip(tuple(range(v.dim()))), mode)
    full = correlated(a, v.flip(tuple(range(v.dim()))), "full")
    return full[tuple(slice((m - 1) // 2, (m - 1) // 2 + n) for n, m in zip(a.shape, v.shape, strict=True))]


def convolve(a: Tensor, v: Tensor, mode: str = "full") -> Tensor:
    """np.convolve."""
    return convolved(*((a, v) if a.numel() >= v.numel() else (v, a)), mode)


def _correlated(a: Tensor, v: Tensor, mode: str) -> Tensor:
    """As SciPy does it, whose "same" begins one later where the size of v is even."""
    return correlated(a, v, mode, after=0)


def _on_a_plane(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def on_a_plane(
        in1: Tensor, in2: Tensor, mode: str = "full", boundary: str = "fill", fillvalue: float = 0
    ) -> Tensor:
        if boundary != "fill" or fillvalue:
            raise Untraceable(f"scipy.signal with boundary={boundary!r}")
        return function(in1, in2, mode)

    return on_a_plane


def sliding_window_view(
    x: Tensor, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Tensor:
    """np.lib.stride_tricks.sliding_window_view."""
    sizes = window_shape if isinstance(window_shape, Sequence) else (window_shape,)
    dims = range(x.dim()) if axis is None else axis if isinstance(axis, Sequence) else (axis,)
    for dim, size in zip(dims, sizes, strict=True):
        x = x.unfold(dim, size, 1)
    return x


def as_strided(
    x: Tensor, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True
) -> Tensor:
    """np.lib.stride_tricks.as_strided."""
    steps = x.stride() if strides is None else [n // x.element_size() for n in strides]
    return torch.as_strided(x, tuple(x.shape if shape is None else shape), tuple(steps))


def _transform(name: str) -> Callable[..., Tensor]:
    function = getattr(torch.fft, name)
    if name.endswith("2") or name.endswith("n"):
        return lambda a, s=None, axes=None, norm=None, out=None: function(
            a, s, **({} if axes is None else {"dim": tuple(axes)}), norm=norm
        )
    return lambda a, n=None, axis=-1, norm=None, out=None: function(a, n, axis, norm)


SIGNALS: dict[Any, Callable[..., Any]] = {
    np.convolve: convolve,
    np.correlate: lambda a, v, mode="valid": correlated(a, v, mode),
    np.lib.stride_tricks.sliding_window_view: sliding_window_view,
    **{
        getattr(np.fft, name): _transform(name)
        for name in ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn")
    },
    np.fft.fftshift: lambda x, axes=None: torch.fft.fftshift(x, axes),
    np.fft.ifftshift: lambda x, axes=None: torch.fft.ifftshift(x, axes),
}
SCIPY_SIGNALS: dict[str, Callable[..., Any]] = {
    "correlate2d": _on_a_plane(_correlated),
    "convolve2d": _on_a_plane(convolved),
    "correlate": lambda in1, in2, mode="full", method="auto": _correlated(in1, in2, mode),
    "convolve": lambda in1, in2, mode="full", method="auto": convolved(in1, in2, mode),
}
