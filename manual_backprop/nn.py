"""Drop-in modules: torch.nn's own classes, with forward and backward from `manual_backprop.functional`.

A module here *is* its torch.nn parent: same constructor, same initialisation, same state dict, same printed
form. Only the function that `forward` calls is another one.
"""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["CrossEntropyLoss", "Linear", "LogSoftmax", "MSELoss", "NLLLoss", "ReLU", "Sigmoid", "Tanh"]


class Linear(nn.Linear):
    """z = x Wᵀ + b: torch.nn.Linear with the hand-written gradients of `functional.linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*, D) → (*, M)."""
        return F.linear(input, self.weight, self.bias)


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


class NLLLoss(nn.NLLLoss):
    """−log p of the right class: torch.nn.NLLLoss with the gradient of `functional.nll_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Log-probabilities (N, C, d1, …) and classes (N, d1, …) → the loss."""
        return F.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class MSELoss(nn.MSELoss):
    """(x − t)²: torch.nn.MSELoss with the hand-written gradient of `functional.mse_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(*) and (*) → the loss."""
        return F.mse_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """−Σ t log softmax(z): torch.nn.CrossEntropyLoss with the gradient of `functional.cross_entropy`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits (N, C, d1, …) and classes (N, d1, …), or class probabilities (N, C, d1, …) → the loss."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
