"""Normalisations."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm"]


class LayerNorm(nn.LayerNorm):
    """w ⊙ (x − μ)/s + b: torch.nn.LayerNorm with the hand-written gradients of `functional.layer_norm`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*, D) → (*, D)."""
        return F.layer_norm(input, list(self.normalized_shape), self.weight, self.bias, self.eps)


class RMSNorm(nn.RMSNorm):
    """w ⊙ x/s: torch.nn.RMSNorm with the hand-written gradients of `functional.rms_norm`."""

    def forward(self, x: Tensor) -> Tensor:
        """(*, D) → (*, D)."""
        return F.rms_norm(x, list(self.normalized_shape), self.weight, self.eps)


class GroupNorm(nn.GroupNorm):
    """w ⊙ (x − μ)/s + b: torch.nn.GroupNorm with the hand-written gradients of `functional.group_norm`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, …) → (N, C, …)."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class BatchNorm1d(nn.BatchNorm1d):
    """w ⊙ (x − μ)/s + b: torch.nn.BatchNorm1d with the hand-written gradients of `functional.batch_norm`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C) or (N, C, L) → the same."""
        return _batch_norm(self, input)


class BatchNorm2d(nn.BatchNorm2d):
    """w ⊙ (x − μ)/s + b: torch.nn.BatchNorm2d with the hand-written gradients of `functional.batch_norm`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) → the same."""
        return _batch_norm(self, input)


def _batch_norm(module: nn.BatchNorm1d | nn.BatchNorm2d, input: Tensor) -> Tensor:
    """What both do: count the batch, normalise, and remember its statistics where they are tracked."""
    module._check_input_dim(input)
    momentum = 0.0 if module.momentum is None else module.momentum
    if module.training and module.track_running_stats and module.num_batches_tracked is not None:
        module.num_batches_tracked.add_(1)
        if module.momentum is None:  # the mean over all batches so far
            momentum = 1.0 / float(module.num_batches_tracked)
    mean, var = module.running_mean, module.running_var
    if module.training and not module.track_running_stats:
        mean = var = None
    from_batch = module.training or (mean is None and var is None)
    return F.batch_norm(input, mean, var, module.weight, module.bias, from_batch, momentum, module.eps)
