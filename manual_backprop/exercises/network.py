"""The exercises of “A neuron, a layer, a network”."""

from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.answers import returned, tensors_in
from manual_backprop.exercises.judges import Judge, same_numbers
from manual_backprop.exercises.questions import Choice, Judgement, Number, Question


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


def _close(given: Tensor, other: Tensor) -> bool:
    return torch.allclose(given, other, rtol=1e-4, atol=1e-6)


def folded(answer: Any) -> Judgement:
    """The answer makes W′ and b′ of a layer, and of the mean and the deviation of its inputs."""
    generator = torch.Generator().manual_seed(0)
    w, b = torch.randn(4, 6, generator=generator), torch.randn(4, generator=generator)
    mean, deviation = 33.0, 78.0
    given = returned(answer, w, b, mean, deviation)
    w, b = w.double(), b.double()
    weight, bias = tensors_in(given, 2, "two tensors are asked for, W′ and b′")
    if bias.shape == (1, len(b)):  # added to each row of the products, it does the same
        bias = bias.flatten()
    for name, part, expected in (("W′", weight, w), ("b′", bias, b)):
        if part.shape != expected.shape:
            return False, f"{name}: expected shape {tuple(expected.shape)}, got {tuple(part.shape)}."
    if not _close(weight, w / deviation):
        if _close(weight, w * deviation):
            return False, "W′ is multiplied by s. The pixel is divided by s: who else can do it?"
        if _close(weight, w):
            return False, "W′ is W: what has become of the division by s?"
        if _close(weight, (w - mean) / deviation):
            return False, "W itself was normalised, but it multiplies the pixels: put x into z and sort."
        if _close(weight, w - mean / deviation) or _close(weight, w / deviation - mean):
            return False, "μ is taken from W. Put x = (pixel − μ)/s into z: what multiplies a pixel?"
        if _close(weight, w / deviation**2):
            return False, "W′ is divided by s twice, or by the variance s². The pixel is divided by s once."
        return False, "W′ is wrong: what does one pixel, raised by 1, change in z?"
    shift = mean / deviation * w.sum(1)
    if _close(bias, b - shift):
        return True, "right."
    for why, wrong in (
        ("b′ is b: what do the −μ/s of all inputs add up to?", b),
        ("b′ has the wrong sign before μ", b + shift),
        ("−μ/s reaches z through the weights: where are they in b′?", b - mean / deviation),
        ("in b′, μ is not divided by s", b - mean * w.sum(1)),
        ("in b′, b is divided by s too, but b was never multiplied by x", (b - mean * w.sum(1)) / deviation),
        ("in b′, μ is divided by s twice: is W′ in your sum where W should be?", b - shift / deviation),
        (
            "b′ adds up the weights of all neurons; each neuron has the sum of its own row",
            b - mean / deviation * w.sum(),
        ),
        ("b′ has the mean of each row of W where their sum belongs", b - mean / deviation * w.mean(1)),
        ("b is missing in b′", -shift),
        (
            "b was never multiplied by a pixel, so it is not divided by s; and the −μ/s of all inputs is "
            "missing",
            b / deviation,
        ),
        ("b was normalised as if it were an input", (b - mean) / deviation),
    ):
        if _close(bias, wrong):
            return False, f"W′ is right. Not yet: {why if why.endswith('?') else why + '.'}"
    return False, "W′ is right, b′ is not: what is z for an image of zeros?"


