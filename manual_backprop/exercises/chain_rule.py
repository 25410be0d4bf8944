"""The exercises of “The chain rule, layer by layer”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned
from manual_backprop.exercises.judges import Judge, Judgement, derivation, number

# One unit a layer, f(z) = z²: L = w³ a², each a = z², z² = w² a¹, z¹ = w¹ x.
X, W1, W2, W3 = 2.0, 1.5, 1 / 3, 3.0
Z1 = W1 * X
Z2 = W2 * Z1**2
SLOPE1, SLOPE2 = 2 * Z1, 2 * Z2
DELTA2 = W3 * SLOPE2
DELTA1 = DELTA2 * W2 * SLOPE1

MISTAKES = {
    W3 * Z2**2: "that is L itself; its derivative is asked for.",
    DELTA1: "that is δ¹ = ∂L/∂z¹; what is z¹'s slope in w¹?",
    DELTA1 * Z1**2: "the weight's gradient is δ¹ times what its layer *received*, a⁰ = x, not times a¹.",
    DELTA2 * Z1**2: "that is ∂L/∂w² = δ² a¹.",
    DELTA2 * W2 * X: "one of the two factors f′ is missing.",
    W3 * W2 * X: "both factors f′ are missing.",
    W3 * (2 * Z2**2) * W2 * (2 * Z1**2) * X: "f′ is to be taken at z, and not at a = f(z).",
    W3 * Z2 * W2 * Z1 * X: "the slope of z² is 2z.",
    DELTA2 * SLOPE1 * X: "on the way from z² to a¹ the factor w² is missing.",
    SLOPE2 * W2 * SLOPE1 * X: "on the way from L to a² the factor w³ is missing.",
}


def _columns(W: Tensor, b: Tensor, a: Tensor) -> Tensor:
    return W @ a + b[:, None]


def _residual(x: Tensor, W1: Tensor, W2: Tensor) -> Tensor:
    return x + (x @ W1.T).sigmoid() @ W2.T


def _columns_judge(answer: Any) -> Judgement:
    right, remark = derivation(_columns, (7, 3), (7,), (3, 5))(answer)
    if not right:
        g, W, b, a = (torch.ones(shape) for shape in ((7, 5), (7, 3), (7,), (3, 5)))
        try:
            over_units = returned(answer, g, W, b, a)[1].shape == (5,)
        except Exception:  # what went wrong, the remark says already
            over_units = False
        if over_units:
            remark += "\nYour gradient of b is summed over the units; here the examples are dimension 1."
    return right, remark


EXERCISES: dict[str, Judge] = {
    "5.1": number(DELTA1 * X, MISTAKES),
    "5.2": _columns_judge,
    "5.3": derivation(_residual, (5, 3), (7, 3), (3, 7)),
}
