"""The exercises of “Initialisation”."""

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Judge, derivation, number, same_numbers


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


EXERCISES: dict[str, Judge] = {
    "7.1": number(
        kinds_of_rows,
        {
            1: "equal rows alone do not make twins; δ¹ comes back through the columns of W².",
            12: "four units share a column of W², a row of W¹ and a bias: they are twins, and stay so.",
            4: "that is how many units there are of each kind, not how many kinds.",
            9: "a kind counts as one distinct row, however many units have it.",
            0: "the rows that are equal count as one, so there is at least one.",
        },
    ),
    "7.2": same_numbers(
        leaky_variance,
        lambda: [(256, 0.1), (100, 0.5), (7, 1.0), (64, 0.0)],
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
        },
    ),
    "7.3": derivation(twins, (5, 3), (3,), (2, 7)),
}
