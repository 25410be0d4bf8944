"""The ways to make one training step: the same numbers from the same seed.

autograd     torch.nn and torch.nn.functional, `loss.backward()`: what is being explained
functions    this package's operations: autograd calls the hand-written backwards in order; by
             manual_backprop.nn for a multilayer perceptron, by use_manual_gradients for the other networks
explicit     no autograd: a loop over the layers in reverse, see explicit.py
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from manual_backprop.training.config import Failure, TrainingConfig
from manual_backprop.training.device import RandomNumbers
from manual_backprop.training.engines.explicit import ExplicitEngine
from manual_backprop.training.engines.graph import GraphEngine
from manual_backprop.training.processes import ALONE, Processes


class Engine(Protocol):
    """A network with its optimiser.

    Attributes:
        repeatable: whether a step draws no random numbers: its kernels can be repeated without Python.
    """

    repeatable: bool

    def step(self, images: Tensor, labels: Tensor, count: int | None = None) -> Tensor:
        """Make one update with (N, D) images and (N,) labels; return its logits (N, C), valid until the next.

        Args:
            images: this process's share of the batch.
            labels: of the same share.
            count: examples in the whole batch; N where this process is the only one.
        """

    def logits(self, images: Tensor) -> Tensor:
        """(N, D) → (N, C), without a gradient."""

    def gradient_norms(self) -> Tensor:
        """‖∂L/∂(W, b)‖ of each layer, in the last step: (layers,)."""

    def values(self, images: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
        """Make a step; its values by name: the layers' outputs, then the gradients, last layer first."""

    def state_dict(self) -> dict[str, Any]:
        """Parameters and the optimiser's state, to continue from."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned."""


def build(
    config: TrainingConfig, features: int, classes: int, device: torch.device, processes: Processes = ALONE
) -> Engine:
    """The engine that `config` names, its parameters drawn from `config.seed`, on `device`.

    The caller's random numbers stay as they are.

    Raises:
        Failure: a precision that the device does not support, or a network that is too large for it.
    """
    with RandomNumbers(config.seed, device):
        return draw(config, features, classes, device, processes)


def draw(
    config: TrainingConfig, features: int, classes: int, device: torch.device, processes: Processes = ALONE
) -> Engine:
    """As `build`, its parameters drawn from PyTorch's generators as they are."""
    if config.precision == "tf32" and device.type != "cuda":
        raise Failure(f"--precision tf32 needs a CUDA device, not {device.type}")
    sizes = [features, *config.hidden, classes]
    try:
        if config.engine == "explicit":
            return ExplicitEngine(config, sizes, device, processes)
        return GraphEngine(config, features, classes, device, processes)
    except (RuntimeError, TypeError, MemoryError) as error:  # TypeError: a size beyond 64 bits
        what = f"network of {' × '.join(map(str, sizes))}" if config.model == "mlp" else config.model
        raise Failure(f"a {what} cannot be built here: {str(error).splitlines()[0]}") from error
