"""The exercises of “Training on MNIST”."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manual_backprop.exercises.judges import Backward, Judge, derivation, same_numbers
from manual_backprop.exercises.questions import Choice, Number, Question

LABELS = (2, 0, 1, 1, 0)


def tanh_network(x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    """The sum of the cross-entropies of 5 examples."""
    a1 = torch.tanh(x @ W1.T + b1)
    log_p = (a1 @ W2.T + b2).log_softmax(1)
    return -log_p.gather(1, torch.tensor(LABELS)[:, None]).sum()


def tanh_network_backward(
    of_tanh: Callable[[Tensor, Tensor], Tensor] = lambda z, a: 1 - a.square(),
    of_loss: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda g, p, t: g * (p - t),
) -> Backward:
    """The backward of `tanh_network`, with two steps of it as somebody has them.

    Args:
        of_tanh: the slope, a function of z and a.
        of_loss: δ², a function of the upstream gradient, the probabilities and the one-hot labels.
    """

    def backward(
        grad_output: Tensor, x: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor
    ) -> tuple[Tensor, ...]:
        z1 = x @ W1.T + b1
        a1 = torch.tanh(z1)
        t = torch.nn.functional.one_hot(torch.tensor(LABELS), 3)
        delta2 = of_loss(grad_output, (a1 @ W2.T + b2).softmax(1), t)
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


PREDICTIONS: dict[str, Question] = {
    "9a": Number(
        83,
        because="About five in six: 63 updates are enough to learn what most images of a class share.",
        mistakes={
            10: "That is guessing. Each of the 63 updates lowers the loss, and none of them is a guess.",
            50: "It gets further. Most digits of a class look alike, and such digits are learned at once.",
            100: "After one look at each image, classes that share their strokes are still confused.",
        },
        within=0.1,
    ),
    "9b": Number(
        93,
        because="About 93 of a hundred: nineteen more epochs repair somewhat more than half of the mistakes.",
        mistakes={
            83: "That is where the first epoch ends. It still gains from seeing the hard images again.",
            88: "It gains more than that: the hard images come up another nineteen times.",
            100: "The training images are all read right in the end. Some test images are like none of them.",
        },
        within=0.03,
    ),
    "9c": Choice(
        "a nine, to nearly all",
        {
            "mostly the right digit, as after a shuffled epoch": (
                "It has seen the same images as often. But each batch pulls all weights towards its class, "
                "at the cost of the classes that it does not contain."
            ),
            "a zero, to nearly all": (
                "What was learned first is not kept: some fifty batches without a zero have taught it since "
                "that the answer is never zero."
            ),
            "a nine, to nearly all": (
                "The last six updates saw nothing but nines, and each made every image look more like one."
            ),
            "each digit to about a tenth, by chance": (
                "It has learned something, last of all that the answer is nine, whatever the image is."
            ),
        },
    ),
    "9d": Choice(
        "it falls, then levels off far above the training loss",
        {
            "it falls with it, towards 0": (
                "It would if test images were like training images. But their strokes differ, and what is "
                "learned of a single training image does not carry over."
            ),
            "it falls, then levels off far above the training loss": (
                "What the images of a class share is learned early, and helps both. The rest is learned by "
                "heart and helps the training images alone."
            ),
            "it falls, then rises back to where it began": (
                "It creeps up a little at most. Learning by heart adds nothing for new images, and takes "
                "little away from what was learned before."
            ),
        },
    ),
    "9e": Number(
        72,
        because="About 72 of a hundred: ten images show much of a class, though not every way to write it.",
        mistakes={
            10: "That is guessing. Ten examples of a class are a great deal more than none.",
            50: "It does better. Even ten images have most strokes of their class in them.",
            90: "That takes about a thousand images. Ten do not show all the ways to write a digit.",
            100: "That is the share of the training images. New ones differ from the ten that it has seen.",
        },
        within=0.1,
    ),
    "9f": Choice(
        "nearly all of them",
        {
            "all 16 of them": (
                "The formulas are the same, but sums are added up in different orders, and each order rounds "
                "differently in the last digit."
            ),
            "nearly all of them": (
                "The formulas are the same, so only rounding differs, and 126 updates do not enlarge it much."
            ),
            "about half of them": (
                "There are systems in which a small difference doubles at each step. With steps as small as "
                "these it hardly grows, and 126 of them are few."
            ),
            "none: autograd computes something else": (
                "Autograd applies the chain rule to the same forward. There is only one gradient."
            ),
        },
    ),
}

EXERCISES: dict[str, Judge] = {
    "9.1": Number(
        2,
        mistakes={
            1: "that would be so if L were the sum over the batch. It is the mean, and N is not the same.",
            0.5: "that is the other way round: where fewer share the mean, each one's share is larger.",
            1
            / 32: "that is its share of its own batch's gradient. Compare it with the share in a full batch.",
            1 / 64: "that is the share of an image of a full batch. How many times that is the other's?",
            32: "that is the number of images in the last batch. Each of them has 1/32 of the mean.",
            64: "that is the number of images in a full batch. Each of them has 1/64 of the mean.",
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
            "the penalty's derivative by a weight is λ w. Here the weight stands squared.": (
                lambda W, grad, lr, decay: W - lr * (grad + decay * W.square())
            ),
            "what is added to the gradient is a multiple of W, not of the gradient itself.": (
                lambda W, grad, lr, decay: W - lr * (grad + decay * grad)
            ),
            "the weight decays from where it was before the step: both terms belong to the old W.": (
                lambda W, grad, lr, decay: (W - lr * grad) * (1 - lr * decay)
            ),
            "this is the whole gradient. The update subtracts η times it from W.": (
                lambda W, grad, lr, decay: grad + decay * W
            ),
            "this is the step. What is asked for is the new W, from which the step has been subtracted.": (
                lambda W, grad, lr, decay: lr * (grad + decay * W)
            ),
            "the direction. The gradient points uphill, so η times it is subtracted.": (
                lambda W, grad, lr, decay: W + lr * (grad + decay * W)
            ),
            "η is missing: it multiplies the whole gradient.": (
                lambda W, grad, lr, decay: W - grad - decay * W
            ),
            "the penalty is a sum over the weights, and only one of its terms depends on a weight: λ w alone "
            "is its derivative.": lambda W, grad, lr, decay: W - lr * (grad + decay * W.sum()),
            "the penalty has the square of the length in it, and its derivative by a weight is λ w.": (
                lambda W, grad, lr, decay: W - lr * (grad + decay * W.norm())
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
                tanh_network_backward(of_loss=lambda g, p, t: g * (p - t) / len(p))
            ),
            "`grad_output` is missing: it multiplies δ².": (
                tanh_network_backward(of_loss=lambda g, p, t: p - t)
            ),
            "The sign: δ² is p − t. The score of the right class has a negative gradient, and is raised.": (
                tanh_network_backward(of_loss=lambda g, p, t: g * (t - p))
            ),
            "The labels are missing: δ² is p − t, which is negative for the right class.": (
                tanh_network_backward(of_loss=lambda g, p, t: g * p)
            ),
            "The slope of tanh is missing between a¹ and z¹.": (
                tanh_network_backward(lambda z, a: torch.ones_like(a))
            ),
            "The slope of tanh is 1 − a², with a square. Yours is 1 − a.": (
                tanh_network_backward(lambda z, a: 1 - a)
            ),
        },
    ),
}
