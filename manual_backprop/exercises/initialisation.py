"""The exercises of “Initialisation”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, derivation, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question


def kinds_of_rows() -> float:
    """How many distinct rows W¹ has after 20 steps that start with equal rows and three kinds of columns."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, labels = draw(30, 5), torch.arange(30) % 4
    t = torch.nn.functional.one_hot(labels).double()
    W1, b1 = draw(1, 5).repeat(12, 1), torch.zeros(12, dtype=torch.float64)
    W2, b2 = draw(4, 3).repeat(1, 4), torch.zeros(4, dtype=torch.float64)
    for _ in range(20):
        a = torch.sigmoid(x @ W1.T + b1)
        delta2 = (torch.softmax(a @ W2.T + b2, 1) - t) / len(x)
        delta1 = (delta2 @ W2) * a * (1 - a)
        W1, b1 = W1 - 0.5 * delta1.T @ x, b1 - 0.5 * delta1.sum(0)
        W2, b2 = W2 - 0.5 * delta2.T @ a, b2 - 0.5 * delta2.sum(0)
    same = torch.cdist(W1, W1) < 1e-6
    return float(sum(not bool(same[j, :j].any()) for j in range(12)))


def leaky_variance(D: int, s: float) -> Tensor:
    """1 = D Var[w] (1 + s²)/2."""
    return torch.tensor(2 / (D * (1 + s**2)), dtype=torch.float64)


def twins(x: Tensor, w: Tensor, W: Tensor) -> Tensor:
    """One row shared by all hidden units, and the layer on top."""
    return torch.tanh(x @ w)[:, None].expand(-1, W.shape[1]) @ W.T


