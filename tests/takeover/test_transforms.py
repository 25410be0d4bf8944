"""Inside the block: transforms of torch.func, whose backwards are never taken over a second time."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as T
from torch import Tensor, nn

from manual_backprop import use_manual_gradients
from manual_backprop.functional.operation.torch_state import tree_leaves
from tests.functional.samples import randn

MODELS: dict[str, Callable[[], Callable[[Tensor], Tensor]]] = {
    "layer norm": lambda: nn.LayerNorm(6),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "batch norm": lambda: nn.BatchNorm1d(6, track_running_stats=False),
    "rms norm": lambda: nn.RMSNorm(6),
    "softmax": lambda: nn.Softmax(-1),
    "linear and gelu": lambda: nn.Sequential(nn.Linear(6, 3), nn.GELU()),
    "silu": nn.SiLU,
    "attention": lambda: lambda x: T.scaled_dot_product_attention(x, x, x),
    "cross-entropy": lambda: lambda x: T.cross_entropy(x, torch.arange(len(x))),
    "einsum": lambda: lambda x: torch.einsum("nd,md->nm", x, x),
    "conv": lambda: lambda x: T.conv2d(x[None, None], torch.ones(2, 1, 2, 2, dtype=x.dtype)),
    "std": lambda: lambda x: x.std(-1),
    "mlp": lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)),
    "in place": lambda: nn.Sequential(nn.Linear(6, 5), nn.Flatten(0), nn.ReLU(inplace=True)),
}
TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "hessian": torch.func.hessian,
    "grad": torch.func.grad,
    "jacrev": torch.func.jacrev,
    "jacfwd": torch.func.jacfwd,
    "jacrev of jacrev": lambda f: torch.func.jacrev(torch.func.jacrev(f)),
    "grad for each example": lambda f: (
        lambda x: torch.func.vmap(torch.func.grad(f))(torch.stack((x, -x, 2 * x)))
    ),
    "jvp of grad": lambda f: lambda x: torch.func.jvp(torch.func.grad(f), (x,), (x.sin(),)),
    "vjp": lambda f: lambda x: torch.func.vjp(f, x)[1](torch.tensor(2.0).to(x)),
    "autograd.functional.hessian": lambda f: lambda x: torch.autograd.functional.hessian(f, x),
    "autograd.functional.hvp": lambda f: lambda x: torch.autograd.functional.hvp(f, x, x.sin())[1],
    "autograd.functional.jacobian": lambda f: (
        lambda x: torch.autograd.functional.jacobian(f, x, vectorize=True)
    ),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", MODELS)
def test_a_transform_inside_the_block_is_that_of_plain_torch(name: str, transform: str) -> None:
    torch.manual_seed(0)
    model: Any = MODELS[name]()
    if isinstance(model, nn.Module):
        model.double()

    def loss(x: Tensor) -> Tensor:
        return model(x).square().sum()  # type: ignore[no-any-return]

    x = randn(4, 4) if name == "group norm" else randn(4, 6)
    due = TRANSFORMS[transform](loss)(x)
    with use_manual_gradients():
        given = TRANSFORMS[transform](loss)(x)
    for a, b in zip(tree_leaves(given), tree_leaves(due), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_third_derivatives_are_those_of_the_arithmetic() -> None:
    """They are wrong in PyTorch's own layer norm, which keeps numbers that were computed on the way."""
    x = randn(4, 6).requires_grad_()

    def third(norm: Callable[[Tensor], Tensor]) -> Tensor:
        value = norm(x).pow(3).sum()
        for _ in range(2):
            (first,) = torch.autograd.grad(value, x, create_graph=True)
            value = first.square().sum()
        return torch.autograd.grad(value, x)[0]

    def arithmetic(x: Tensor) -> Tensor:
        deviation = x - x.mean(-1, keepdim=True)
        return deviation / (deviation.square().mean(-1, keepdim=True) + 1e-5).sqrt()

    due = third(arithmetic)
    with use_manual_gradients():
        given = third(nn.LayerNorm(6).double())
    torch.testing.assert_close(given, due)
