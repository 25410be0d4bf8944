"""The predictions and exercises of “Without backpropagation”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question

Loss = Callable[[Tensor], Tensor]

PREDICTIONS: dict[str, Question] = {
    "18a": Number(
        0,
        because="The slope along −ĝ is −g · ĝ = −(g · v)², and a square is never negative.",
        mistakes={
            50: "v itself leads uphill as often as downhill. But ĝ is v times the slope along v, and the "
            "sign of that slope turns it round.",
            100: "−ĝ is −(g · v) v: where v leads uphill, g · v is positive, and the step goes the other "
            "way.",
        },
    ),
    "18b": Number(
        1929,
        because="The noise is √((P − 1)/k) times as long as g. At 45° the two are equally long: k = P − 1.",
        mistakes={
            44: "The noise of one draw is 44 times as long as g. But the mean of 44 draws shrinks it by √44 "
            "only, to 6.6 times.",
            965: "With half of P the noise is still √2 times as long as g: 55°.",
            3858: "With twice P the noise is down to 0.7 times the length of g: 35°.",
            100: "It shrinks 44 to 4.4: the noise is still 4.4 times as long as g, an angle of 77°.",
            1000: "The noise is then still 1.4 times as long as g: 54°.",
        },
        within=0.25,
    ),
    "18c": Choice(
        right="about the same",
        remarks={
            "much higher": "The measured slope is a little wrong. But the estimate is off by nearly 90° even "
            "with the exact slope, and an error of a thousandth in the slope does not make that worse.",
            "about the same": "Both go along ±v, the same v, by nearly the same amount.",
            "lower: the errors of ε cancel the noise": "The noise is in the direction v, which both share. "
            "The error of ε changes only how far they go along it.",
        },
    ),
    "18d": Choice(
        right="smaller than 81°",
        remarks={
            "larger than 81°, near 89°": "That is where a draw for all 1,930 weights lies. Here each image "
            "has a draw of its own, of 42 numbers.",
            "81° again": "It would be if all images shared one v and one gradient. Their noises are "
            "independent, and cancel in part.",
            "smaller than 81°": "Independent noises cancel in part in the mean. What the images' gradients "
            "have in common does not.",
        },
    ),
    "18e": Number(
        4,
        because="The terms of first order in β have opposite signs and cancel. What is left goes with β².",
        mistakes={
            2: "That is so with one sign, where the error goes with β. With both, these terms cancel.",
            8: "That would be an error of the order β³. With both signs the odd powers cancel, and the "
            "first that is left is β².",
            16: "That would be an error of the order β⁴.",
            1: "With β the error goes to zero: that is what the limit says.",
        },
        within=0.2,
    ),
}


def estimate(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    """The mean of slope times direction, each slope from two losses."""
    return torch.stack([(loss(w + epsilon * v) - loss(w - epsilon * v)) / (2 * epsilon) * v for v in V]).mean(
        0
    )


def _one_sided(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    return torch.stack([(loss(w + epsilon * v) - loss(w)) / epsilon * v for v in V]).mean(0)


def _unit_directions(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    return estimate(loss, w, V / V.norm(dim=1, keepdim=True), epsilon)


def _summed_slopes(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    v = V.mean(0)
    return (loss(w + epsilon * v) - loss(w - epsilon * v)) / (2 * epsilon) * v


def _slopes(loss: Loss, w: Tensor, V: Tensor, epsilon: float) -> Tensor:
    return torch.stack([(loss(w + epsilon * v) - loss(w - epsilon * v)) / (2 * epsilon) for v in V])


def directions() -> list[tuple[Any, ...]]:
    """A loss, w, directions and ε; one is not of signs."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def cubic(at: Tensor) -> Tensor:
        return (at**3).sum() + at[0] * at[1]

    return [
        (cubic, draw(4), draw(3, 4).sign(), 0.1),
        (lambda at: at.exp().sum(), draw(3), draw(7, 3), 0.2),
    ]


def factor(beta: Any) -> Any:
    """The contrast with both signs over the gradient."""
    return 1 / (1 - beta**2)


EXERCISES: dict[str, Judge] = {
    "18.1": Number(
        999_999 / 3,
        because="The noise over the gradient is √((P − 1)/k), the tangent of the angle; that of 60° is √3.",
        mistakes={
            1_000_000: "that is for 45°, where noise and gradient are equally long.",
            3_000_000: "that is for 30°: the tangent is 1/√3. 60° needs fewer draws than 45°, not more.",
            577_350: "the tangent of 60° is √3, and it is squared: (P − 1)/k = 3.",
            1_732_051: "a larger angle needs fewer draws: k = (P − 1)/3.",
            250_000: "that has the cosine of 60°, gradient over estimate, and noise over gradient belongs "
            "here.",
            500_000: "half the cosine is not half the draws. The noise over the gradient is the tangent of "
            "the angle.",
            1_000: "the noise shrinks with the root of the draws, so the root of P is not enough.",
            577: "that is the root of it.",
        },
        within=0.02,
    ),
    "18.2": same_numbers(
        estimate,
        directions,
        {
            "that is the sum over the directions. Divide by their number.": (
                lambda loss, w, V, epsilon: estimate(loss, w, V, epsilon) * len(V)
            ),
            "the losses are 2ε apart, not ε.": lambda loss, w, V, epsilon: 2 * estimate(loss, w, V, epsilon),
            "the difference is not yet divided by 2ε.": (
                lambda loss, w, V, epsilon: 2 * epsilon * estimate(loss, w, V, epsilon)
            ),
            "that uses L(w). Take w + εv and w − εv.": _one_sided,
            "the slope grows with v's length already, as it is. Do not normalise v.": _unit_directions,
            "each direction needs two losses of its own. You took those of the mean direction.": (
                _summed_slopes
            ),
            "these are the slopes. Each is to be multiplied by its direction, and then the mean taken.": (
                _slopes
            ),
            "that is the negative: the loss at w + εv comes first.": (
                lambda loss, w, V, epsilon: -estimate(loss, w, V, epsilon)
            ),
            "that is from the first direction alone. Is the `return` inside the loop?": (
                lambda loss, w, V, epsilon: estimate(loss, w, V[:1], epsilon)
            ),
            "that is the first direction's part of the mean. Is the `return` inside the loop?": (
                lambda loss, w, V, epsilon: estimate(loss, w, V[:1], epsilon) / len(V)
            ),
        },
    ),
    "18.3": same_numbers(
        factor,
        lambda: [(torch.tensor(beta, dtype=torch.float64),) for beta in (0.5, 0.2)],
        {
            "that is with one sign, the contrast between β and 0.": lambda beta: 1 / (1 + beta),
            "that is with one sign, the contrast between 0 and −β.": lambda beta: 1 / (1 - beta),
            "the right one is the inverse of that.": lambda beta: 1 - beta**2,
            "it is the gradient exactly only in the limit of β → 0.": torch.ones_like,
            "the signs: 1/(1 + β) + 1/(1 − β) has the common denominator (1 + β)(1 − β).": (
                lambda beta: 1 / (1 + beta**2)
            ),
            "a factor of 2 is left over: the contrast is divided by 2β.": lambda beta: 2 / (1 - beta**2),
            "the sign: ∂E/∂w is −o x.": lambda beta: -1 / (1 - beta**2),
            "both fractions have the same sign: o₋β has the numerator w x − β t.": (
                lambda beta: beta / (1 - beta**2)
            ),
            "the β of the numerator cancels with that of 2β.": lambda beta: -beta / (1 - beta**2),
        },
    ),
}
