"""Layers with weights of their own."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = ["Dropout", "Embedding", "Flatten", "Linear", "Unflatten"]


class Linear(nn.Linear):
    """z = x Wᵀ + b: torch.nn.Linear with the hand-written gradients of `functional.linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*, D) → (*, M)."""
        return F.linear(input, self.weight, self.bias)


class Embedding(nn.Embedding):
    """y = W[i]: torch.nn.Embedding with the hand-written gradient of `functional.embedding`."""

    def forward(self, input: Tensor) -> Tensor:
        """Indices (*) → (*, D)."""
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )


class Dropout(nn.Dropout):
    """y = m ⊙ x / (1 − p): torch.nn.Dropout with the hand-written gradient of `functional.dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); in evaluation, and with p = 0, the input itself."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Flatten(nn.Flatten):
    """Dimensions made one: torch.nn.Flatten with the hand-written gradient of `functional.flatten`."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, *) → (N, D), for the default dimensions."""
        return F.flatten(input, self.start_dim, self.end_dim)


class Unflatten(nn.Unflatten):
    """One dimension made several: torch.nn.Unflatten with the gradient of `functional.unflatten`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*, D, *) → (*, D1, D2, …, *)."""
        return F.unflatten(input, self.dim, self.unflattened_size)
