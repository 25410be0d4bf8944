"""The questions of “What it is used for”."""

from math import exp, log, pi

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation
from manual_backprop.exercises.questions import Choice, Number, Question

CHARACTERS = 29  # small letters, space, full stop and comma

ANGLE = 2 * pi * torch.arange(5)[:, None] * torch.arange(8).double() / 8
COSINE, SINE = ANGLE.cos(), ANGLE.sin()

T, W = torch.linspace(0.1, 2, 6).double(), torch.linspace(0.5, 2, 4).double()


def power(x: Tensor) -> Tensor:
    """How much of each frequency is in x, (N, 8)."""
    return (x @ COSINE.T) ** 2 + (x @ SINE.T) ** 2


def residual(v: Tensor, k: Tensor) -> Tensor:
    """ẍ + k x of x(t) = Σ v tanh(w t)."""
    return _curvature() @ v + k * (_tanh() @ v)


def residual_backward(*, w: int = 2, sign: int = 1, inner: bool = True, spring: bool = True) -> Backward:
    """The backward of `residual` with a mistake in it: one argument other than its default."""

    def backward(grad_output: Tensor, v: Tensor, k: Tensor) -> tuple[Tensor, ...]:
        curvature = sign * _curvature(w, inner)
        columns = curvature + k * _tanh() if spring else curvature
        return grad_output @ columns, grad_output @ (_tanh() @ v)

    return backward


def _tanh() -> Tensor:
    return (T[:, None] * W).tanh()


def _curvature(power_of_w: int = 2, inner: bool = True) -> Tensor:
    a = _tanh()
    return -2 * (a if inner else 1) * (1 - a**2) * W**power_of_w


PREDICTIONS: dict[str, Question] = {
    "15a": Choice(
        right="nearly as well as with clean targets",
        remarks={
            "not at all: it learns to put out noise, as its targets have it": "The noise in a target is "
            "independent of the input, so the input tells nothing of it: nothing could be learned about it.",
            "with about twice the error": "The loss itself is much larger, since no output can meet a noisy "
            "target. But the gradient is 2 (a − y), and the noise in y is zero on average.",
            "nearly as well as with clean targets": "The noise in a target adds to the gradient something "
            "that is zero on average. Many steps average it out.",
        },
    ),
    "15b": Choice(
        right="clearly fewer, but more than by guessing",
        remarks={
            "about as many as of the men's": "That would need formants that do not depend on the speaker. "
            "The network has seen peaks at men's frequencies only.",
            "clearly fewer, but more than by guessing": "The peaks have moved, some of them to where another "
            "vowel has them in a man's voice. Others are still nearest to their own.",
            "about one in six, as by guessing": "The peaks have moved by less than the distance to the other "
            "vowels in many cases: a child's vowel is still partly like a man's.",
        },
    ),
    "15c": Number(
        log(CHARACTERS),
        because="With equal logits each of the 29 characters has the probability 1/29; −ln(1/29) = 3.37.",
        mistakes={
            29: "there are 29 characters; the loss is the logarithm, −ln p.",
            4.86: "that is log₂ 29, in bits. A nat takes the natural logarithm.",
            1.46: "that is the decimal logarithm. A nat takes the natural one.",
            1 / 29: "that is the probability of the right character. The loss is −ln of it.",
            1: "a loss of 1 nat means a probability of e⁻¹ = 0.37 for the right character; it is smaller.",
            2.3: "that is ln 10, the loss of an untrained classifier of digits. Here there are 29 classes.",
            0: "that would be perfect: probability 1 for every right character.",
        },
        within=0.04,
    ),
    "15d": Number(
        3,
        because="First ẋ, then ẍ, which is the derivative of ẋ, then that of the loss with respect to the "
        "weights.",
        mistakes={
            1: "that is the loss, with respect to the weights. But the loss itself is made of derivatives.",
            2: "ẍ alone takes two. Then the loss, which contains it, is differentiated with respect to "
            "the weights.",
            4: "there are the two for ẍ, of which ẋ is the first, and one more of the loss.",
        },
        within=1e-6,
    ),
}

EXERCISES: dict[str, Judge] = {
    "15.1": Number(
        exp(1.5),
        mistakes={
            1.5: "that is the loss. Which n has ln n = 1.5?",
            2**1.5: "that would be so if the loss were in bits. In nats the base is e.",
            10**1.5: "the logarithm is the natural one: its base is e.",
            exp(-1.5): "that is the probability; among how many is it one?",
            log(1.5): "that is ln 1.5. Wanted is the n with ln n = 1.5.",
        },
        within=0.005,
    ),
    "15.2": derivation(
        power,
        (3, 8),
        mistakes={
            "Sines and cosines are interchanged on the way back: x enters C x with the slope C.": (
                lambda g, x: (2 * ((g * (x @ COSINE.T)) @ SINE + (g * (x @ SINE.T)) @ COSINE),)
            ),
            "Both squares have a plus, so both shares are added.": lambda g, x: (
                2 * ((g * (x @ COSINE.T)) @ COSINE - (g * (x @ SINE.T)) @ SINE),
            ),
            "The factor 2 from the square is missing.": lambda g, x: (
                (g * (x @ COSINE.T)) @ COSINE + (g * (x @ SINE.T)) @ SINE,
            ),
            "That is the share of the cosines alone. x is used in the sines too.": lambda g, x: (
                2 * (g * (x @ COSINE.T)) @ COSINE,
            ),
            "That is the share of the sines alone. x is used in the cosines too.": lambda g, x: (
                2 * (g * (x @ SINE.T)) @ SINE,
            ),
            "The slope of u² is 2u: the sums themselves, C x and S x, are missing as factors.": lambda g, x: (
                2 * (g @ COSINE + g @ SINE),
            ),
        },
    ),
    "15.3": derivation(
        residual,
        *((4,), ()),
        mistakes={
            "The second derivative of tanh(w t) by t has the factor w²: one w each time.": (
                residual_backward(w=1)
            ),
            "The factor w², from the chain rule, is missing.": residual_backward(w=0),
            "That is the slope of the residual if ẋ stood in it. ẍ is the second derivative: differentiate "
            "(1 − tanh²(w t)) w once more.": lambda g, v, k: (
                g @ ((1 - _tanh() ** 2) * W + k * _tanh()),
                g @ (_tanh() @ v),
            ),
            "The sign of tanh″ is wrong: for t > 0 the slope of tanh falls.": residual_backward(sign=-1),
            "tanh″ = −2 tanh · (1 − tanh²): a factor tanh is missing.": residual_backward(inner=False),
            "v is used twice, in ẍ and in k x. The second share is missing.": residual_backward(spring=False),
        },
    ),
}
