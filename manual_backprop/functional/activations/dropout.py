"""Dropout: each number is left out with probability p, and what stays is made larger.

Given   a mask m, drawn anew at each call: mᵢ is 0 with probability p, else 1,

            yᵢ = mᵢ xᵢ / (1 − p)

        elementwise, and the upstream gradient ∂L/∂y.
Want    ∂L/∂x.

1.  Once it is drawn, m is a constant, and y is linear in x. The mask is the derivation:

        ∂L/∂xᵢ = ∂L/∂yᵢ · mᵢ / (1 − p)

    What was left out on the way forward did not reach L, and gets the gradient 0 on the way back.

2.  In one line for the whole tensor:

        ∂L/∂x = ∂L/∂y ⊙ m / (1 − p)

Why the factor 1/(1 − p): the mean of mᵢ is 1 − p, so that the mean of yᵢ is xᵢ. With it in training, nothing
has to be done in evaluation, where y = x.

Why m is drawn first and given to the operation as an input: backward needs the mask of this very call. It
cannot be read off y, where a zero may be a zero of x that was kept, whose gradient is not zero.

The numerical trap: with p = 1 the factor is 1/0. Nothing is kept then, and it is taken as 0.

Shapes: input, output and gradient (*), all alike.

Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent neural
networks from overfitting", Journal of Machine Learning Research 15 (2014).
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

from manual_backprop.functional._arguments import require_flags
from manual_backprop.functional.in_place.view import overwriting_views
from manual_backprop.functional.operation import (
    Formula,
    Operation,
    example,
    function_of,
    keep,
    public,
    require_tensor,
    twin_of,
)


class Dropout(Operation):
    """y = m ⊙ x / (1 − p) and ∂L/∂x = ∂L/∂y ⊙ m / (1 − p), for a given mask."""

    formula = Formula(
        "dropout", "elementwise", "m ⊙ {0} / (1 − {2}), m = {1}", ("m ⊙ {g} / (1 − {2})",), reordered=True
    )

    @staticmethod
    def forward(input: Tensor, mask: Tensor, p: float) -> Tensor:
        return dropped(input, mask, p)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        _, mask, ctx.p = inputs
        keep(ctx, mask)  # one byte for each number; x and y are not needed

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        (mask,) = ctx.saved_tensors
        return dropped(grad_output, mask, ctx.p), None, None

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (mask,) = ctx.saved_tensors
        return dropped(input_tangent, mask, ctx.p)


class DropoutInPlace(Dropout):
    """The same, with y written over x, which backward does not need."""

    generate_vmap_rule = False
    overwrites = True

    @staticmethod
    def forward(input: Tensor, mask: Tensor, p: float) -> Tensor:
        input.mul_(mask).mul_(factor(p))
        return input

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        input, mask, ctx.p = inputs
        ctx.mark_dirty(input)  # x is gone: autograd must know, in case another operation kept it
        keep(ctx, mask)

    @staticmethod
    def jvp(ctx: Any, input_tangent: Tensor, *_: None) -> Tensor:
        (mask,) = ctx.saved_tensors
        return input_tangent.mul_(mask).mul_(factor(ctx.p))  # overwritten, as x is

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, int | None, None], input: Tensor, mask: Tensor, p: float
    ) -> tuple[Tensor, int]:
        at, of_mask, _ = in_dims
        mask = mask.unsqueeze(at) if of_mask is None else mask.movedim(of_mask, at)
        return _dropout_in_place(input, mask, p), at


def dropped(x: Tensor, mask: Tensor, p: float) -> Tensor:
    """x ⊙ m / (1 − p)."""
    return x * mask * factor(p)


def factor(p: float) -> float:
    """1 / (1 − p), by which what is kept is multiplied."""
    return 1 / (1 - p) if p < 1 else 0


def draw(input: Tensor, p: float) -> Tensor:
    """A mask for `input`: False with probability p. From one seed, the one that PyTorch draws on a CPU."""
    kept = torch.empty_like(input, requires_grad=False)
    return (kept.bernoulli_(1 - p) if p < 1 else kept.zero_()).bool()


_dropout = function_of(Dropout)
_dropout_in_place = overwriting_views(function_of(DropoutInPlace))


def _with_the_same_mask(dropout: Callable[..., Tensor], input: Tensor) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return dropout(input)


@public(T.dropout, example=example((5, 3), call=_with_the_same_mask))
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """m ⊙ x / (1 − p), m being random; as torch.nn.functional.dropout, with a hand-written gradient.

    Args:
        input: x, of any shape (*).
        p: the probability with which a number is left out, from 0 to 1.
        training: False returns `input` itself, as p = 0 does.
        inplace: write the result over `input`.

    Returns:
        y, of the same shape and type; `input` itself with `inplace=True`.

    Raises:
        TypeError: `input` is not a Tensor, or `training` not a bool.
        ValueError: p outside 0 to 1.
        NotImplementedError: `input` is complex.
        RuntimeError: `input` is made of integers, or `inplace=True` for a leaf that needs a gradient.
    """
    require_tensor("dropout", input=input)
    require_flags("dropout", training=training)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be from 0 to 1, got {p}")
    if p == 0 or not training or input.numel() == 0:
        return input
    if p < 1 and not input.is_floating_point():  # what is left of other numbers would be no such number
        raise (NotImplementedError if input.is_complex() else RuntimeError)(
            f"dropout: expected floating-point numbers, got {input.dtype}"
        )
    apply = _dropout_in_place if inplace else _dropout
    output: Tensor = apply(input, draw(input, p), p)
    return output


@twin_of(torch.dropout)
def torch_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """The same, with the arguments of torch.dropout."""
    return dropout(input, p, train)


@twin_of(torch.dropout_)
def torch_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """The same in place, with the arguments of torch.dropout_."""
    return dropout(input, p, train, inplace=True)
