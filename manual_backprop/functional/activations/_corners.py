"""Slopes that jump at a corner, made without a choice.

A CPU mispredicts a choice between two numbers (`torch.where`, `masked_fill`) wherever signs are random, as
those of pre-activations are. That takes up to thirty times as long as arithmetic does.
"""

import torch
from torch import Tensor

BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def step(z: Tensor, left: float) -> Tensor:
    """1 where z > 0, and `left` elsewhere: the sign of z, what is not positive of it replaced."""
    return torch.threshold(z.sign(), 0, left)


def gate(grad_output: Tensor, opening: Tensor) -> Tensor:
    """The upstream gradient where `opening` is not 0 (as NaN is not), and 0 elsewhere, where it may be ∞.

    On a CPU, outside of any transformation, the bits of ∂L/∂a are multiplied by 1 or 0, as an integer, which
    knows no ∞: a seventh of the time that `masked_fill` takes on random signs. The 1 or 0 of a number is the
    sign of the bits of its absolute value, which are those of a positive integer, a NaN's too.
    """
    if not grad_output.is_cpu or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return grad_output.masked_fill(opening == 0, 0)
    try:
        bits = BITS[grad_output.itemsize]
        g = grad_output.view(bits)
        passed = g * opening if opening.dtype == torch.bool else opening.abs().view(bits).sign_().mul_(g)
        return passed.view(grad_output.dtype)
    except RuntimeError:
        return grad_output.masked_fill(opening == 0, 0)  # vmap cannot look at bits