PREDICTIONS: dict[str, Question] = {
    "2a": Choice(
        right="a result of the right shape, with wrong numbers",
        remarks={
            "an error, as with (5, 3) times (2, 3)": "A product needs equal inner sizes. There they were 3 "
            "and 2, here they are 4 and 4.",
            "the same as x Wᵀ, as W is square": "W and Wᵀ have the same shape, but W is not Wᵀ: the entry "
            "for input 1 and neuron 2 is another one than that for input 2 and neuron 1.",
            "the transpose of x Wᵀ": "The transpose of x Wᵀ is W xᵀ. In x W, row n still belongs to example "
            "n.",
            "a result of the right shape, with wrong numbers": "The inner sizes fit, so a sum is computed: "
            "over the neurons of W, in place of its inputs.",
        },
    ),
    "2b": Choice(
        right="nearly 1 for a single digit, mostly a wrong one",
        remarks={
            "about a tenth for each digit, as before": "The weights are still random. But the inputs are up "
            "to 255 in place of 2.8, and all sums are larger accordingly; e to a large number dwarfs the "
            "others.",
            "nearly 1 for a single digit, mostly a wrong one": "Larger inputs make larger logits, which also "
            "differ by more; the exponential makes one share of it. Random weights do not know which.",
            "nearly 1 for the digit that it is": "One share is nearly 1. But the weights are random: nothing "
            "has told them which digit looks how.",
            "exactly a tenth for each digit": "That needs equal logits. With inputs a hundred times as large "
            "they differ by more, not by less.",
        },
    ),
    "2c": Choice(
        right="all the same sign, or 0",
        remarks={
            "both signs, about half of each": "A weight may have either sign. But its gradient is δⱼ xᵢ: the "
            "weight is not in it.",
            "all the same sign, or 0": "The gradients are δⱼ xᵢ: δⱼ is one number, and no xᵢ is negative. "
            "Where the paper is blank, xᵢ is 0.",
            "each has the sign of its weight": "The gradient δⱼ xᵢ does not depend on the weight itself.",
            "all are 0": "Only where xᵢ = 0, on blank paper. Where there is ink, δⱼ xᵢ is not 0.",
        },
    ),
    "2d": Number(
        10,
        because="W²W¹ is 10 × 784: it has ten rows, and random ones are independent.",
        mistakes={
            1000: "The product is 10 × 784, whatever lies between: there are no 1,000 rows.",
            784: "That is the number of columns. The rank counts rows, of which there are ten.",
            1: "It is one matrix, but its ten rows need not be multiples of one.",
            2: "There are two matrices in the product, but the rank counts rows that are independent.",
            128: "That is the width of the hidden layer above. The product has ten rows, whatever the width.",
        },
        within=0.001,
    ),
    "2e": Choice(
        right="almost as many, a few in a hundred fewer",
        remarks={
            "about one in ten, as by guessing": "It is one layer, but it does learn: for each digit a "
            "weighted sum, which may count ink in the middle against a 0.",
            "about half": "It can say less, but digits do not ask for much: a weighted sum of the pixels for "
            "each class tells most of them apart.",
            "almost as many, a few in a hundred fewer": "A weighted sum of the pixels for each class tells "
            "most digits apart. The rest is what the ReLU adds.",
            "more, as it has less to learn": "With few images a simpler model may do better. But the ReLU "
            "network can be close to a single layer where that is best, and bend where it is not.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "2.1": Number(
        lambda: 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10,
        mistakes={
            784 * 300 + 300 * 100 + 100 * 10: "those are the weights; where are the biases?",
            784 * 300 + 784 + 300 * 100 + 300 + 100 * 10 + 100: "a bias belongs to an output of a layer, not "
            "to an input: the first layer has 300.",
            784 * 300 + 300 + 100 * 10 + 10: "that leaves out the layer in the middle, from 300 to 100.",
            784 + 300 + 100 + 10: "those are the neurons and the inputs; each pair of neighbours has a "
            "weight.",
            784 * 300 + 300 * 100 + 100 * 10 + 784 + 300 + 100 + 10: "the inputs have no biases: only the "
            "outputs of a layer have.",
            784 * 300 + 300 * 100 + 100 * 10 + 300 + 100: "the last layer has biases too, 10 of them.",
            784 * 300 * 100 * 10: "the numbers of weights of the layers are added, not multiplied.",
            784 * 300 + 300: "that is the first layer. Two more follow.",
            300 + 100 + 10: "those are the biases; where are the weights?",
            101_770: "that is the network of this page, 784-128-10.",
        },
        within=1e-9,
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
            "softmax needs e to the logits; here they are divided by their own sum.": lambda *of: (
                logits(*of) / logits(*of).sum(1, keepdim=True)
            ),
            "those are the exponentials; divide each row by its sum.": lambda *of: logits(*of).exp(),
            "all entries together sum to 1. Each row is to.": lambda *of: (
                logits(*of).flatten().softmax(0).reshape(logits(*of).shape)
            ),
            "those are the logarithms of the beliefs.": lambda *of: logits(*of).log_softmax(1),
            "softmax was applied twice.": lambda *of: logits(*of).softmax(1).softmax(1),
            "that is the sigmoid of each logit; the rows do not sum to 1.": lambda *of: logits(*of).sigmoid(),
            "between the layers there is a sigmoid in place of the ReLU.": lambda x, w1, b1, w2, b2: (
                (x @ w1.T + b1).sigmoid() @ w2.T + b2
            ).softmax(1),
            "between the layers there is tanh in place of the ReLU.": lambda x, w1, b1, w2, b2: (
                (x @ w1.T + b1).tanh() @ w2.T + b2
            ).softmax(1),
            "ReLU was applied to the product, before the bias was added.": lambda x, w1, b1, w2, b2: (
                ((x @ w1.T).clamp(min=0) + b1) @ w2.T + b2
            ).softmax(1),
            "that is the transpose: each image is to have a row.": lambda *of: beliefs(*of).T,
            "the second transpose is missing. Where M = C, no shape shows it.": lambda x, w1, b1, w2, b2: (
                (x @ w1.T + b1).clamp(min=0) @ w2 + b2 if w2.shape[0] == w2.shape[1] else x
            ).softmax(1),
            "the first transpose is missing. Where D = M, no shape shows it.": lambda x, w1, b1, w2, b2: (
                (x @ w1 + b1).clamp(min=0) @ w2.T + b2 if w1.shape[0] == w1.shape[1] else x
            ).softmax(1),
            "the first bias is missing.": lambda x, w1, b1, w2, b2: beliefs(x, w1, 0 * b1, w2, b2),
            "the biases are missing.": lambda x, w1, b1, w2, b2: beliefs(x, w1, 0 * b1, w2, 0 * b2),
            "the second bias is missing.": lambda x, w1, b1, w2, b2: beliefs(x, w1, b1, w2, 0 * b2),
        },
    ),
    "2.3": folded,
}
