"""Normalising: numbers are shifted to mean 0 and scaled to mean square 1, and what that does to a gradient.

Layer, batch and group normalisation differ only in which numbers they normalise together. Of n such numbers:

Given   x̂ᵢ = (xᵢ − μ)/s,  μ = (1/n) Σⱼ xⱼ,  s² = (1/n) Σⱼ (xⱼ − μ)² + ε,
        and the gradient gᵢ = ∂L/∂x̂ᵢ.
Want    ∂L/∂x.

1.  Three ways lead from xⱼ to x̂ᵢ: directly, if i = j, through μ, and through s. Their slopes:

        ∂μ/∂xⱼ = 1/n
        ∂s/∂xⱼ = (1/2s) ∂s²/∂xⱼ = (xⱼ − μ)/(n s) = x̂ⱼ/n

    s² depends on μ too, but its slope there is −(2/n) Σᵢ (xᵢ − μ) = 0: deviations from the mean sum to 0.

2.  Each way's slope times that of x̂ᵢ, which is 1/s in xᵢ, −1/s in μ and −(xᵢ − μ)/s² = −x̂ᵢ/s in s:

        ∂x̂ᵢ/∂xⱼ = (1/s) ([i = j] − 1/n − x̂ᵢ x̂ⱼ/n)

3.  The chain rule sums over i:

        ∂L/∂xⱼ = Σᵢ gᵢ ∂x̂ᵢ/∂xⱼ = (1/s) (gⱼ − (1/n) Σᵢ gᵢ − x̂ⱼ (1/n) Σᵢ gᵢ x̂ᵢ)

4.  The two sums are means, so for all numbers at once

        ∂L/∂x = (1/s) (g − mean(g) − x̂ mean(g ⊙ x̂))

    Without the shift, where x̂ᵢ = xᵢ/s, the way through μ is gone, and mean(g) with it.

5.  Where y = w ⊙ x̂ + b, each column of x̂ having its own w, ∂L/∂x̂ is h = g ⊙ w, g being ∂L/∂y now. The sums
    over the rows are then products of a matrix and a vector, and g ⊙ x̂, which ∂L/∂w needs anyway, is formed
    once:

        Σ h = g w,  Σ h ⊙ x̂ = (g ⊙ x̂) w

What the two means do: they take from g what a shift of all x (g constant) and a stretch of all x (g along x̂)
would need. Neither would change x̂, so neither may be in ∂L/∂x.

The Jacobian of step 2 is the same with i and j exchanged, so the formula that pulls a gradient back also
pushes a tangent forward.

In the code r stands for 1/s, which multiplies where s would divide.

The numerical trap: the variance is also (1/n) Σⱼ xⱼ² − μ², which needs one pass over x less. Where μ is large
against the spread, that is a small difference of large numbers, and even its sign may be wrong. Here μ is
subtracted before squaring. ε keeps s from 0 where all x are equal.

Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
covariate shift", ICML 2015, section 3, where steps 1 to 3 are the gradients after algorithm 1.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from manual_backprop.functional._arguments import as_int, is_integer
from manual_backprop.functional.operation import HALF_PRECISION, require_tensor, widen
from manual_backprop.functional.operation.torch_state import is_forward_mode

Dims = tuple[int, ...]


def normalise(x: Tensor, dims: Dims, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ and r = 1/s, over the numbers along `dims`: the last ones, or all but the second.

    Where they are not differentiated further, one kernel of PyTorch's makes both. Else they are written out:
    autograd takes the kernel's r for a constant. So they are for torch.compile, which makes one pass of them.
    """
    differentiated = torch.is_grad_enabled() or is_forward_mode()
    if differentiated or torch.compiler.is_compiling() or not x.numel():
        return written_out(x, dims, eps)
    x, _ = for_kernel(x, dims)
    if 0 in dims:
        x_hat, _, r = torch.native_batch_norm(x, None, None, None, None, True, 0.0, eps)
        return x_hat, along_channels(r, x)
    x_hat, _, r = torch.native_layer_norm(x, x.shape[dims[0] :], None, None, eps)
    return x_hat, r


