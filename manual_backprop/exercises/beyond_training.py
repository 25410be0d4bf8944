"""The questions of “Gradients beyond training”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation
from manual_backprop.exercises.questions import Choice, Number, Question

STEPS, TIME = 3, 0.1


def gram(f: Tensor) -> Tensor:
    """Which features occur together: f fᵀ."""
    return f @ f.T


def pendulum(x: Tensor, v: Tensor) -> Tensor:
    """The angles after some steps, each of which moves the velocity first."""
    for _ in range(STEPS):
        v = v - TIME * x.sin()
        x = x + TIME * v
    return x


def pendulum_backward(
    *,
    old_angle: bool = True,
    gravity: float = 1,
    inner: bool = True,
    handed_on: bool = True,
    reversed_order: bool = True,
) -> Backward:
    """The backward of `pendulum` with a mistake in it: one argument other than its default."""

    def backward(grad_output: Tensor, x: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        angles = [x]
        for _ in range(STEPS):
            v = v - TIME * angles[-1].sin()
            angles.append(angles[-1] + TIME * v)
        grad_x, grad_v = grad_output, torch.zeros_like(v)
        for t in reversed(range(STEPS)):
            later = grad_v
            grad_v = (grad_v if handed_on else 0) + TIME * grad_x
            slope = angles[t if old_angle else t + 1].cos() if inner else angles[t].sin()
            grad_x = grad_x - gravity * TIME * slope * (grad_v if reversed_order else later)
        return grad_x, grad_v

    return backward


PREDICTIONS: dict[str, Question] = {
    "16a": Choice(
        right="both on the strokes and where nothing is drawn",
        remarks={
            "on the strokes: the network looks at what is there": "The formula is made of W¹ and W²; the "
            "pixel itself enters only through [z¹ > 0]. So an empty pixel has a slope too: it says what ink "
            "would do there.",
            "where nothing is drawn: the strokes are seen already": "Taking ink away changes the score, as "
            "adding it does. The formula does not ask whether the pixel is empty.",
            "both on the strokes and where nothing is drawn": "The slope is δ¹ W¹. The pixel's own value is "
            "not in it, except through [z¹ > 0].",
        },
    ),
    "16b": Number(
        0.184,
        because="All 784 contributions point the same way and add up. Only digits of which the network was "
        "very sure withstand that.",
        mistakes={
            0.93: "so it is for random signs, whose contributions cancel. These are chosen to add up.",
            0.85: "that is about what a fifth of this push does. The effect grows with ε and with the number "
            "of pixels.",
            0.6: "that is about what half of this push does, ε = 0.05.",
            0.1: "guessing would give 0.1. But this is no guess: some digits withstand the push, and with a "
            "larger one it gets worse than guessing, since the push leads away from the right class.",
            0: "that comes with a push two or three times as large. Here some digits are still read.",
        },
        within=0.25,
    ),
    "16c": Choice(
        right="stripes of the same kind, in other places",
        remarks={
            "the stripes, pixel for pixel": "Shift the stripes by one pixel: inside the picture the sum over "
            "the places p is the same. G cannot tell them apart.",
            "stripes of the same kind, in other places": "G sums over the places, so it knows which features "
            "meet, and not where.",
            "noise, since the filters are random": "Random filters answer differently to different slants "
            "and widths; 32 of them say a lot about which are there.",
            "an even grey": "In a grey picture each feature is the same everywhere. The stripes have some "
            "features that never meet, and G holds that.",
        },
    ),
    "16d": Number(
        201,
        because="One flight as it is, and one for each of the 200 thrusts.",
        mistakes={
            200: "one for each thrust, and one more: each is compared with the flight as it is.",
            100: "there are 100 steps, and the thrust of each has two numbers.",
            101: "there are 100 steps, and the thrust of each has two numbers.",
            400: "that takes differences to both sides: more exact, and twice the price. Fewer will do.",
            2: "that is what a backward takes, more or less. Here each thrust is tried alone.",
            1: "one flight tells the cost, and nothing about how it changes.",
        },
        within=1e-6,
    ),
    "16e": Choice(
        right="beyond 10¹⁵",
        remarks={
            "about 1, since all values stay between 0 and 1": "The values are bounded, their slopes are not: "
            "a product of 100 factors of up to 3.9 need not be small.",
            "nearly 0: it vanishes": "It would if the factors were on average less than 1 in size, as those "
            "of the sigmoid are. 3.9 (1 − 2x) is below 1 in size only for x near one half.",
            "beyond 10¹⁵": "The product grows as if each factor were about 1.6 in size, and 1.6¹⁰⁰ is "
            "about 10²⁰.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "16.1": Number(
        0.784,
        mistakes={
            0.028: "that is ε times the length of w, √784 · 0.01: the answer if the length of the change "
            "were at most ε. Here each pixel may move by ε.",
            0.001: "that is one pixel's contribution. There are 784.",
            7.84: "that is Σ |wᵢ|; each pixel moves by ε, not by 1.",
            78.4: "that is 784 ε: each contribution is also multiplied with its weight.",
            -0.784: "by so much z can fall. The pixels may also move the other way.",
            0: "that would be so if all pixels moved the same way. Each may go where its own weight points.",
        },
    ),
    "16.2": derivation(
        gram,
        (5, 7),
        mistakes={
            "That is the share of the rows alone. f stands twice in f fᵀ, and the second share has ∂L/∂G "
            "transposed.": lambda g, f: (g @ f,),
            "That is the share of the columns alone. f stands twice in f fᵀ; the other share is ∂L/∂G f.": (
                lambda g, f: (g.T @ f,)
            ),
            "2 ∂L/∂G f is right where ∂L/∂G is symmetric. In general the two shares are ∂L/∂G f and its "
            "transpose times f.": lambda g, f: (2 * g @ f,),
        },
    ),
    "16.3": derivation(
        pendulum,
        *((5,), (5,)),
        mistakes={
            "sin x was taken at the angle before the step; yours takes its slope at the angle after it.": (
                pendulum_backward(old_angle=False)
            ),
            "x is used twice in a step: in the new x, and in the new v through sin x. The second share is "
            "missing.": pendulum_backward(gravity=0),
            "sin x is subtracted from v, so its share has a minus.": pendulum_backward(gravity=-1),
            "v is changed by h sin x, not by sin x: the slope has the factor h.": (
                pendulum_backward(gravity=1 / TIME)
            ),
            "A step changes v first, and then x with the new v. Going back, x comes first: its share is "
            "added to the gradient of v, and the sum is what goes through sin x.": pendulum_backward(
                reversed_order=False
            ),
            "The slope of sin x is cos x.": pendulum_backward(inner=False),
            "v too is used twice: in this step's x, and in the next step's v. What comes from there is "
            "missing.": pendulum_backward(handed_on=False),
        },
    ),
}
