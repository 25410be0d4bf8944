"""Wrong answers to the exercises of “Writing your own autograd.Function”, and words of what is said."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def inner(z: Tensor) -> Tensor:
    return (1 + z.exp()).log().tanh()


def slope(z: Tensor) -> Tensor:
    return inner(z) + z * (1 - inner(z) ** 2) * z.sigmoid()


class Keeps(torch.autograd.Function):
    """z tanh(ln(1 + eᶻ)), which keeps z."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z * inner(z)


class ForgetsProductRule(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * inner(ctx.saved_tensors[0])


class ForgetsChainRule(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grad_output * (inner(z) + z * (1 - inner(z) ** 2))


class ForgetsUpstream(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return slope(ctx.saved_tensors[0])


class KeepsSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(slope(z))
        return z * inner(z)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * ctx.saved_tensors[0]


class Once(Keeps):
    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output * slope(ctx.saved_tensors[0])


class Detached(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return (grad_output * slope(ctx.saved_tensors[0])).detach()


class InPlace(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        return grad_output.mul_(slope(ctx.saved_tensors[0]))


class Viewed(Keeps):
    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return (grad_output.view(-1) * slope(z).view(-1)).view(z.shape)


class OtherValue(Keeps):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z * z.sigmoid()


WRONG: list[tuple[str, Any, str]] = [
    ("13.1", "output", "does not tell which sign"),
    ("13.1", "both", "the input alone gives it"),
    ("13.1", "neither", "changes with z"),
    ("13.1", "z", "one of 'both'"),
    ("13.2", 4, "if nothing is skipped"),
    ("13.2", 3, "∂L/∂W² is not asked for"),
    ("13.2", 1, "leads through the second layer"),
    ("13.3", ForgetsProductRule, "backward is not right yet"),
    ("13.3", ForgetsChainRule, "backward is not right yet"),
    ("13.3", ForgetsUpstream, "grad_output is not"),
    ("13.3", KeepsSlope, "silently wrong"),
    ("13.3", Once, "the second one is refused"),
    ("13.3", Detached, "Is something in it detached?"),
    ("13.3", InPlace, "writes over grad_output in place"),
    ("13.3", Viewed, "Write reshape in place"),
    ("13.3", OtherValue, "forward does not return"),
    ("13.3", Keeps, "raises NotImplementedError"),
]
