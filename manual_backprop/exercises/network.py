"""The exercises of “A neuron, a layer, a network”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned, tensors_in
from manual_backprop.exercises.judges import Judge, Judgement, number, same_numbers


def beliefs(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    """The network, from images to softmax."""
    return logits(x, w1, b1, w2, b2).softmax(1)


def logits(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    """The network without its softmax."""
    return (x @ w1.T + b1).clamp(min=0) @ w2.T + b2


def networks() -> list[tuple[Tensor, ...]]:
    """Images and parameters, of 5-7-3 and of a square network, where no shape betrays a transpose."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    sizes = [(4, 4, 4, 4), (6, 5, 7, 3)]
    return [(draw(n, d), draw(m, d), draw(m), draw(c, m), draw(c)) for n, d, m, c in sizes]


def folded(answer: Any) -> Judgement:
    """The answer makes W′ and b′ of a layer, and of the mean and the deviation of its inputs."""
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    b = torch.randn(4, generator=generator, dtype=torch.float64)
    mean, deviation = 33.0, 78.0
    given = returned(answer, w, b, mean, deviation)
    weight, bias = tensors_in(given, 2, "two tensors are asked for, W′ and b′")
    for name, part, expected in (("W′", weight, w), ("b′", bias, b)):
        if part.shape != expected.shape:
            return False, f"{name}: expected shape {tuple(expected.shape)}, got {tuple(part.shape)}."
    if not torch.allclose(weight, w / deviation):
        if torch.allclose(weight, w * deviation):
            return False, "W′ is multiplied by s. The pixel is divided by s: who else can do it?"
        if torch.allclose(weight, w):
            return False, "W′ is W: what has become of the division by s?"
        if torch.allclose(weight, (w - mean) / deviation):
            return False, "W itself was normalised, but it multiplies the pixels: put x into z and sort."
        return False, "W′ is wrong: what does one pixel, raised by 1, change in z?"
    shift = mean / deviation * w.sum(1)
    if torch.allclose(bias, b - shift):
        return True, "right."
    for why, wrong in (
        ("b′ is b: what do the −μ/s of all inputs add up to?", b),
        ("b′ has the wrong sign before μ", b + shift),
        ("−μ/s reaches z through the weights: where are they in b′?", b - mean / deviation),
        ("in b′, μ is not divided by s", b - mean * w.sum(1)),
        ("in b′, b is divided by s too, but b was never multiplied by x", (b - mean * w.sum(1)) / deviation),
        ("normalising b as if it were an input", (b - mean) / deviation),
    ):
        if torch.allclose(bias, wrong):
            return False, f"W′ is right. Not yet: {why}."
    return False, "W′ is right, b′ is not: what is z for an image of zeros?"


EXERCISES: dict[str, Judge] = {
    "2.1": number(
        lambda: 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10,
        {
            784 * 300 + 300 * 100 + 100 * 10: "those are the weights; where are the biases?",
            784 * 300 + 784 + 300 * 100 + 300 + 100 * 10 + 100: "a bias belongs to an output of a layer, not "
            "to an input: the first layer has 300.",
            784 * 300 + 300 + 100 * 10 + 10: "that leaves out the layer in the middle, from 300 to 100.",
            784
            + 300
            + 100
            + 10: "those are the neurons and the inputs; each pair of neighbours has a weight.",
        },
        relative=1e-9,
    ),
    "2.2": same_numbers(
        beliefs,
        networks,
        {
            "those are the logits; softmax is missing.": logits,
            "the columns sum to 1, not the rows: softmax goes over the classes, dimension 1.": lambda *of: (
                logits(*of).softmax(0)
            ),
            "without ReLU between the layers, the two are one.": lambda x, w1, b1, w2, b2: (
                (x @ w1.T + b1) @ w2.T + b2
            ).softmax(1),
            "ReLU stands between the layers only; here the logits went through it too.": lambda *of: (
                logits(*of).clamp(min=0).softmax(1)
            ),
            "the transposes are missing. Where N = D = M = C, no shape shows it.": lambda x, w1, b1, w2, b2: (
                (x @ w1 + b1).clamp(min=0) @ w2 + b2 if w1.shape[0] == w1.shape[1] == len(w2) else x
            ).softmax(1),
            "the first bias is missing.": lambda x, w1, b1, w2, b2: beliefs(x, w1, 0 * b1, w2, b2),
            "the biases are missing.": lambda x, w1, b1, w2, b2: beliefs(x, w1, 0 * b1, w2, 0 * b2),
        },
    ),
    "2.3": folded,
}
