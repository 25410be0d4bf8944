"""One real training step, all of it: forward, backward, the update, and what the update does to the loss."""

from dataclasses import dataclass

import torch
from torch import Tensor

from manual_backprop.record.call import Call, Value
from manual_backprop.record.remarks import remarks


@dataclass(frozen=True)
class Parameter:
    """A parameter and what the step does to it.

    Attributes:
        value: w before the step, with ∂L/∂w.
        lr: η.
        ulps: the distance of the manual gradient from autograd's, in ulps of the largest entry; None where
            the operations that use it are PyTorch's own.
    """

    value: Value
    lr: float
    ulps: float | None

    @property
    def gradient(self) -> Tensor:
        """∂L/∂w; zeros where nothing comes back."""
        w, g = self.value.tensor, self.value.gradient
        return torch.zeros_like(w) if g is None else g

    @property
    def update(self) -> Tensor:
        """−η ∂L/∂w."""
        return -self.lr * self.gradient

    @property
    def after(self) -> Tensor:
        """The parameter after the step, w − η ∂L/∂w."""
        return self.value.tensor + self.update


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        calls: the operations, in the order of the forward pass.
        values: every tensor, in the order of its first appearance.
        parameters: what is learned.
        loss: the loss L.
        lr: η.
        lrs: learning rates that were tried.
        losses: L of the same examples after a step with each of `lrs`.
        early: what each input or parameter would get if every operation passed its gradient on as soon as
            one had reached it; empty where that makes no difference, or was not tried.
    """

    calls: list[Call]
    values: list[Value]
    parameters: list[Parameter]
    loss: float
    lr: float
    lrs: list[float]
    losses: list[float]
    early: dict[str, Tensor]

    @property
    def loss_after(self) -> float:
        """L of the same examples after the step."""
        return self.losses[self.lrs.index(self.lr)]

    @property
    def remarks(self) -> list[str]:
        """Dead and saturated units, vanishing and exploding gradients, NaN and infinite numbers."""
        return remarks(self.calls)

    def value(self, symbol: str) -> Value:
        """The tensor with this symbol, "W¹", or this name, "0.weight".

        Raises:
            KeyError: there is no such tensor; the message lists all.
        """
        for value in self.values:
            if symbol in (value.symbol, value.name):
                return value
        known = ", ".join(value.symbol or value.name for value in self.values)
        raise KeyError(f"no tensor {symbol!r} in this step; there are {known}")
