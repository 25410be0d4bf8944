"""Update rules: gradient descent, momentum and Adam, in place and without autograd.

A network has one rule for all of its parameters, which lie in one tensor w (P,), see flat.py. With the weight
decay λ, the gradient is g = ∂L/∂w + λ w, that of L + ½ λ ‖w‖². And ∂L/∂w = (s/N) u, where u is the sum over
the examples that backpropagation ends with, δᵀ a for a weight and Σₙ δₙ for a bias, and s the factor of the
loss.

A rule is not given u, it says where to add it up: in `sums`, as sums ← β sums + (α/N) u. A matrix product can
do that as it is computed, and plain gradient descent names w itself. `finish` then does what is left.

Nothing is allocated in a step, which is why some lines use `alpha` or `value`: a plain number in an in-place
operation is converted to a tensor first. Nor is a number read: Adam's t is on the device.

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), algorithms 8.1 and 8.2; Kingma and Ba,
"Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. The forms are those of torch.optim.
"""

from math import log
from typing import Protocol

import torch
from torch import Tensor

from manual_backprop.training.config import TrainingConfig


class Update(Protocol):
    """An update rule.

    Attributes:
        sums: what u is added to, (P,).
        beta: what the sums before count: 0 for nothing.
        alpha: what u/N counts.
        state: what the rule remembers of each parameter, (P,) each.
        t: steps so far, (), if it counts them.
    """

    sums: Tensor
    beta: float
    alpha: float
    state: list[Tensor]
    t: Tensor | None

    def finish(self) -> None:
        """Change w, once the sums are complete."""


class Descent(Update):
    """w ← w − η g = (1 − η λ) w − (η s/N) u."""

    def __init__(self, w: Tensor, scale: float, lr: float, weight_decay: float) -> None:
        self.sums, self.beta, self.alpha = w, 1 - lr * weight_decay, -lr * scale
        self.state, self.t = [], None

    def finish(self) -> None:
        """The sums are w."""


class Momentum(Update):
    """v ← μ v + g and w ← w − η v."""

    def __init__(self, w: Tensor, scale: float, lr: float, weight_decay: float, momentum: float) -> None:
        self.w, self.lr, self.weight_decay = w, lr, weight_decay
        self.sums, self.beta, self.alpha = torch.zeros_like(w), momentum, scale
        self.state, self.t = [self.sums], None

    def finish(self) -> None:
        velocity = self.sums
        if self.weight_decay:
            velocity.add_(self.w, alpha=self.weight_decay)
        self.w.add_(velocity, alpha=-self.lr)


class Adam(Update):
    """The gradient over the root of its mean square, both from moving averages.

    m ← m + (1 − β₁)(g − m),  v ← v + (1 − β₂)(g² − v),  w ← w − η m̂ / (√v̂ + ε)

    The averages start at 0; m̂ = m/c₁ and v̂ = v/c₂ correct for that, with cᵢ = 1 − βᵢᵗ. While βᵢᵗ is close to
    1, the difference would lose most of its digits in float32. expm1 loses none: cᵢ = −(e^(t ln βᵢ) − 1).
    """

    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, w: Tensor, scale: float, lr: float, weight_decay: float) -> None:
        self.w, self.lr, self.weight_decay = w, lr, weight_decay
        self.sums, self.beta, self.alpha = torch.zeros_like(w), 0.0, scale
        self.m, self.v, self.root = (torch.zeros_like(w) for _ in range(3))
        self.logs = w.new_tensor([log(self.beta_1), log(self.beta_2)])
        self.c, self.ones = torch.zeros_like(self.logs), torch.ones_like(w[:1])
        self.t = torch.zeros((), dtype=torch.int64, device=w.device)
        self.one = torch.ones_like(self.t)
        self.state = [self.m, self.v]

    def finish(self) -> None:
        g, m, v = self.sums, self.m, self.v
        if self.weight_decay:
            g.add_(self.w, alpha=self.weight_decay)
        m.lerp_(g, 1 - self.beta_1)
        v.lerp_(torch.mul(g, g, out=self.root), 1 - self.beta_2)
        c1, c2 = self.c.copy_(self.t.add_(self.one)).mul_(self.logs).expm1_().neg_()
        root = torch.div(v, c2, out=self.root).sqrt_().add_(self.ones, alpha=self.epsilon)  # √v̂ + ε
        self.w.addcdiv_(m, root.mul_(c1), value=-self.lr)


def rule_for(w: Tensor, config: TrainingConfig, scale: float) -> Update:
    """The rule that `config` names, for the parameters w (P,); s is `scale`."""
    if config.optimizer == "adam":
        return Adam(w, scale, config.lr, config.weight_decay)
    if config.momentum:
        return Momentum(w, scale, config.lr, config.weight_decay, config.momentum)
    return Descent(w, scale, config.lr, config.weight_decay)
