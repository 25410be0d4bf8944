"""Draws one real digit forward through 784-128-10, and its gradients back: for the README.

    python scripts/readme_picture.py .github/one_step.png

The network has been trained for one epoch on the sample of MNIST (the `sample` extra); the digit is the test
image about which it is most undecided. Every number is computed by this package's operations.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from manual_backprop import functional as F
from manual_backprop.plots import COLOURS, new_figure
from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.data import Dataset, load
from manual_backprop.training.engines import build


def one_step() -> Figure:
    """The step in two rows, forward and backward."""
    data, _ = load("sample", Path(), torch.device("cpu"), torch.float32)
    W1, b1, W2, b2 = trained(data)
    i = undecided(data, W1, b1, W2, b2)[None]
    x, y = data.test_images[i], data.test_labels[i]

    z1 = F.linear(x, W1, b1)
    a1 = F.relu(z1)
    z2 = F.linear(a1, W2, b2)
    loss = F.cross_entropy(z2, y)
    grad_W1, delta1, grad_W2, delta2 = torch.autograd.grad(loss, [W1, z1, W2, z2])
    p = z2.softmax(1)

    drawn = new_figure(11.4, 5.6)
    axes = drawn.subplots(2, 4, gridspec_kw={"hspace": 0.12, "wspace": 0.08})
    (digit, before, after, belief), (weights1, error1, weights2, error2) = axes
    image(digit, x.reshape(28, 28), "x, the digit: (1, 784)", cmap="gray_r")
    image(before, z1.reshape(8, 16), "z¹ = x W¹ᵀ + b¹: (1, 128)")
    image(after, a1.reshape(8, 16), "a¹ = max(0, z¹): (1, 128)")
    bars(belief, p[0], int(y), f"p = softmax(z²), L = −log p{subscript(int(y))} = {loss.item():.2f}")
    unit = int(delta1.abs().argmax())
    image(weights1, grad_W1[unit].reshape(28, 28), f"∂L/∂W¹ = δ¹ᵀ x: row {unit} of (128, 784)")
    image(error1, delta1.reshape(8, 16), "δ¹ = δ² W² where z¹ > 0: (1, 128)")
    image(weights2, grad_W2, "∂L/∂W² = δ²ᵀ a¹: (10, 128)", aspect="auto")
    bars(error2, delta2[0], int(y), "δ² = p − one-hot: (1, 10)")
    drawn.supylabel("← backward                              forward →", fontsize=12)
    return drawn


def trained(data: Dataset) -> list[Tensor]:
    """The parameters after one epoch, as leaves that require a gradient."""
    config = TrainingConfig()
    engine = build(config, 784, 10, torch.device("cpu"))
    order = torch.randperm(len(data.train_images), generator=torch.Generator().manual_seed(0))
    for batch in torch.split(order, config.batch_size):
        engine.step(data.train_images[batch], data.train_labels[batch])
    return [p.clone().requires_grad_() for p in engine.state_dict()["model"].values()]


def undecided(data: Dataset, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor) -> Tensor:
    """Which test image has its right class believed with a probability closest to one half."""
    logits = F.linear(F.relu(F.linear(data.test_images, W1, b1)), W2, b2)
    of_true = logits.softmax(1).gather(1, data.test_labels[:, None])
    return (of_true - 0.5).abs().argmin()


def image(axes: Any, values: Tensor, title: str, cmap: str = "PuOr", aspect: str = "equal") -> None:
    numbers = values.detach().numpy()
    bound = float(abs(numbers).max())
    limits = {} if cmap == "gray_r" else {"vmin": -bound, "vmax": bound}
    axes.imshow(numbers, cmap=cmap, aspect=aspect, interpolation="nearest", **limits)
    axes.set_title(title, fontsize=9.5)
    axes.set_xticks([])
    axes.set_yticks([])


def bars(axes: Any, values: Tensor, right: int, title: str) -> None:
    colours = [COLOURS[1] if k == right else COLOURS[0] for k in range(10)]
    axes.bar(range(10), values.detach().tolist(), color=colours)
    axes.set_title(title, fontsize=9.5)
    axes.set_xticks(range(10))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def subscript(digit: int) -> str:
    return "₀₁₂₃₄₅₆₇₈₉"[digit]


if __name__ == "__main__":
    one_step().savefig(sys.argv[1])
