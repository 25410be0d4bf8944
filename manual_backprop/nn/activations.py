"""Activations."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["LogSoftmax", "ReLU", "Sigmoid", "Tanh"]


class Sigmoid(nn.Sigmoid):
    """σ(z) = 1 / (1 + e⁻ᶻ): torch.nn.Sigmoid with the hand-written gradient of `functional.sigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.sigmoid(input)


class Tanh(nn.Tanh):
    """Tanh z: torch.nn.Tanh with the hand-written gradient of `functional.tanh`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.tanh(input)


class ReLU(nn.ReLU):
    """max(0, z): torch.nn.ReLU with the hand-written gradient of `functional.relu`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.relu(input, inplace=self.inplace)


class LogSoftmax(nn.LogSoftmax):
    """log pₖ = zₖ − log Σⱼ e^zⱼ: torch.nn.LogSoftmax with the gradient of `functional.log_softmax`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.log_softmax(input, self.dim, _stacklevel=5)
