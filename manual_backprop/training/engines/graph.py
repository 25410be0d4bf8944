"""The engines `autograd` and `functions`: autograd calls PyTorch's backwards, or this package's."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

import manual_backprop.functional
import manual_backprop.nn
from manual_backprop.functional.operation import fused
from manual_backprop.takeover import use_manual_gradients
from manual_backprop.training.config import TrainingConfig
from manual_backprop.training.engines.models import build_model
from manual_backprop.training.engines.precision import in_its_precision, tf32_of
from manual_backprop.training.processes import Processes


def cross_entropy(functional: Any, logits: Tensor, labels: Tensor, reduction: str = "mean") -> Tensor:
    """−log p of the right class, by the operation of `functional`: ()."""
    loss: Tensor = functional.cross_entropy(logits, labels, reduction=reduction)
    return loss


def mse(functional: Any, logits: Tensor, labels: Tensor, reduction: str = "mean") -> Tensor:
    """The squared distance to one-hot, by the operation of `functional`: ()."""
    one_hot = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)[labels]
    loss: Tensor = functional.mse_loss(logits, one_hot, reduction=reduction)
    return loss


LOSSES: dict[str, Callable[..., Tensor]] = {"cross_entropy": cross_entropy, "mse": mse}


class GraphEngine:
    """A torch.nn.Sequential that autograd differentiates, with PyTorch's backwards or this package's."""

    def __init__(
        self, config: TrainingConfig, features: int, classes: int, device: torch.device, processes: Processes
    ) -> None:
        by_hand = config.engine == "functions"
        self.tf32 = tf32_of(config, device)
        layers, functional = (
            (manual_backprop.nn, manual_backprop.functional) if by_hand else (torch.nn, torch.nn.functional)
        )
        self.model = build_model(config, features, classes, layers)
        self.model.to(device)  # drawn on the CPU, so that every device starts from the same numbers
        self.processes = processes
        self.network = processes.distribute(self.model)
        # Each process has the sum over its share, and DistributedDataParallel averages over the processes
        self.scale = processes.size / (classes if config.loss == "mse" else 1)
        self.taken_over = by_hand and config.model != "mlp"
        self.fused = config.fused
        self.shares: dict[int, Tensor] = {}  # what one example counts in the loss, by N
        self.in_bfloat16 = config.precision == "bfloat16"
        self.loss = partial(LOSSES[config.loss], functional)
        parameters, lr, weight_decay = self.model.parameters(), config.lr, config.weight_decay
        self.optimizer: torch.optim.Optimizer
        if config.optimizer == "adam":  # its count of steps is a tensor on the device, which no step reads
            on_device: dict[str, Any] = {"fused": True, "capturable": device.type == "cuda"}
            self.optimizer = torch.optim.Adam(parameters, lr, weight_decay=weight_decay, **on_device)
        else:
            self.optimizer = torch.optim.SGD(parameters, lr, config.momentum, weight_decay=weight_decay)
        dropout = (layer.p for layer in self.model.modules() if isinstance(layer, torch.nn.Dropout))
        self.repeatable = not any(dropout)

    @in_its_precision
    def step(self, images: Tensor, labels: Tensor, count: int | None = None) -> Tensor:
        count = len(images) if count is None else count
        if count not in self.shares:  # a full batch, and the rest at the end of an epoch
            self.shares[count] = torch.full((), self.scale / count, dtype=images.dtype, device=images.device)
        by_hand = use_manual_gradients(strict=True) if self.taken_over else nullcontext()
        with by_hand, fused() if self.fused else nullcontext():
            with torch.autocast(images.device.type, torch.bfloat16, enabled=self.in_bfloat16):
                logits: Tensor = self.network(images)
                scores = logits.float() if self.in_bfloat16 else logits
                loss: Any = self.loss(scores, labels, reduction="sum")
            self.optimizer.zero_grad()
            with self.processes.averaging():
                loss.backward(self.shares[count])  # the mean's 1/N: backward is linear in δ
        self.optimizer.step()
        return logits.detach()

    @in_its_precision
    def logits(self, images: Tensor) -> Tensor:
        self.model.eval()
        with torch.no_grad(), torch.autocast(images.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            logits: Tensor = self.model(images)
        self.model.train()
        return logits.to(images.dtype)

    def gradient_norms(self) -> Tensor:
        layers = ([p.grad.norm() for p in layer.parameters() if p.grad is not None] for layer in self.model)
        return torch.stack([torch.stack(norms).norm() for norms in layers if norms])

    def values(self, images: Tensor, labels: Tensor) -> list[tuple[str, Tensor]]:
        found: list[tuple[str, Tensor]] = []

        def note(name: str, layer: torch.nn.Module, inputs: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output  # a recurrent layer's, or attention's
            found.append((f"the output of layer {name} ({type(layer).__name__})", output.detach()))

        leaves = [(name, layer) for name, layer in self.model.named_modules() if not [*layer.children()]]
        hooks = [layer.register_forward_hook(partial(note, name)) for name, layer in leaves]
        self.step(images, labels)
        for hook in hooks:
            hook.remove()
        parameters = reversed([*self.model.named_parameters()])
        return found + [(f"the gradient of {name}", p.grad) for name, p in parameters if p.grad is not None]

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Into the same memory, to which a captured step refers."""
        self.model.load_state_dict(state["model"])
        own, given = self.optimizer.state_dict(), state["optimizer"]["state"]
        if not own["state"]:  # no step was made yet; lr and the like are the configuration's
            self.optimizer.load_state_dict({**own, "state": given})
        for parameter, kept in own["state"].items():
            for name, tensor in kept.items():  # before the first step all of it is 0
                tensor.copy_(given[parameter][name]) if given else tensor.zero_()
