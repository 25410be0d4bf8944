"""The predictions and exercises of “How a child learns, and how a network does”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question

PREDICTIONS: dict[str, Question] = {
    "17a": Number(
        35,
        because="Measured is about a third: another 3 is often closer to the one 3 that was shown than to "
        "the nine other images, and often enough it is not.",
        mistakes={
            10: (
                "That is guessing. But another 3 shares more strokes with the 3 that was shown than with "
                "most of the other nine images."
            ),
            20: (
                "A little better than guessing. It is more: another 3 shares most of its strokes with the "
                "one that was shown."
            ),
            90: "It reads its ten training images without a mistake. But a 7 may slant, or have a bar, and a "
            "single example says nothing of how its kind varies.",
        },
        within=0.3,
    ),
    "17b": Choice(
        right="nearly what backpropagation reaches",
        remarks={
            "10 %, as by guessing": (
                "One might think that wrong errors spoil everything. But the last layer still learns from "
                "the right δ², whatever its inputs are."
            ),
            "what the last layer alone reaches": (
                "That would be so if the errors that arrive were of no use to W¹. They turn out to be of "
                "use, after the first few updates: what arrives is fixed for each class, and the network "
                "can adapt to it."
            ),
            "nearly what backpropagation reaches": (
                "It does, although at the first update what is sent back has nothing to do with the gradient."
            ),
        },
    ),
    "17c": Choice(
        right="it falls to about 60°",
        remarks={
            "it stays near 90°": (
                "B does not move, and nobody tells W² about B. But W¹ is changed by what comes through B, "
                "and W² learns from what W¹ makes."
            ),
            "it falls to about 60°": (
                "W² turns towards B without being told to, and stops well before it is the same."
            ),
            "it falls to nearly 0°": (
                "For that W² would have to become B up to a factor. W² has to make right scores too, and "
                "its first random numbers stay part of it."
            ),
        },
    ),
    "17d": Choice(
        right="size",
        remarks={
            "noise": (
                "Three times as much noise as error looks hopeless. But it is drawn anew for every image "
                "and every step and cancels in the sum, while the errors add up."
            ),
            "sign": (
                "Much is lost with the sizes: it reads about as many as with no errors at all. But every "
                "unit is still told whether to say more or less, and nothing is made worse."
            ),
            "size": "Without a sign, no unit is told whether to say more or less. That is its purpose.",
        },
    ),
    "17e": Choice(
        right="fewer than 10 %",
        remarks={
            "more than 90 %": (
                "A child would. But the weights that zeros need are the same that fives change, and the "
                "loss of a batch of fives does not ask for zeros."
            ),
            "about half": (
                "It passes through half on its way, within the first few updates. Nothing stops it there: "
                "no batch contains an old digit."
            ),
            "fewer than 10 %": "No batch contains an old digit, and each teaches the answers 5 to 9 only.",
        },
    ),
}


def direct_delta1(delta3: Tensor, a1: Tensor, a2: Tensor, B1: Tensor, B2: Tensor) -> Tensor:
    """δ¹ of direct feedback alignment."""
    return delta3 @ B1 * (1 - a1.square())


def errors() -> list[tuple[Tensor, ...]]:
    """δ³, a¹, a², B¹ and B², in layers of one width, where every product fits."""
    generator = torch.Generator().manual_seed(0)
    delta3, a1, a2, B1, B2 = torch.randn(5, 4, 4, generator=generator, dtype=torch.float64)
    wide = [
        torch.randn(s, generator=generator, dtype=torch.float64) for s in ((5, 3), (5, 6), (5, 4), (3, 6))
    ]
    last = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    return [
        (delta3, a1.tanh(), a2.tanh(), B1, B2),
        (wide[0], wide[1].tanh(), wide[2].tanh(), wide[3], last),
    ]


def still_apart(apart: Tensor, lr: float, decay: float, steps: int) -> Tensor:
    """W − B after so many updates of Kolen and Pollack's rule."""
    return apart * (1 - lr * decay) ** steps


def pairs() -> list[tuple[Any, ...]]:
    """W − B, η, λ, and the number of updates."""
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(3, 5, generator=generator, dtype=torch.float64), 0.3, 0.7, 4),
        (torch.randn(2, 2, generator=generator, dtype=torch.float64), 0.1, 0.5, 30),
    ]


EXERCISES: dict[str, Judge] = {
    "17.1": Number(
        1280,
        because="Only δ¹ = δ² W² ⊙ f′(z¹) uses weights, those of W².",
        mistakes={
            101_770: "those are all parameters. Which of them does the backward use?",
            101_632: "W¹ would be needed for the gradient of the images, which do not learn.",
            100_352: "that is W¹. It would carry the error on to the images, which do not learn.",
            1290: "a bias has no part in the way back: a¹ reaches z² by W² alone.",
            128: "each hidden unit gets an error from all ten outputs, by a weight each.",
            0: "∂L/∂W² needs none, but δ¹ = δ² W² ⊙ f′(z¹) does.",
        },
    ),
    "17.2": same_numbers(
        direct_delta1,
        errors,
        {
            "that is δ², the error term of the second hidden layer. δ¹ has B¹ and a¹.": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B2 * (1 - a2.square())
            ),
            "the slope of the first hidden layer's own units is missing.": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B1
            ),
            "the slope is that of the first hidden layer: 1 − (a¹)².": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B1 * (1 - a2.square())
            ),
            "δ³ passes through no other layer on its way: no slope of a² here.": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B1 * (1 - a1.square()) * (1 - a2.square())
            ),
            "the way from δ³ to the first hidden layer is direct, by B¹ alone.": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B2 * (1 - a2.square()) @ B1 * (1 - a1.square())
            ),
            "a¹ is already the tanh of z¹: its slope is 1 − (a¹)².": (
                lambda delta3, a1, a2, B1, B2: delta3 @ B1 * (1 - a1.tanh().square())
            ),
            "B¹ has the shape (C, M₁), so that δ³ B¹ fits as it is. You transposed it.": (
                lambda delta3, a1, a2, B1, B2: (
                    delta3 @ B1.T * (1 - a1.square()) if B1.shape[0] == B1.shape[1] else torch.zeros(0)
                )
            ),
        },
    ),
    "17.3": same_numbers(
        still_apart,
        pairs,
        {
            "that is after one update. Each of them multiplies by the same factor.": (
                lambda apart, lr, decay, steps: apart * (1 - lr * decay)
            ),
            "each update takes its share of what is left, not of what there was at first.": (
                lambda apart, lr, decay, steps: apart * (1 - lr * decay * steps)
            ),
            "λ is missing: each update takes η λ of the difference.": (
                lambda apart, lr, decay, steps: apart * (1 - lr) ** steps
            ),
            "η multiplies the decay too.": lambda apart, lr, decay, steps: apart * (1 - decay) ** steps,
            "G is the same in both and cancels; the decay does not, and it shrinks W − B.": (
                lambda apart, lr, decay, steps: apart
            ),
            "both decay towards 0, and so does their difference, once and not twice in a step.": (
                lambda apart, lr, decay, steps: apart * (1 - 2 * lr * decay) ** steps
            ),
            "the sign of the decay: it is subtracted, and the difference shrinks.": (
                lambda apart, lr, decay, steps: apart * (1 + lr * decay) ** steps
            ),
        },
    ),
}
