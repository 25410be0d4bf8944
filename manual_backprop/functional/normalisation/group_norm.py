"""Group normalisation: the channels of each example, in groups, are brought to mean 0 and variance 1.

Given   yₙⱼₚ = wⱼ x̂ₙⱼₚ + bⱼ,  x̂ₙⱼₚ = (xₙⱼₚ − μ)/s,     n being an example, j a channel, p a position,
        μ and s² − ε being mean and variance of example n's numbers in the group of channels that j is of,
        and the upstream gradient gₙⱼₚ = ∂L/∂yₙⱼₚ.
Want    ∂L/∂x, ∂L/∂w, ∂L/∂b.

1.  w and b are shared by all examples and positions, and x̂ₙⱼₚ feeds only its own output:

        ∂L/∂wⱼ = Σₙ Σₚ gₙⱼₚ x̂ₙⱼₚ
        ∂L/∂bⱼ = Σₙ Σₚ gₙⱼₚ
        ∂L/∂x̂ₙⱼₚ = gₙⱼₚ wⱼ

2.  Back through the normalisation by the formula that `normalised` derives, mean being that over the group:

        ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂))

    w belongs to a channel and the means to a group of channels, so w stands inside the means.

3.  All four sums begin with the same two, over the positions of one channel; n being the numbers of a group,

        mean(∂L/∂x̂) = (1/n) Σⱼ wⱼ Σₚ gₙⱼₚ
        mean(∂L/∂x̂ ⊙ x̂) = (1/n) Σⱼ wⱼ Σₚ gₙⱼₚ x̂ₙⱼₚ

With one group it is layer normalisation over channels and positions, except that w and b are the same at
every position; with as many groups as channels it is instance normalisation.

The numerical trap is the variance, which cancels if formed as a difference of squares: see `normalised`.

Shapes: input, output (N, C) or (N, C, *), weight and bias (C,). In groups, (N, G, C/G, *): all dimensions
behind the first two are normalised together.

Source: Wu and He, "Group normalization", ECCV 2018, section 3.
"""

from math import prod
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import integer
from manual_backprop.functional.normalisation._normalised import (
    along_channels,
    by_channel,
    check_types,
    for_kernel,
    kept_or_normalised,
    normalise,
    of_channels,
    require_tensors,
    scale_and_shift,
    through_normalise,
    with_sums,
    written,
)
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    narrow,
    public,
    require_tensor,
    twin_of,
    widen,
)


