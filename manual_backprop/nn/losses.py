"""Losses."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["BCEWithLogitsLoss", "CrossEntropyLoss", "MSELoss", "NLLLoss"]


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


class BCEWithLogitsLoss(nn.BCEWithLogitsLoss):
    """Cross-entropy of yes or no: torch.nn.BCEWithLogitsLoss with hand-written gradients."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits (*) and targets (*) from 0 to 1 → the loss."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