PREDICTIONS: dict[str, Question] = {
    "7a": Choice(
        right="those of W¹ and W²",
        remarks={
            "none": "W² = 0, so δ¹ = (δ² W²) ⊙ f′ is zero, and with it the gradient of W¹.",
            "that of W¹": "It is zero, as δ¹ has the factor W². But there is another: ∂L/∂W² = δ²ᵀ a¹, and "
            "a¹ is tanh 0.",
            "those of W¹ and W²": "δ¹ has the factor W² = 0, and ∂L/∂W² has the factor a¹ = tanh 0 = 0.",
            "all three": "∂L/∂b² is the sum of the rows of δ² = (p − t)/N. Each p is 0.1, and it is zero "
            "only if there are as many examples of each class.",
        },
    ),
    "7b": Choice(
        right="that of W¹",
        remarks={
            "none": "Nothing in the equations is zero, but a sum is: with equal weights, (δ² W²)ₙⱼ is 0.01 "
            "times the sum of δ²ₙ over the classes, and both p and t sum to one.",
            "that of W¹": "(δ² W²)ₙⱼ is 0.01 times the sum of δ²ₙ over the classes. As p and t both sum to "
            "one, that sum is zero.",
            "that of W²": "∂L/∂W² = δ²ᵀ a¹, and with the sigmoid all a¹ are above zero. Look at δ² W², where "
            "all weights are equal.",
            "both": "For W² there is no reason: δ²ᵀ a¹ is a sum over examples that are not alike. δ¹ is "
            "zero.",
        },
    ),
    "7c": Choice(
        right="the rows equal each other; within a row they differ",
        remarks={
            "all of them": "∂L/∂W¹ⱼᵢ is the sum of δ¹ₙⱼ xₙᵢ over the examples, and xₙᵢ differs from pixel to "
            "pixel.",
            "the rows equal each other; within a row they differ": "δ¹ₙⱼ is the same for every unit j, and "
            "the xₙᵢ it is multiplied with differ from pixel to pixel.",
            "the columns equal each other; within a column they differ": "It is the other way round: in "
            "∂L/∂W¹ⱼᵢ = Σₙ δ¹ₙⱼ xₙᵢ, the unit j is in δ¹, which is the same for all units, and the input i "
            "in x.",
            "none": "The hidden units had equal a¹ⱼ, so the columns of W² are still equal to each other "
            "after the step. So δ¹ₙⱼ is the same for all units j.",
        },
    ),
    "7d": Number(
        16,
        because="The columns of W² differ, so the δ¹ differ, and the rows of W¹ after one step.",
        mistakes={
            1: "Units with equal rows of W¹ are twins only if their columns of W² are equal too. Here each "
            "unit gets a δ¹ of its own.",
            10: "There are ten classes, but a unit's error comes through its own column of W², and there are "
            "sixteen different ones.",
            2: "That would need two kinds of columns. Here all sixteen are different.",
            8: "That would need pairs of equal columns. Here all sixteen are different.",
        },
    ),
    "7e": Number(
        512,
        because="A layer multiplies the variance by ½ D Var[w] = ½ · 400 · 0.01 = 2, and from z¹ to z¹⁰ "
        "there are nine such steps: 2⁹ = 512.",
        mistakes={
            1: "That would need ½ D Var[w] = 1. Here it is ½ · 400 · 0.01 = 2.",
            2: "One step has the factor 2, and from z¹ to z¹⁰ there are nine.",
            4: "D Var[w] = 4 is one step without the ½ of the ReLU, and from z¹ to z¹⁰ there are nine steps.",
            18: "The nine factors of 2 are multiplied, not added.",
            262144: "That is 4⁹: the ½ of the ReLU is missing.",
        },
        within=0.5,
    ),
    "7f": Choice(
        right="sigmoid",
        remarks={
            "sigmoid": "The mean of its f′² is 1/16 at the most, and weights large enough to make up for "
            "that would push z to where the slope is smaller still.",
            "tanh": "Its slope is close to 1 near z = 0, so a variance near 1/M does well.",
            "ReLU": "One half of the slopes is 1: with Var[w] = 2/M the factor is 1, and He's start has "
            "that.",
            "none: each activation has a start that does": "Look at the factor of a layer, M Var[w] E[f′²]: "
            "for one of them E[f′²] is at most 1/16.",
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "7.1": Number(
        kinds_of_rows,
        mistakes={
            1: "equal rows alone do not make twins; δ¹ comes back through the columns of W².",
            12: "four units share a column of W², a row of W¹ and a bias: they are twins, and stay so.",
            4: "that is how many units there are of each kind, not how many kinds.",
            9: "a kind counts as one distinct row, however many units have it.",
            2: "that is the start of this page with two kinds of columns; here they are three.",
            16: "here are twelve units, and only three kinds of columns.",
            0: "the rows that are equal count as one, so there is at least one.",
        },
    ),
    "7.2": same_numbers(
        leaky_variance,
        lambda: [(100, 0.5), (256, 0.1), (7, 1.0), (64, 0.0)],
        {
            "that is He's number, for s = 0. The negative half is not lost now: it adds its squares.": (
                lambda D, s: torch.tensor(2 / D)
            ),
            "that is the number without any activation; one half of the squares is scaled down.": (
                lambda D, s: torch.tensor(1 / D)
            ),
            "E[a²] has squares: what is multiplied with s has s² in its square.": (
                lambda D, s: torch.tensor(2 / (D * (1 + s)))
            ),
            "the halves are halves: E[a²] = ½ (1 + s²) Var[z], and the ½ is missing.": (
                lambda D, s: torch.tensor(1 / (D * (1 + s**2)))
            ),
            "that is the standard deviation; the variance, its square, is asked for.": (
                lambda D, s: torch.tensor((2 / (D * (1 + s**2))) ** 0.5)
            ),
            "the negative half adds its squares to the others: 1 + s², with a plus.": (
                lambda D, s: torch.tensor(2 / (D * (1 - s**2)))
            ),
            "the slopes are squared one by one and then added: 1 + s², not (1 + s)².": (
                lambda D, s: torch.tensor(2 / (D * (1 + s) ** 2))
            ),
            "that has the square of the mean slope. The mean of the squares is needed: ½ (1 + s²).": (
                lambda D, s: torch.tensor(4 / (D * (1 + s) ** 2))
            ),
            "1 + s² stands in Var[z], so it stands below in Var[w].": (
                lambda D, s: torch.tensor(2 * (1 + s**2) / D)
            ),
            "the right one is the inverse of that.": lambda D, s: torch.tensor(D * (1 + s**2) / 2),
            "D is missing: a sum over more inputs needs smaller weights.": (
                lambda D, s: torch.tensor(2 / (1 + s**2))
            ),
            "that is the standard deviation for a single input; it is to be squared and divided by D.": (
                lambda D, s: torch.tensor((2 / (1 + s**2)) ** 0.5)
            ),
            "the sum over D inputs makes Var[z] larger, so D stands below in Var[w].": (
                lambda D, s: torch.tensor(2 * D / (1 + s**2))
            ),
            "the positive half is passed on as it is, and adds 1: 1 + s².": (
                lambda D, s: torch.tensor(2 / (D * s**2))
            ),
        },
    ),
    "7.3": derivation(twins, (5, 3), (3,), (2, 7)),
}
