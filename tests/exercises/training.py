"""Wrong answers to the exercises of “Training on MNIST”."""

from typing import Any

import torch
from torch import Tensor


def backward(
    grad_output: Tensor,
    x: Tensor,
    W1: Tensor,
    b1: Tensor,
    W2: Tensor,
    b2: Tensor,
    *,
    mean: bool = False,
    slope_of_z: bool = False,
    slope_of_relu: bool = False,
    upstream: bool = True,
    sign: int = 1,
    labels: bool = True,
) -> tuple[Tensor, ...]:
    """The right one of 9.3, unless told to make a mistake."""
    t = torch.nn.functional.one_hot(torch.tensor([2, 0, 1, 1, 0]), 3).double()
    z1 = x @ W1.T + b1
    a1 = torch.tanh(z1)
    delta2 = sign * ((a1 @ W2.T + b2).softmax(1) - (t if labels else 0))
    if upstream:
        delta2 = grad_output * delta2
    if mean:
        delta2 = delta2 / len(x)
    slope = z1 > 0 if slope_of_relu else 1 - (z1 if slope_of_z else a1) ** 2
    delta1 = delta2 @ W2 * slope
    return delta1 @ W1, delta1.T @ x, delta1.sum(0), delta2.T @ a1, delta2.sum(0)


def with_mistake(**mistake: Any) -> Any:
    """`backward` with one mistake."""

    def wrong(
        grad_output: Tensor, x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor
    ) -> tuple[Tensor, ...]:
        return backward(grad_output, x, W1, b1, W2, b2, **mistake)

    return wrong


def transposed(
    grad_output: Tensor, x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor
) -> tuple[Tensor, ...]:
    """Both weight gradients in the order that does not match."""
    of_x, of_W1, of_b1, of_W2, of_b2 = backward(grad_output, x, W1, b1, W2, b2)
    return of_x, of_W1.T, of_b1, of_W2.T, of_b2


def four(
    grad_output: Tensor, x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor
) -> tuple[Tensor, ...]:
    """As on the page, where images do not learn."""
    return backward(grad_output, x, W1, b1, W2, b2)[1:]


WRONG: list[tuple[str, Any, str]] = [
    ("9.1", 1, "if L were the sum"),
    ("9.1", 0.5, "the other way round"),
    ("9.1", 1 / 32, "share of its own batch"),
    ("9.1", 4, "does not enter again"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad - decay * W), "the decay's sign"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + decay * W**2), "stands squared"),
    ("9.2", lambda W, grad, lr, decay: W - lr * grad * (1 + decay), "not of the gradient itself"),
    ("9.2", lambda W, grad, lr, decay: W - lr * grad - decay * W, "η multiplies it as well"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + 2 * decay * W), "a factor 2"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + decay / 2 * W), "a factor ½"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + decay / 2 * (W**2).sum()), "not the penalty's value"),
    ("9.2", lambda W, grad, lr, decay: (W - lr * grad) * (1 - lr * decay), "belong to the old W"),
    ("9.2", lambda W, grad, lr, decay: grad + decay * W, "the whole gradient"),
    ("9.2", lambda W, grad, lr, decay: W - lr * grad, "the decay is missing"),
    ("9.2", lambda W, grad, lr, decay: W + lr * (grad + decay * W), "The gradient points uphill"),
    ("9.2", lambda W, grad, lr, decay: lr * (grad + decay * W), "this is the step"),
    ("9.2", lambda W, grad, lr, decay: W - grad - decay * W, "η is missing"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + decay * W.sum()), "λ w alone"),
    ("9.2", lambda W, grad, lr, decay: W - lr * (grad + decay * W.norm()), "square of the length"),
    ("9.3", with_mistake(mean=True), "Here L is their sum"),
    ("9.3", with_mistake(upstream=False), "`grad_output` is missing"),
    ("9.3", with_mistake(sign=-1), "The sign"),
    ("9.3", with_mistake(labels=False), "The labels are missing"),
    ("9.3", with_mistake(slope_of_z=True), "Yours squares its input z"),
    ("9.3", with_mistake(slope_of_relu=True), "the slope of max(0, z)"),
    ("9.3", transposed, "Yours is the transpose of the right one"),
    ("9.3", four, "returns 4 gradients for 5 inputs"),
]
