"""Wrong answers to the exercises of “The chain rule, layer by layer”."""

from typing import Any

from torch import Tensor

Gradients = tuple[Tensor, Tensor, Tensor]


def rows(grad_output: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Gradients:
    return grad_output.T @ a, grad_output.sum(0), grad_output @ W


def transposed(grad_output: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Gradients:
    return a @ grad_output.T, grad_output.sum(1), W.T @ grad_output


def averaged(grad_output: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Gradients:
    return grad_output @ a.T / a.shape[1], grad_output.mean(1), W.T @ grad_output


def over_units(grad_output: Tensor, W: Tensor, b: Tensor, a: Tensor) -> Gradients:
    return grad_output @ a.T, grad_output.sum(0), W.T @ grad_output


def residual(grad_output: Tensor, x: Tensor, W1: Tensor, W2: Tensor) -> Gradients:
    h = (x @ W1.T).sigmoid()
    delta = grad_output @ W2 * (h * (1 - h))
    return grad_output + delta @ W1, delta.T @ x, grad_output.T @ h


def block_alone(grad_output: Tensor, x: Tensor, W1: Tensor, W2: Tensor) -> Gradients:
    grad_x, *rest = residual(grad_output, x, W1, W2)
    return grad_x - grad_output, rest[0], rest[1]


def past_the_block_alone(grad_output: Tensor, x: Tensor, W1: Tensor, W2: Tensor) -> Gradients:
    return grad_output, *residual(grad_output, x, W1, W2)[1:]


def without_slope(grad_output: Tensor, x: Tensor, W1: Tensor, W2: Tensor) -> Gradients:
    h = (x @ W1.T).sigmoid()
    delta = grad_output @ W2
    return grad_output + delta @ W1, delta.T @ x, grad_output.T @ h


def pre_activation(grad_output: Tensor, x: Tensor, W1: Tensor, W2: Tensor) -> Gradients:
    grad_x, grad_first, _ = residual(grad_output, x, W1, W2)
    return grad_x, grad_first, grad_output.T @ (x @ W1.T)


WRONG: list[tuple[str, Any, str]] = [
    ("5.1", 27, "that is L itself"),
    ("5.1", 36, "that is δ¹"),
    ("5.1", 324, "received"),
    ("5.1", 12, "one of the two factors f′ is missing"),
    ("5.1", 2, "both factors f′ are missing"),
    ("5.1", 648, "taken at z, and not at a"),
    ("5.1", 18, "that is δ²"),
    ("5.1", 162, "that is ∂L/∂w²"),
    ("5.1", 9, "that is ∂L/∂w³"),
    ("5.1", -72, "all the factors are positive"),
    ("5.1", 24, "the factor w³ is missing"),
    ("5.1", 54, "that is δ¹ w¹"),
    ("5.1", 108, "and at the end x"),
    ("5.2", rows, "shapes cannot be multiplied"),
    ("5.2", transposed, "the transpose of the right one"),
    ("5.2", averaged, "Yours is the right one, × 0.2"),
    ("5.2", over_units, "summed over the units"),
    ("5.3", block_alone, "The term grad_output is forgotten"),
    ("5.3", past_the_block_alone, "@ W1 is forgotten"),
    ("5.3", without_slope, "torch.sigmoid((x @ W1.T)) of the forward, the local derivative is missing"),
    ("5.3", pre_activation, "the factor is taken before its activation"),
]