class GroupNorm(Operation):
    """y = w ⊙ x̂ + b and ∂L/∂x = (1/s) (∂L/∂x̂ − mean(∂L/∂x̂) − x̂ mean(∂L/∂x̂ ⊙ x̂)), ∂L/∂x̂ = g ⊙ w."""

    formula = Formula(
        "group_norm",
        "normalisation",
        "({0} − μ)/s‹ {1}›‹ + {2}›, over each group",
        ("(h − mean h − x̂ mean(h x̂))/s over each group, h = {g}‹ {1}›, x̂ = ({0} − μ)/s", "Σ {g} x̂", "Σ {g}"),
        reordered=True,
    )

    @staticmethod
    def written(x: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int, eps: float) -> Any:
        examples = (0, *range(2, x.dim()))
        groups = _grouped(x, num_groups)
        normalised, through = written(groups, _group(groups), eps)
        xhat = normalised.reshape(x.shape)
        scaled = xhat if weight is None else xhat * by_channel(weight, x)
        y = scaled if bias is None else scaled + by_channel(bias, x)

        def backward(g: Tensor) -> tuple[Tensor | None, ...]:
            dxhat = g if weight is None else g * by_channel(weight, x)
            dx = through(_grouped(dxhat, num_groups)).reshape(x.shape)
            dweight = None if weight is None else (g * xhat).sum(examples)
            return dx, dweight, None if bias is None else g.sum(examples)

        return y, backward

    @staticmethod
    def elementary(
        x: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int, eps: float
    ) -> Tensor:
        """w (x − mean) / √(var + ε) + b, with the mean and variance of each group."""
        groups = _grouped(x, num_groups)
        centred = groups - groups.mean(_group(groups), keepdim=True)
        var = centred.square().mean(_group(groups), keepdim=True)
        xhat = (centred / (var + eps).sqrt()).reshape(x.shape)
        scaled = xhat if weight is None else xhat * along_channels(weight, x)
        return scaled if bias is None else scaled + along_channels(bias, x)

    has_several_passes = True

    @classmethod
    def row_dims(cls, input: Tensor, *_: Any) -> int:
        return input.dim() - 1

    @staticmethod
    def autocast_dtype(device_type: str) -> torch.dtype | None:
        return None if device_type == "cpu" else torch.float32

    @staticmethod
    def check(input: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int, eps: float) -> None:
        if input.dim() < 2 or prod(input.shape[1:]) == 0:
            raise RuntimeError(
                "group_norm: expected input (N, C) or (N, C, *) with at least one channel and position, got "
                f"{tuple(input.shape)}"
            )
        channels = input.shape[1]
        if num_groups <= 0 or channels % num_groups:
            raise RuntimeError(
                f"group_norm: num_groups must divide the {channels} channels of input {tuple(input.shape)}, "
                f"got {num_groups}"
            )
        for name, tensor in (("weight", weight), ("bias", bias)):
            if tensor is not None and tensor.shape != (channels,):
                raise RuntimeError(
                    f"group_norm: {name} must have the shape ({channels},), got {tuple(tensor.shape)}"
                )
        check_types("group_norm", input, weight=weight, bias=bias)

    @staticmethod
    def forward(
        input: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int, eps: float
    ) -> Tensor:
        x = _grouped(widen(input), num_groups)
        x_hat = normalise(x, _group(x), eps)[0].reshape(input.shape)
        if weight is None and bias is None:
            x_hat = x_hat.clone()  # autograd forbids to overwrite a view that a custom Function returns
        return narrow(scale_and_shift(x_hat, weight, bias, of_channels(input)), input.dtype)

    @classmethod
    def forward_and_keep(cls, ctx: Any, *inputs: Any) -> Tensor:
        input, weight, bias, G, eps = inputs
        if not input.numel():
            return super().forward_and_keep(ctx, *inputs)
        N, C = input.shape[:2]
        w, b = (None if p is None else widen(p) for p in (weight, bias))
        x, mean = for_kernel(_by_position(widen(input), G), (2, 3))
        image = x.reshape(input.shape)
        last = image.dim() == 4 and image.is_contiguous(memory_format=torch.channels_last)
        image = image if last else image.contiguous()  # torch 2.11 takes no other layout
        y, of_kernel, r = torch.native_group_norm(image, w, b, N, C, x.shape[3], G, eps)
        ctx.mean = of_kernel[..., None, None] if mean is None else mean  # two numbers for each group
        ctx.r = r[..., None, None]
        cls.setup_context(ctx, inputs, y)
        return narrow(y, input.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, bias, ctx.num_groups, ctx.eps = inputs
        keep(ctx, input, weight)  # x̂ and r are formed anew; of b nothing but its type is needed
        ctx.bias_dtype = None if bias is None else bias.dtype

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        needs_input, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        g = _by_position(widen(grad_output), ctx.num_groups)
        w = None if weight is None else widen(weight).reshape(*g.shape[1:3], 1)
        grad_input = grad_weight = grad_bias = None
        sums = g.sum(3, keepdim=True).unsqueeze(0)
        if needs_input or needs_weight:
            x = _by_position(widen(input), ctx.num_groups)
            x_hat, r = kept_or_normalised(ctx, x, (2, 3), ctx.eps)
            sums = torch.cat((sums, (g * x_hat).sum(3, keepdim=True).unsqueeze(0)))  # Σₚ g and Σₚ g x̂
        if needs_input:
            h = g if w is None else g * w
            of_g, of_gx = (sums if w is None else sums * w).sum(3, keepdim=True)
            grad_x = with_sums(h, x_hat, r, of_g, of_gx, x.shape[2] * x.shape[3])
            grad_input = narrow(grad_x.reshape(input.shape), input.dtype)
        if needs_weight or needs_bias:
            grad_b, *grad_w = sums.sum(1).reshape(len(sums), input.shape[1])
        if needs_weight:
            grad_weight = narrow(grad_w[0], weight.dtype)
        if needs_bias:
            grad_bias = narrow(grad_b, ctx.bias_dtype)
        return grad_input, grad_weight, grad_bias, None, None

    @staticmethod
    def jvp(
        ctx: Any,
        input_tangent: Tensor | None,
        weight_tangent: Tensor | None,
        bias_tangent: Tensor | None,
        *_: None,
    ) -> Tensor:
        input, weight = ctx.saved_tensors
        x = _grouped(widen(input), ctx.num_groups)
        x_hat, r = normalise(x, _group(x), ctx.eps)
        moved = torch.zeros_like(widen(input))  # the product rule: ẏ = w ⊙ (x̂ moved by ẋ) + ẇ ⊙ x̂ + ḃ
        if input_tangent is not None:
            u = _grouped(widen(input_tangent), ctx.num_groups)
            u = through_normalise(u, x_hat, r, _group(x)).reshape(input.shape)
            moved = moved + (u if weight is None else u * along_channels(widen(weight), u))
        if weight_tangent is not None:
            moved = moved + along_channels(widen(weight_tangent), moved) * x_hat.reshape(input.shape)
        if bias_tangent is not None:
            moved = moved + along_channels(widen(bias_tangent), moved)
        return narrow(moved, input.dtype)


def _grouped(x: Tensor, num_groups: int) -> Tensor:
    """(N, C, *) → (N, G, C/G, *)."""
    N, C, *positions = x.shape
    return x.reshape(N, num_groups, C // num_groups, *positions)


def _by_position(x: Tensor, num_groups: int) -> Tensor:
    """(N, C, *) → (N, G, C/G, P), with all the positions in one dimension."""
    return x.reshape(x.shape[0], num_groups, x.shape[1] // num_groups, prod(x.shape[2:]))


def _group(grouped: Tensor) -> tuple[int, ...]:
    """The dimensions that one group's numbers lie along: all behind N and G."""
    return tuple(range(2, grouped.dim()))


_group_norm = function_of(GroupNorm)


@public(
    T.group_norm,
    example=example((2, 4, 5, 6), (4,), (4,), call=lambda group_norm, x, w, b: group_norm(x, 2, w, b)),
)
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """w ⊙ (x − μ)/s + b; as torch.nn.functional.group_norm, with hand-written gradients.

    Args:
        input: x, (N, C) or (N, C, …).
        num_groups: G, a divisor of C.
        weight: w, (C,), or None for 1.
        bias: b, (C,), or None for 0.
        eps: ε, added to the variance.

    Returns:
        y, of the input's shape.

    Raises:
        TypeError: an argument is not a Tensor, or `num_groups` no integer.
        ValueError: one example with one value in each group.
        RuntimeError: shapes or dtypes that do not fit each other, or nothing to normalise.
        NotImplementedError: `input` is not floating-point.
    """
    require_tensor("group_norm", input=input)
    num_groups = integer("group_norm", "num_groups", num_groups)
    shape = input.shape
    if len(shape) > 1 and num_groups > 0 and prod(shape[:2]) // num_groups * prod(shape[2:]) == 1:
        raise ValueError(
            f"group_norm: expected more than one value in each of {num_groups} groups, got input "
            f"{tuple(input.shape)}"
        )
    return _torch_group_norm(input, num_groups, weight, bias, eps)


@twin_of(torch.group_norm)
def _torch_group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """The same with the one argument more that torch.group_norm has; there a group may have one value."""
    require_tensor("group_norm", input=input)
    num_groups = integer("group_norm", "num_groups", num_groups)
    require_tensors("group_norm", weight=weight, bias=bias)
    return _group_norm(input, weight, bias, num_groups, eps)
