"""Losses."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = [
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]


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


class L1Loss(nn.L1Loss):
    """The distance of x from t: torch.nn.L1Loss with the hand-written gradient of `functional.l1_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(*) and (*) → the loss."""
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(nn.HuberLoss):
    """Squared up to δ, then straight: torch.nn.HuberLoss with the gradient of `functional.huber_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(*) and (*) → the loss."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(nn.SmoothL1Loss):
    """The same / β: torch.nn.SmoothL1Loss with the gradient of `functional.smooth_l1_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(*) and (*) → the loss."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class KLDivLoss(nn.KLDivLoss):
    """t (log t − x): torch.nn.KLDivLoss with the hand-written gradients of `functional.kl_div`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Log-probabilities (*) and probabilities (*), or their logarithms → the loss."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


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
