"""Loss and correct answers of many examples, added up on the device, so that no GPU is waited for."""

from collections.abc import Callable

import torch
from torch import Tensor


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """−log p of the right class y is log Σₖ e^zₖ − z_y: (N, C) and (N,) → (N,)."""
    return logits.logsumexp(1) - logits.gather(1, labels[:, None]).squeeze(1)


def squared_errors(logits: Tensor, labels: Tensor) -> Tensor:
    """The squared distance to one-hot, averaged over the classes: (N, C) and (N,) → (N,)."""
    one_hot = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)[labels]
    return (logits - one_hot).square().mean(1)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropies,
    "mse": squared_errors,
}
QUANTUM = 2.0**-32
"""Losses are added up as multiples of this. Below 2²¹ their sum is exact in float64, so that it is the same
in any order, and however often a run is looked at or interrupted."""


class Tally:
    """The sums over the examples so far.

    Attributes:
        sums: loss and number right, (2,), in float64; in float32 on MPS, which has no float64.
    """

    def __init__(self, loss: str, device: torch.device) -> None:
        """Of the `loss` that is minimised."""
        self.losses = LOSSES[loss]
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(2, dtype=dtype, device=device)

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count some examples more: logits (n, C) and labels (n,)."""
        losses = self.losses(logits.to(self.sums.dtype), labels)
        loss = (losses / QUANTUM).round().sum() * QUANTUM
        self.sums += torch.stack([loss, (logits.max(1).indices == labels).sum()])
