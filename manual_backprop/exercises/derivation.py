"""The exercises of “Is my derivation right?”."""

from contextlib import suppress
from math import e
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import Misfit, require_function, returned
from manual_backprop.exercises.judges import Backward, Judge, derivation
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question
from manual_backprop.verify import verify

EPSILON = torch.finfo(torch.float64).eps


def normalised(x: Tensor) -> Tensor:
    """Each row of x, divided by its length."""
    return x / (x * x).sum(1, keepdim=True).sqrt()


def normalised_backward(
    *, within: bool = True, length: bool = True, sign: int = 1, along: str = "y", upstream: bool = True
) -> Backward:
    """The backward of `normalised` with a mistake in it: one argument other than its default.

    Args:
        within: take away the part of the upstream gradient along y.
        length: divide by the length of x.
        sign: of what is taken away.
        along: "x" where the part along x is taken away without dividing by the length of x.
        upstream: weight the outputs by the upstream gradient in the sum.
    """

    def backward(grad_output: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        r = (x * x).sum(1, keepdim=True).sqrt()
        axis = x if along == "x" else x / r
        share = ((grad_output if upstream else 1) * axis).sum(1, keepdim=True)
        rest = grad_output - sign * axis * share if within else grad_output
        return (rest / r if length else rest,)

    return backward


def fools_ones(answer: Any) -> Judgement:
    """Judge a backward of log-softmax that is to be wrong, and yet to pass a test with ones."""
    require_function(answer)
    ones = torch.ones(5, 3, dtype=torch.float64)
    with suppress(Misfit):  # verify says what is wrong
        returned(answer, ones, 0.1 * ones)
    verdict = (report := verify(lambda z: z.log_softmax(1), answer, shapes=[(5, 3)])).verdicts
    if report:
        return False, "this backward is right. A wrong one is asked for."
    if not verdict or verdict[0].status != "wrong":
        return False, f"nobody would be fooled, since this is not a gradient of z.\n{report}"
    if not verdict[0].passes_with_ones:
        return False, "it is wrong, but a test with ones would notice: for g = 1, 1 − C pᵢ is expected."
    return True, "right: it is wrong, and ones do not see it."


PREDICTIONS: dict[str, Question] = {
    "10a": Number(
        82,
        because="About four in five: the gradient points downhill often enough, be it right or not.",
        mistakes={
            10: "The scores do move: thirty steps along this gradient lower the loss, be it right or not.",
            50: "It gets further: a single layer separates most digits, and thirty steps go far.",
            100: "A single layer does not get there with the best of gradients: some digits are too unlike.",
        },
        within=0.12,
    ),
    "10b": Choice(
        "2⁻¹⁷",
        {
            "2⁻⁴": (
                "The truncation error is about h²/6, here 7 · 10⁻⁴. A smaller step makes it smaller, until "
                "something else is larger."
            ),
            "2⁻¹⁷": (
                "The truncation error is about h²/6, here 10⁻¹¹, and the difference still has enough digits "
                "that are not rounding."
            ),
            "2⁻⁵⁰": (
                "For exact numbers it would be. But e^(x+h) and e^(x−h) then agree in all but the last one "
                "or two of the 16 digits that are kept, and their difference has no more than these."
            ),
        },
    ),
    "10c": Choice(
        "½ and 0",
        {
            "0 and 0": "Autograd says 0. But (h − 0)/(2h), the central difference, is ½ whatever h is.",
            "½ and ½": (
                "The central difference is (h − 0)/(2h) = ½. Autograd computes no difference: somebody has "
                "chosen a number for this point, and ½ would have been as good."
            ),
            "½ and 0": (
                "(h − 0)/(2h) = ½ is the mean of the slopes on both sides. Autograd's number was chosen: it "
                "passes the gradient on where x > 0, and here it is not."
            ),
            "1 and 1": "That is the slope on the right alone. The step to the left finds the slope 0.",
            "an error from each": (
                "Neither of them looks whether there is a derivative: one computes a quotient of numbers, "
                "the other a formula that was written for every x."
            ),
        },
    ),
    "10d": Choice(
        "both",
        {
            "the zeros alone": (
                "They do pass: the sum of the probabilities is 1 whatever z is. But a factor of 1 is not "
                "missed where it is forgotten, so tanh passes as well."
            ),
            "the forgotten grad_output alone": (
                "It does pass, since the forgotten factor is 1. But the sum of the probabilities is 1 "
                "whatever z is, so its gradient is zero indeed."
            ),
            "both": (
                "A factor of 1 is not missed, and the sum of the probabilities is 1 whatever z is, so that "
                "its gradient is zero."
            ),
            "neither": (
                "Compute the right gradients for gⱼ = 1: 1 − tanh² z for tanh, and for the softmax 0, since "
                "the sum of the probabilities is 1 whatever z is."
            ),
        },
    ),
    "10e": Choice(
        "those of the input, W¹ and b¹",
        {
            "all five": (
                "The gradients of W² and b² are computed from the loss and the softmax's output, before the "
                "softmax's backward is called."
            ),
            "those of the input, W¹ and b¹": (
                "They lie before the softmax, so their gradients come through its backward. Those of W² and "
                "b² do not."
            ),
            "those of W² and b²": (
                "On the way back these two are reached first, before the softmax's backward is called."
            ),
            "that of the input alone": (
                "∂L/∂z of the softmax is wrong, and ∂L/∂W¹ = δᵀ x and ∂L/∂b¹ = Σ δ are computed from it too."
            ),
        },
    ),
    "10f": Choice(
        "delta2 = …",
        {
            "delta3 = …": (
                "The derivative of (z₃ − t)² is 2 (z₃ − t), the mean divides by the number of examples, and "
                "grad_output is there."
            ),
            "delta2 = …": (
                "The slope of the second tanh is 1 − a₂², of what the second layer has made. a₁ has the same "
                "shape."
            ),
            "delta1 = …": "δ₁ = δ₂ W₂ ⊙ (1 − a₁²) is right, if δ₂ is.",
            "dW3, dW2, dW1 = …": (
                "Each is δᵀ times what its layer receives: a₂, a₁ and x. That is right, if the δ are."
            ),
            "the last one": "∂L/∂x is δ₁ W₁, and t enters with a minus, so that ∂L/∂t = −δ₃.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "10.1": Number(
        (2 * EPSILON) ** (1 / 2),
        mistakes={
            (1.5 * EPSILON) ** (1 / 3): "that is the best step of the central difference. To one side, the "
            "truncation error is (h/2) |f″|, and the difference is divided by h.",
            EPSILON ** (1 / 3): "the cube root belongs to a truncation error in h². Here it is in h.",
            EPSILON ** (1 / 2): "the right power. But the truncation error is h/2 times |f″|, not h times, "
            "and two values are each wrong by up to ε |f| / 2.",
            (EPSILON / 2) ** (1 / 2): "the right power. But the ½ of h/2 goes into the other factor: "
            "½ = ε/h².",
            EPSILON ** (1 / 2) / 2: "½ = ε/h² has to be solved for h, under the root.",
            2
            * EPSILON ** (1 / 2): "the rounding error is ε |f| / h: each of the two values is wrong by up to "
            "ε |f| / 2, not by ε |f|.",
            (2 * EPSILON * e) ** (1 / 2): "|f| and |f″| are both e at x = 1, and cancel.",
            EPSILON: "there, x + h is hardly another number than x, and rounding is as large as the slope.",
        },
        within=0.02,
    ),
    "10.2": fools_ones,
    "10.3": derivation(
        normalised,
        (5, 3),
        mistakes={
            "That would be right if ‖x‖ were a constant. But it depends on every xᵢ of the row, and so every "
            "output does.": normalised_backward(within=False),
            "Only ∂yᵢ/∂xᵢ is used. Every other yⱼ of the row depends on xᵢ too, through ‖x‖: the sum over j "
            "is missing.": lambda g, x: (g * (1 - normalised(x) ** 2) / (x * x).sum(1, keepdim=True).sqrt(),),
            "The sign of the second term: a larger ‖x‖ makes the outputs smaller.": normalised_backward(
                sign=-1
            ),
            "The part along y is taken away, but ‖x‖ is missing: the outputs of a row that is twice as long "
            "move half as much.": normalised_backward(length=False),
            "In the second term, ‖x‖ is missing twice: it is yᵢ Σⱼ gⱼ yⱼ, with y = x / ‖x‖ in place of x.": (
                normalised_backward(along="x")
            ),
            "In the sum over the outputs, each of them is weighted by its own gⱼ.": (
                normalised_backward(upstream=False)
            ),
        },
    ),
}
