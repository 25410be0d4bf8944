"""The exercises of “What a gradient costs”."""

from math import sqrt

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question

LAYERS = ((784, 128), (128, 10))
DEPTH = 512


def operations(first: int, later: int) -> float:
    """Multiplications and additions of 784-128-10, so many times each product, in those of a forward pass."""
    (D, H), (_, C) = LAYERS
    return (first * D * H + later * H * C) / (D * H + H * C)


def tangent(x: Tensor, W: Tensor, x_dot: Tensor, W_dot: Tensor) -> Tensor:
    """The tangent of sin(x Wᵀ)."""
    return moved(x, W, x_dot, W_dot) * torch.cos(x @ W.T)


def moved(x: Tensor, W: Tensor, x_dot: Tensor, W_dot: Tensor) -> Tensor:
    """The tangent of x Wᵀ."""
    return x_dot @ W.T + x @ W_dot.T


def points() -> list[tuple[Tensor, ...]]:
    """x, W and their tangents."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((5, 3), (7, 3), (5, 3), (7, 3))
    return [tuple(torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)]


PREDICTIONS: dict[str, Question] = {
    "11a": Choice(
        "from minutes to hours",
        {
            "seconds": (
                "Each pass is quick. But each of the million entries needs two of its own: two million "
                "milliseconds are more than half an hour."
            ),
            "from minutes to hours": (
                "There are two passes for each of a million entries, and two million milliseconds are about "
                "half an hour. Whether it is more depends on the machine."
            ),
            "weeks": (
                "A million is large, but a millisecond is short: two million milliseconds are about half an "
                "hour."
            ),
        },
    ),
    "11b": Number(
        2.2,
        because="The backward of a layer makes two products of the size of the forward's one, and the first "
        "layer, whose input needs no gradient, makes one. Here that comes to 2.2.",
        mistakes={
            1: "The forward alone makes 1. Each layer has a product to make on the way back, too.",
            4: "A layer makes one product forward, and two of the same size backward: not more than three.",
            987_210: "That would be a pass for each entry. A pass backward brings all of them.",
            1_974_420: "That is the price of the differences. A pass backward brings all entries.",
        },
        within=0.37,
    ),
    "11c": Choice(
        "it stays about the same",
        {
            "it rises as the number of parameters does": (
                "There are more gradients to compute. But the forward pass has more to compute in the same "
                "measure: a product for each weight and example."
            ),
            "it rises, but slowly": (
                "One might think of the memory that large networks need. But both passes go through the same "
                "weights and activations a fixed number of times."
            ),
            "it stays about the same": (
                "The backward of each operation costs a fixed multiple of the operation. So does the whole "
                "backward, whatever the size."
            ),
            "it falls towards 1": (
                "Overheads do matter less in large networks. But what remains is two products backward for "
                "one forward."
            ),
        },
    ),
    "11d": Choice(
        "forward 1, backward 640",
        {
            "forward 1, backward 640": (
                "A pass with tangents follows s into every score. A backward pass follows one score to s."
            ),
            "forward 640, backward 1": (
                "That is so where one number depends on 640. Here 640 numbers depend on one."
            ),
            "1 each": (
                "A backward pass starts from one number, and gives the derivatives of that one. There "
                "are 640."
            ),
            "640 each": "A pass with tangents carries the movement of s into all scores at once.",
        },
    ),
    "11e": Number(
        8,
        because="There are 64/k inputs and k layers to keep; their sum is least where both are equal.",
        mistakes={
            1: "Then the input of every layer is kept, which is what we wanted to avoid.",
            64: "Then the only segment is the whole chain, and all of it is kept at the second attempt.",
            4: "That keeps 16 inputs and 4 layers, 20. Longer segments have fewer inputs.",
            16: "That keeps 4 inputs and 16 layers, 20. Shorter segments have fewer layers.",
            32: "That keeps 2 inputs and 32 layers, 34. Shorter segments have fewer layers.",
            2: "That keeps 32 inputs and 2 layers, 34. Longer segments have fewer inputs.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "11.1": Number(
        lambda: operations(2, 3),
        mistakes={
            2.01: "that is near. Three digits after the point are asked for.",
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
            "this is the tangent of x Wᵀ. The slope of the sine is missing.": moved,
            "a tangent is not put through the sine itself: it is multiplied by the slope of the sine at z.": (
                lambda x, W, x_dot, W_dot: torch.sin(moved(x, W, x_dot, W_dot))
            ),
            "a tangent is not put through the cosine: cos z, the slope, multiplies it.": (
                lambda x, W, x_dot, W_dot: torch.cos(moved(x, W, x_dot, W_dot))
            ),
            "the derivative of a product is not the product of the derivatives. It is a sum of two terms.": (
                lambda x, W, x_dot, W_dot: (x_dot @ W_dot.T) * torch.cos(x @ W.T)
            ),
            "the slope is taken at ż. It belongs to the point, z = x Wᵀ, not to the direction.": (
                lambda x, W, x_dot, W_dot: moved(x, W, x_dot, W_dot) * torch.cos(moved(x, W, x_dot, W_dot))
            ),
            "the sign. The derivative of sin z is cos z; it is cos z whose derivative has a minus.": (
                lambda x, W, x_dot, W_dot: -tangent(x, W, x_dot, W_dot)
            ),
            "sin z is the value. Its slope at z is cos z.": (
                lambda x, W, x_dot, W_dot: moved(x, W, x_dot, W_dot) * torch.sin(x @ W.T)
            ),
            "the slope multiplies both terms of ż, the one of x and the one of W.": (
                lambda x, W, x_dot, W_dot: x_dot @ W.T * torch.cos(x @ W.T) + x @ W_dot.T
            ),
            "the product of the two tangents is no part of the derivative: in each term, one factor moves "
            "and the other stays.": (
                lambda x, W, x_dot, W_dot: (moved(x, W, x_dot, W_dot) + x_dot @ W_dot.T) * torch.cos(x @ W.T)
            ),
            "the ż that moves is left out: cos z is the slope, and multiplies it.": (
                lambda x, W, x_dot, W_dot: torch.cos(x @ W.T)
            ),
        },
    ),
    "11.3": Number(
        lambda: 3 * DEPTH ** (1 / 3),
        mistakes={
            8: "that is p, q and r, each the cube root of T. Inputs of both kinds are kept, and layers.",
            16: "that leaves one kind out. Inputs of large segments, inputs of small ones, layers: three.",
            2 * sqrt(DEPTH): "that is 2√T, with segments of one kind. The inputs inside a segment need not "
            "all be kept either.",
            sqrt(DEPTH): "that is √T, one of the two summands with segments of one kind.",
            DEPTH: "p q r is the number of layers. What is kept at once is a sum.",
            512 / 3: "p, q and r multiply to T. They do not add up to it.",
        },
        within=0.01,
    ),
}
