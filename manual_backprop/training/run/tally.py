"""Loss and correct answers of many examples, added up on the device, so that no GPU is waited for."""

from collections.abc import Callable

import torch
from torch import Tensor

QUANTUM = 2.0**-32
"""Losses are added up as multiples of this. Below 2²¹ their sum is exact in float64, so that it is the same
in any order, and however often a run is looked at or interrupted."""


class Tally:
    """The sums over the examples so far.

    Attributes:
        sums: loss and number right, (2,), in float64; in float32 on MPS, which has no float64.
    """

    def __init__(self, losses: Callable[[Tensor, Tensor], Tensor], device: torch.device) -> None:
        """With `losses`, the loss of each example by its logits (n, C) and labels (n,)."""
        self.losses = losses
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(2, dtype=dtype, device=device)

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count some examples more: logits (n, C) and labels (n,)."""
        losses = self.losses(logits.to(self.sums.dtype), labels)
        loss = (losses / QUANTUM).round().sum() * QUANTUM
        self.sums += torch.stack([loss, (logits.argmax(1) == labels).sum()])
