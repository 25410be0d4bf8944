"""The exercises of “Training on MNIST”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation, number, same_numbers

LABELS = (2, 0, 1, 1, 0)


def tanh_network(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    """The sum of the cross-entropies of 5 examples."""
    a1 = torch.tanh(x @ W1.T + b1)
    log_p = (a1 @ W2.T + b2).log_softmax(1)
    return -log_p.gather(1, torch.tensor(LABELS)[:, None]).sum()


def tanh_network_backward(
    of_tanh: Callable[[Tensor, Tensor], Tensor] = lambda z, a: 1 - a.square(), averaged: bool = False
) -> Backward:
    """The backward of `tanh_network`, with the slope of tanh as somebody has it, a function of z and a.

    Args:
        of_tanh: the slope.
        averaged: take the loss for the mean over the examples.
    """

    def backward(
        grad_output: Tensor, x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor
    ) -> tuple[Tensor, ...]:
        z1 = x @ W1.T + b1
        a1 = torch.tanh(z1)
        t = torch.nn.functional.one_hot(torch.tensor(LABELS), 3)
        delta2 = grad_output * ((a1 @ W2.T + b2).softmax(1) - t) / (len(x) if averaged else 1)
        delta1 = delta2 @ W2 * of_tanh(z1, a1)
        return delta1 @ W1, delta1.T @ x, delta1.sum(0), delta2.T @ a1, delta2.sum(0)

    return backward


def decayed(W: Tensor, grad: Tensor, lr: float, decay: float) -> Tensor:
    """One step of gradient descent on L + ½ λ ‖W‖²."""
    return W - lr * (grad + decay * W)


def updates() -> list[tuple[Any, ...]]:
    """W, ∂L/∂W, η and λ."""
    generator = torch.Generator().manual_seed(0)
    draw = [torch.randn(3, 5, generator=generator, dtype=torch.float64) for _ in range(4)]
    return [(draw[0], draw[1], 0.3, 0.7), (draw[2], draw[3], 0.05, 0.2)]


EXERCISES: dict[str, Judge] = {
    "9.1": number(
        2,
        {
            1: "that would be so if L were the sum over the batch. It is the mean, and N is not the same.",
            0.5: "that is the other way round: where fewer share the mean, each one's share is larger.",
            1
            / 32: "that is its share of its own batch's gradient. Compare it with the share in a full batch.",
            4: "1/N enters once, in δ², and every other gradient is linear in δ². It does not enter again.",
        },
    ),
    "9.2": same_numbers(
        decayed,
        updates,
        {
            "the decay's sign. It is part of what is minimised, so it is subtracted too, and W shrinks.": (
                lambda W, grad, lr, decay: W - lr * (grad - decay * W)
            ),
            "the decay is part of the gradient, so η multiplies it as well.": (
                lambda W, grad, lr, decay: W - lr * grad - decay * W
            ),
            "a factor 2. The derivative of λ/2 · w² is λ w.": (
                lambda W, grad, lr, decay: W - lr * (grad + 2 * decay * W)
            ),
            "a factor ½. The derivative of w² brings a 2, which cancels the ½.": (
                lambda W, grad, lr, decay: W - lr * (grad + decay * W / 2)
            ),
            "what is added is not the penalty's value but its derivative by each weight.": (
                lambda W, grad, lr, decay: W - lr * (grad + decay / 2 * W.square().sum())
            ),
            "the weight decays from where it was before the step: both terms belong to the old W.": (
                lambda W, grad, lr, decay: (W - lr * grad) * (1 - lr * decay)
            ),
            "this is the whole gradient. The update subtracts η times it from W.": (
                lambda W, grad, lr, decay: grad + decay * W
            ),
            "the decay is missing: this is the update of L alone.": (
                lambda W, grad, lr, decay: W - lr * grad
            ),
        },
    ),
    "9.3": derivation(
        tanh_network,
        *((5, 2), (7, 2), (7,), (3, 7), (3,)),
        mistakes={
            "The slope of tanh is 1 − a² with a = tanh z, the output. Yours squares its input z.": (
                tanh_network_backward(lambda z, a: 1 - z.square())
            ),
            "[z > 0] is the slope of max(0, z). The activation here is tanh.": (
                tanh_network_backward(lambda z, a: (z > 0).double())
            ),
            "a (1 − a) is the slope of the sigmoid. The activation here is tanh.": (
                tanh_network_backward(lambda z, a: a * (1 - a))
            ),
            "Yours is the gradient of the mean over the examples. Here L is their sum.": (
                tanh_network_backward(averaged=True)
            ),
        },
    ),
}
