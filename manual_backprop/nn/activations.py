"""Activations."""

from torch import Tensor, nn

from manual_backprop import functional as F

__all__ = [
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


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


class LogSigmoid(nn.LogSigmoid):
    """Log σ(z): torch.nn.LogSigmoid with the hand-written gradient of `functional.logsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.logsigmoid(input)


class LogSoftmax(nn.LogSoftmax):
    """log pₖ = zₖ − log Σⱼ e^zⱼ: torch.nn.LogSoftmax with the gradient of `functional.log_softmax`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax(nn.Softmax):
    """pₖ = e^zₖ / Σⱼ e^zⱼ: torch.nn.Softmax with the hand-written gradient of `functional.softmax`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.softmax(input, self.dim, _stacklevel=5)


class LeakyReLU(nn.LeakyReLU):
    """z where z > 0, else s z: torch.nn.LeakyReLU with the gradient of `functional.leaky_relu`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class ELU(nn.ELU):
    """z where z > 0, else α (e^z − 1): torch.nn.ELU with the hand-written gradient of `functional.elu`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.elu(input, self.alpha, self.inplace)


class Softplus(nn.Softplus):
    """log(1 + e^{βz}) / β: torch.nn.Softplus with the hand-written gradient of `functional.softplus`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.softplus(input, self.beta, self.threshold)


class Softsign(nn.Softsign):
    """z / (1 + |z|): torch.nn.Softsign with the hand-written gradient of `functional.softsign`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.softsign(input)


class GELU(nn.GELU):
    """z P(z): torch.nn.GELU with the hand-written gradient of `functional.gelu`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*)."""
        return F.gelu(input, approximate=self.approximate)


class SiLU(nn.SiLU):
    """z σ(z): torch.nn.SiLU with the hand-written gradient of `functional.silu`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.silu(input, self.inplace)


class Hardtanh(nn.Hardtanh):
    """min(max(z, l), u): torch.nn.Hardtanh with the hand-written gradient of `functional.hardtanh`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(nn.ReLU6):
    """min(max(z, 0), 6): torch.nn.ReLU6 with the hand-written gradient of `functional.relu6`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.relu6(input, self.inplace)


class Hardsigmoid(nn.Hardsigmoid):
    """min(max(z + 3, 0), 6) / 6: torch.nn.Hardsigmoid with the gradient of `functional.hardsigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(nn.Hardswish):
    """z min(max(z + 3, 0), 6) / 6: torch.nn.Hardswish with the gradient of `functional.hardswish`."""

    def forward(self, input: Tensor) -> Tensor:
        """(*) → (*); with `inplace=True`, into the input itself."""
        return F.hardswish(input, self.inplace)
