"""The exercises of “The chain rule, layer by layer”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned
from manual_backprop.exercises.judges import Judge, derivation
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question

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
    DELTA2: "that is δ², if you have gone back to z²: on to δ¹. If you have taken z for the slope of z², it "
    "is 2z.",
    DELTA2 * SLOPE1 * X: "on the way from z² to a¹ the factor w² is missing.",
    Z2**2: "that is ∂L/∂w³ = a². The question is for w¹, further back.",
    DELTA1 * W1: "that is δ¹ w¹, and the slope of z¹ = w¹ x in w¹ is x.",
    DELTA2 * SLOPE1: "on the way from z² to a¹ the factor w² is missing, and at the end x.",
    -DELTA1 * X: "the size is right; all the factors are positive here.",
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


PREDICTIONS: dict[str, Question] = {
    "5a": Choice(
        right="w¹ and w²",
        remarks={
            "none of them": "Look for w³ among the factors of the three gradients: two of them have it.",
            "w³ alone": "That a weight is zero does not make its own gradient zero: ∂L/∂w³ = (z³ − t) a² has "
            "no factor w³.",
            "w¹ and w²": "Both gradients have the factor w³, and w³'s own gradient (z³ − t) a² has not.",
            "all three": "Two of them have the factor w³ and are zero. But ∂L/∂w³ = (z³ − t) a² does not "
            "contain w³.",
        },
    ),
    "5b": Number(
        1,
        because="The left factor must have two rows, as δᵀ and W have, and the right one three columns, as W "
        "and a have. Of these four pairs, δᵀ a alone has the same number in the middle.",
        mistakes={
            0: "δᵀ is (2, 5) and a is (5, 3): their product is (2, 3).",
            2: "Two left factors have two rows, δᵀ and W. But W, (2, 3), would need a factor that is (3, 3).",
            4: "Four pairs have two rows on the left and three columns on the right, but the numbers in the "
            "middle have to agree as well: δᵀ W is (2, 5) times (2, 3).",
        },
    ),
    "5c": Number(
        4,
        because="Four rows on the left and three columns on the right with the same number in the middle: "
        "δ or δᵀ, times W or a.",
        mistakes={
            1: "There is more than one now: δ is square, so it may stand as it is or transposed.",
            2: "δ and δᵀ fit before a. W has the shape of a now, so it may stand in its place.",
            36: "That would need every table to be square; a and W are (4, 3).",
        },
    ),
    "5d": Choice(
        right="those of W², b², W¹, b¹ and x",
        remarks={
            "those of W² and b²": "They are wrong, and so is more: δ¹ is computed from δ².",
            "those of W¹, b¹ and x": "They are wrong, since δ¹ is computed from δ². But W² and b² have their "
            "gradients from δ² itself.",
            "those of W², b², W¹, b¹ and x": "All that is computed from δ² is wrong, also through δ¹. W³ "
            "and b³ have their gradients from δ³.",
            "all seven": "W³ and b³ have their gradients from δ³, which is computed before δ².",
        },
    ),
    "5e": Number(
        -1 / 5,
        because="Each row of target has a single 1, so the row of −target/5 has a single −1/5 and zeros.",
        mistakes={
            1 / 5: "The size is right; mind the minus in dlogp = −target/5.",
            1: "That is the sum of a row of target. Here it is divided by −5.",
            -1: "That is the sum of all numbers of dlogp. In each row there is one fifth of it.",
            0: "The rows of dz3 have the sum 0. A row of dlogp has only one number that is not zero.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "5.1": Number(DELTA1 * X, mistakes=MISTAKES),
    "5.2": _columns_judge,
    "5.3": derivation(_residual, (5, 3), (7, 3), (3, 7)),
}
