"""What is compared: a training step of each engine, and each operation forward and backward."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from manual_backprop.benchmark.timing import Case
from manual_backprop.training.config import ENGINES, TrainingConfig
from manual_backprop.training.engines import build

SIZES = (784, 128, 10)


def steps(count: int, device: torch.device) -> dict[str, Case]:
    """One training step of 784-128-10 by each engine on the same batch, and its matrix products alone."""
    images = torch.randn(count, SIZES[0], device=device)
    labels = torch.randint(0, SIZES[-1], (count,), device=device)
    engines = {name: build(TrainingConfig(engine=name), SIZES[0], SIZES[-1], device) for name in ENGINES}
    cases: dict[str, Case] = {name: partial(engine.step, images, labels) for name, engine in engines.items()}
    return {"products alone": products(count, device), **cases}


def products(count: int, device: torch.device) -> Case:
    """The products that a step cannot do without: two forward, two for the weights, one back."""
    x, W, z = (torch.randn(shape, device=device) for shape in ((count, 784), (128, 784), (count, 128)))
    V, logits = torch.randn(10, 128, device=device), torch.randn(count, 10, device=device)
    grad_W, grad_V, delta = torch.empty_like(W), torch.empty_like(V), torch.empty_like(z)

    def run() -> None:
        torch.mm(x, W.T, out=z)
        torch.mm(z, V.T, out=logits)
        torch.mm(logits.T, z, out=grad_V)
        torch.mm(logits, V, out=delta)
        torch.mm(delta.T, x, out=grad_W)

    return run


@dataclass
class Compared:
    """An operation forward and backward, by hand and built in, and what it cannot do without."""

    shape: str
    by_hand: Case
    built_in: Case
    flops: float = 0.0
    bytes: float = 0.0


class _Given(torch.autograd.Function):
    """A tensor as another operation would hand it on: no leaf, so that it may be overwritten."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, tensor: Tensor) -> Tensor:
        return tensor.detach()

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        return grad_output.new_zeros(()), None


def operations(device: torch.device, large: bool) -> dict[str, Compared]:
    """The operations on float32; `large` for the sizes of a language model's last layer."""
    N, C, D = (4096, 32768, 256) if large else (1024, 8192, 256)

    def both(ours: Callable[..., Tensor], twin: Callable[..., Tensor], *inputs: Tensor) -> tuple[Case, Case]:
        token = torch.zeros((), device=device, requires_grad=True)
        upstream: list[Tensor] = []

        def case(f: Callable[..., Tensor]) -> Case:
            def run() -> None:
                given = [x if x.is_leaf and x.requires_grad else _Given.apply(token, x) for x in inputs]
                output = f(*given)
                if not upstream:
                    upstream.append(torch.randn_like(output))
                torch.autograd.backward(output, upstream[0])
                for x in inputs:
                    x.grad = None

            return run

        return case(ours), case(twin)

    def random(*shape: int, learns: bool = False) -> Tensor:
        return torch.randn(shape, device=device, requires_grad=learns)

    z, t, n = random(4096, 1024), random(4096, 1024), 4096 * 1024 * 4
    x, W, b = random(512, 1024), random(1024, 1024, learns=True), random(1024, learns=True)
    product = 6 * 512 * 1024 * 1024
    y = torch.randint(0, C, (N,), device=device)
    logits, scores = random(N, C), N * C * 4
    head = (random(N, D), (random(C, D) / D**0.5).requires_grad_())  # logits of size 1: no denormal numbers
    plane, layer, loss = "4096 × 1024", "512 × 1024 → 1024", f"{N} × {C}"

    def linear_then(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
        return lambda x, W, b: activation(T.linear(x, W, b))

    def on_classes(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda z: f(z, y)

    built_in_loss = on_classes(T.cross_entropy)
    return {
        "linear": Compared(layer, *both(F.linear, T.linear, x, W, b), flops=product),
        "linear_relu": Compared(layer, *both(F.linear_relu, linear_then(torch.relu), x, W, b), flops=product),
        "linear_sigmoid": Compared(
            layer, *both(F.linear_sigmoid, linear_then(torch.sigmoid), x, W, b), flops=product
        ),
        "relu": Compared(plane, *both(F.relu, T.relu, z), bytes=5 * n),
        "sigmoid": Compared(plane, *both(F.sigmoid, torch.sigmoid, z), bytes=5 * n),
        "tanh": Compared(plane, *both(F.tanh, torch.tanh, z), bytes=5 * n),
        "mse_loss": Compared(
            plane, *both(lambda z: F.mse_loss(z, t), lambda z: T.mse_loss(z, t), z), bytes=5 * n
        ),
        "log_softmax": Compared(
            loss,
            *both(partial(F.log_softmax, dim=1), partial(T.log_softmax, dim=1), logits),
            bytes=5 * scores,
        ),
        "cross_entropy": Compared(
            loss, *both(on_classes(F.cross_entropy), built_in_loss, logits), bytes=3 * scores
        ),
        "cross_entropy_": Compared(
            loss, *both(on_classes(F.cross_entropy_), built_in_loss, logits), bytes=2 * scores
        ),
        "linear_cross_entropy": Compared(
            f"{N} × {D} → {C}",
            *both(
                lambda x, W: F.linear_cross_entropy(x, W, y),
                lambda x, W: T.cross_entropy(T.linear(x, W), y),
                *head,
            ),
            flops=6 * N * D * C,
        ),
    }