def for_kernel(x: Tensor, dims: Dims) -> tuple[Tensor, Tensor | None]:
    """X as a kernel takes it, and μ, if it is taken off before.

    A CPU's kernel forms x̂ as x/s − μ/s, which cancels where μ is large; that of a GPU subtracts first.
    """
    if x.is_cuda:
        return x, None
    mean = x.mean(dims, keepdim=True)
    return x - mean, mean


def written_out(x: Tensor, dims: Dims, eps: float, centred: bool = True) -> tuple[Tensor, Tensor]:
    """x̂ and r by the formula itself; without the shift by μ if not `centred`."""
    if centred:
        x = x - x.mean(dims, keepdim=True)
    r = (x.square().mean(dims, keepdim=True) + eps).rsqrt()
    return x * r, r


def written(x: Tensor, dims: Dims, eps: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """x̂ as it is written on paper, and what pulls its gradient back to x: step 4."""
    centred = x - x.mean(dims, keepdim=True)
    std = torch.sqrt((centred**2).mean(dims, keepdim=True) + eps)
    xhat = centred / std

    def backward(dxhat: Tensor) -> Tensor:
        shift = dxhat.mean(dims, keepdim=True)
        stretch = (dxhat * xhat).mean(dims, keepdim=True)
        return (dxhat - shift - xhat * stretch) / std

    return xhat, backward


def through_normalise(g: Tensor, x_hat: Tensor, r: Tensor, dims: Dims, centred: bool = True) -> Tensor:
    """Step 4: the gradient g = ∂L/∂x̂ pulled back to x; or a tangent of x pushed forward to x̂."""
    of_g = g.sum(dims, keepdim=True) if centred else None
    of_gx = (g * x_hat).sum(dims, keepdim=True)
    return with_sums(g, x_hat, r, of_g, of_gx, prod([g.shape[d] for d in dims]))


def with_sums(g: Tensor, x_hat: Tensor, r: Tensor, of_g: Tensor | None, of_gx: Tensor, n: int) -> Tensor:
    """Step 4, both sums over n numbers being known: that of g, unless there is no μ, and that of g ⊙ x̂."""
    share = 1 / max(n, 1)
    across = torch.addcmul(g, x_hat, of_gx, value=-share)  # g − x̂ mean(g ⊙ x̂)
    return (across if of_g is None else across.sub_(of_g, alpha=share)).mul_(r)


def normalised_rows(
    x: Tensor, shape: tuple[int, ...], w: Tensor | None, b: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """w ⊙ x̂ + b over the last dimensions, by the kernel of `normalise`; and μ and r of each row, (N, 1)."""
    x, mean = for_kernel(x, last_dims(shape))
    y, of_kernel, r = torch.native_layer_norm(x, shape, w, b, eps)
    mean = of_kernel if mean is None else mean
    return y, mean.reshape(mean.numel(), 1), r.reshape(r.numel(), 1)


def kept_or_normalised(ctx: Any, x: Tensor, dims: Dims, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ and r, of the μ and r that the forward has left in `ctx`, where they may be taken for constants."""
    if torch.is_grad_enabled() or not hasattr(ctx, "r"):
        return normalise(x, dims, eps)
    return torch.sub(x, ctx.mean).mul_(ctx.r), ctx.r


def as_rows(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(*, D) → (N, D), of the last dimensions that `shape` has one."""
    if x.dim() == 2 and len(shape) == 1:
        return x
    return x.reshape(prod(x.shape[: -len(shape)]), prod(shape))


def sum_of_columns(v: Tensor, w: Tensor | None) -> Tensor:
    """Σ v ⊙ w over each row of (N, D), (N, 1): step 5."""
    return v.sum(1, keepdim=True) if w is None else torch.mv(v, w).unsqueeze(1)


def sum_of_rows(v: Tensor) -> Tensor:
    """(N, D) → (D,): a product with ones where it is compiled, as compilers jump from row to row in a sum."""
    if torch.compiler.is_compiling() and not v.is_cuda:
        return torch.mm(v.new_ones(1, len(v)), v).squeeze(0)
    return v.sum(0)


def scale_and_shift(
    x_hat: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]
) -> Tensor:
    """w ⊙ x̂ + b, both of the `shape` that broadcasts along x̂; without what is None."""
    w = None if weight is None else widen(weight).reshape(shape)
    b = None if bias is None else widen(bias).reshape(shape)
    if w is None:
        return x_hat if b is None else x_hat + b
    return x_hat * w if b is None else torch.addcmul(b, x_hat, w)


def of_channels(x: Tensor) -> tuple[int, ...]:
    """(C, 1, …): the shape that broadcasts channel by channel along x of shape (N, C, *)."""
    return x.shape[1], *(1,) * (x.dim() - 2)


def along_channels(parameter: Tensor, x: Tensor) -> Tensor:
    """(C,) → (C, 1, …), which multiplies x of shape (N, C, *) channel by channel."""
    return parameter.reshape(of_channels(x))


def by_channel(parameter: Tensor, x: Tensor) -> Tensor:
    """w[:, None, None], as it is written, for x of shape (N, C, H, W)."""
    parameter = parameter.reshape(x.shape[1])
    return parameter if x.dim() == 2 else parameter[(slice(None), *(None,) * (x.dim() - 2))]


def last_dims(shape: tuple[int, ...]) -> Dims:
    """The last dimensions, as many as `shape` has: −1 for (D,)."""
    return tuple(range(-len(shape), 0))


def check_floating(operation: str, input: Tensor) -> None:
    """Raise if the input is no floating-point tensor."""
    if not input.is_floating_point():
        raise NotImplementedError(f"{operation}: expected floating-point numbers, got {input.dtype}")


def check_types(operation: str, input: Tensor, **parameters: Tensor | None) -> None:
    """Raise if the input is no floating-point tensor, or the parameters' type does not go with it."""
    check_floating(operation, input)
    given = {name: tensor.dtype for name, tensor in parameters.items() if tensor is not None}
    allowed = (input.dtype, torch.float32) if input.dtype in HALF_PRECISION else (input.dtype,)
    for name, dtype in given.items():
        if dtype not in allowed:
            raise RuntimeError(
                f"{operation}: {name} must be {' or '.join(map(str, allowed))} with input {input.dtype}, got "
                f"{dtype}"
            )
    if len(set(given.values())) > 1:
        raise RuntimeError(f"{operation}: expected parameters of one type, got {given}")


def check_normalized_shape(
    operation: str, input: Tensor, shape: Sequence[int], **parameters: Tensor | None
) -> None:
    """Raise if `shape` is not that of the input's last dimensions, or not that of the parameters."""
    if not shape:
        raise RuntimeError(f"{operation}: normalized_shape must have at least one dimension, got {shape}")
    if input.shape[-len(shape) :] != torch.Size(shape):
        sizes = ", ".join(map(str, shape))
        raise RuntimeError(f"{operation}: expected input (*, {sizes}), got {tuple(input.shape)}")
    for name, tensor in parameters.items():
        if tensor is not None and tensor.shape != torch.Size(shape):
            raise RuntimeError(
                f"{operation}: {name} must have the shape {tuple(shape)}, got {tuple(tensor.shape)}"
            )


def require_sizes(operation: str, shape: Any) -> tuple[int, ...]:
    """The shape as a tuple; a TypeError if it is not a sequence of integers."""
    if not isinstance(shape, list | tuple) or not all(is_integer(n) for n in shape):
        raise TypeError(f"{operation}: normalized_shape must be a tuple of ints, got {shape!r}")
    return tuple(as_int(n) for n in shape)


def require_tensors(operation: str, **parameters: Any) -> None:
    """Raise a TypeError if one of the parameters is neither a tensor nor None."""
    require_tensor(operation, **{name: value for name, value in parameters.items() if value is not None})
