"""The exercises of “What a gradient costs”."""

from math import sqrt

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, number, same_numbers

LAYERS = ((784, 128), (128, 10))
DEPTH = 512


def operations(first: int, later: int) -> float:
    """Multiplications and additions of 784-128-10, so many times each product, in those of a forward pass."""
    (D, H), (_, C) = LAYERS
    return (first * D * H + later * H * C) / (D * H + H * C)


def tangent(x: Tensor, W: Tensor, x_dot: Tensor, W_dot: Tensor) -> Tensor:
    """The tangent of tanh(x Wᵀ)."""
    z_dot = x_dot @ W.T + x @ W_dot.T
    return z_dot * (1 - torch.tanh(x @ W.T).square())


def points() -> list[tuple[Tensor, ...]]:
    """x, W and their tangents."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((5, 3), (7, 3), (5, 3), (7, 3))
    return [tuple(torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)]


EXERCISES: dict[str, Judge] = {
    "11.1": number(
        lambda: operations(2, 3),
        {
            3: "three products are made in a layer whose input has a gradient. Images do not learn: δ¹ W¹ is "
            "not computed.",
            operations(1, 2): "that is the backward alone. The forward is asked for too.",
            2: "that leaves out δ² W² as well, without which there would be no δ¹.",
            operations(
                3, 2
            ): "it is the other way round: it is the first layer whose input needs no gradient.",
        },
    ),
    "11.2": same_numbers(
        tangent,
        points,
        {
            "the part of x is missing. Both factors of the product move.": (
                lambda x, W, x_dot, W_dot: tangent(x, W, torch.zeros_like(x), W_dot)
            ),
            "the part of W is missing. Both factors of the product move.": (
                lambda x, W, x_dot, W_dot: tangent(x, W, x_dot, torch.zeros_like(W))
            ),
            "this is the tangent of x Wᵀ. The slope of tanh is missing.": (
                lambda x, W, x_dot, W_dot: x_dot @ W.T + x @ W_dot.T
            ),
            "a tangent is not put through tanh itself: it is multiplied by the slope of tanh at z.": (
                lambda x, W, x_dot, W_dot: torch.tanh(x_dot @ W.T + x @ W_dot.T)
            ),
            "the derivative of a product is not the product of the derivatives. It is a sum of two terms.": (
                lambda x, W, x_dot, W_dot: (x_dot @ W_dot.T) * (1 - torch.tanh(x @ W.T).square())
            ),
            "the slope is taken at ż. It belongs to the point, z = x Wᵀ, not to the direction.": (
                lambda x, W, x_dot, W_dot: (
                    (x_dot @ W.T + x @ W_dot.T) * (1 - torch.tanh(x_dot @ W.T + x @ W_dot.T).square())
                )
            ),
            "the slope of tanh is 1 − a², with a = tanh z. Yours squares z.": (
                lambda x, W, x_dot, W_dot: (x_dot @ W.T + x @ W_dot.T) * (1 - (x @ W.T).square())
            ),
        },
    ),
    "11.3": number(
        lambda: 3 * DEPTH ** (1 / 3),
        {
            8: "that is p, q and r, each the cube root of T. Inputs of both kinds are kept, and layers.",
            16: "that leaves one kind out. Inputs of large segments, inputs of small ones, layers: three.",
            2 * sqrt(DEPTH): "that is 2√T, with segments of one kind. The inputs inside a segment need not "
            "all be kept either.",
            sqrt(DEPTH): "that is √T, one of the two summands with segments of one kind.",
            DEPTH: "p q r is the number of layers. What is kept at once is a sum.",
            512 / 3: "p, q and r multiply to T. They do not add up to it.",
        },
    ),
}
