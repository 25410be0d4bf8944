"""Update rules: gradient descent, momentum and Adam, in place and without autograd.

Each rule is given the two factors of the gradient, ∂L/∂w = s δᵀ a / N (for a bias, s δᵀ 1 / N; s is the
factor of the loss), rather than their product, so that plain gradient descent can add the product to w as it
is computed. Where several processes have added up their products, it is given the sum in place of δᵀ, and no
a. With weight decay λ, g = ∂L/∂w + λ w is the gradient of L + ½ λ ‖w‖².

Nothing is allocated in a step, which is why some lines use `alpha` or `value`: a plain number in an in-place
operation is converted to a tensor first. (Products in bfloat16 do allocate.)

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), algorithms 8.1 and 8.2; Kingma and Ba,
"Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. The forms are those of torch.optim.
"""

from typing import Protocol

import torch
from torch import Tensor


class Update(Protocol):
    """The update rule of one parameter, with its state."""

    state: list[Tensor]

    def step(self, w: Tensor, delta_T: Tensor, a: Tensor | None, N: int) -> None:
        """Change w (M, D) by δᵀ (M, N) and a (N, D), or w (M,) by δᵀ and a = 1 (N,), or by a whole δᵀ a."""


class Descent(Update):
    """w ← w − η g = (1 − η λ) w − (η s/N) δᵀ a."""

    def __init__(self, scale: float, lr: float, weight_decay: float) -> None:
        self.kept, self.rate = 1 - lr * weight_decay, lr * scale
        self.state = []

    def step(self, w: Tensor, delta_T: Tensor, a: Tensor | None, N: int) -> None:
        add_product(w, delta_T, a, beta=self.kept, alpha=-self.rate / N)


class Momentum(Update):
    """v ← μ v + g and w ← w − η v."""

    def __init__(self, w: Tensor, scale: float, lr: float, weight_decay: float, momentum: float) -> None:
        self.scale, self.lr, self.weight_decay, self.momentum = scale, lr, weight_decay, momentum
        self.velocity = torch.zeros_like(w)
        self.state = [self.velocity]

    def step(self, w: Tensor, delta_T: Tensor, a: Tensor | None, N: int) -> None:
        add_product(self.velocity, delta_T, a, beta=self.momentum, alpha=self.scale / N)
        if self.weight_decay:
            self.velocity.add_(w, alpha=self.weight_decay)
        w.add_(self.velocity, alpha=-self.lr)


class Adam(Update):
    """The gradient over the root of its mean square, both from moving averages.

    m ← m + (1 − β₁)(g − m),  v ← v + (1 − β₂)(g² − v),  w ← w − η m̂ / (√v̂ + ε)

    The averages start at 0; m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) correct for that. With c = √(1 −
    β₂ᵗ), the quotient is m c / ((1 − β₁ᵗ)(√v + ε c)).
    """

    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, w: Tensor, scale: float, lr: float, weight_decay: float) -> None:
        self.scale, self.lr, self.weight_decay = scale, lr, weight_decay
        self.m, self.v, self.g, self.root = (torch.zeros_like(w) for _ in range(4))
        self.t, self.one = torch.zeros((), dtype=torch.int64), torch.ones((), dtype=torch.int64)
        self.ones = torch.ones_like(w[:1])
        self.state = [self.m, self.v, self.t]

    def step(self, w: Tensor, delta_T: Tensor, a: Tensor | None, N: int) -> None:
        t = int(self.t.add_(self.one))
        add_product(self.g, delta_T, a, beta=0, alpha=self.scale / N)
        if self.weight_decay:
            self.g.add_(w, alpha=self.weight_decay)
        self.m.lerp_(self.g, 1 - self.beta_1)
        self.v.lerp_(torch.mul(self.g, self.g, out=self.root), 1 - self.beta_2)
        c: float = (1 - self.beta_2**t) ** 0.5
        root = torch.sqrt(self.v, out=self.root).add_(self.ones, alpha=self.epsilon * c)
        w.addcdiv_(self.m, root, value=-self.lr * c / (1 - self.beta_1**t))


def add_product(out: Tensor, delta_T: Tensor, a: Tensor | None, beta: float, alpha: float) -> None:
    """β out + α δᵀ a, into `out`."""
    if a is None:
        out.mul_(beta).add_(delta_T, alpha=alpha)
    elif delta_T.dtype != out.dtype:  # products in bfloat16, sums in float32
        out.mul_(beta).add_(delta_T @ a, alpha=alpha)
    elif a.dim() == 1:
        out.addmv_(delta_T, a, beta=beta, alpha=alpha)
    else:
        out.addmm_(delta_T, a, beta=beta, alpha=alpha)
