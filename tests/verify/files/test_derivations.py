"""Which derivations a file has."""

from pathlib import Path

import pytest

from manual_backprop.derive.command_line.requests import names_in
from manual_backprop.verify.files.derivations import derivation_named, derivations_in

FILE = """
import torch
from torch import relu

def affine_forward(x, w): return x @ w
def affine_backward(dout, x, w): return dout @ w.T, x.T @ dout
def affine_backward_alt(dout, x, w): return dout @ w.T, x.T @ dout

relu_backward = lambda g, x: g * (x > 0)

def mse(p, y): return ((p - y) ** 2).mean()
def mse_prime(p, y): return 2 * (p - y) / p.numel()

def lost_backward(g, x): return g
def check_backward(f): return f
def numerical_gradient(f, x): return x
def _hidden_backward(g): return g

def softmax_loss(x, y):
    def inner(z):
        return z, x
    if y is None:
        return x
    loss, dx = x.sum(), x
    return loss, dx / len(x)

def two_layers(params, x):
    loss = x.sum()
    return loss, {"W1": x, "b1": x}

def compute_cost_of_all(w, x): return (w * x).sum()
def compute_gradient_of_all(w, x): return x

def unrolled(w, x):
    J = (w * x).sum()
    return J, torch.cat([w_grad.ravel() for w_grad in (x,)])

def propagate(w, x, y):
    grads, cost = {"dw": x}, x.sum()
    return grads, cost

def dropout_forward(x, p): return x * p, (x, p)

class Layer:
    def forward(self, x): raise NotImplementedError
    def backward(self, g): raise NotImplementedError

class Scale(Layer):
    def forward(self, x): return 2 * x
    def backward(self, g): return 2 * g

class Sized:
    def __init__(self, size): self.size = size
    def forward(self, x): return x * self.size
    def backward(self, g): return g * self.size

sized = Sized(3)

class Net:
    def __init__(self): self.params = {}
    def loss(self, x, y): return x

class Error:
    def loss(self, x, y): return x.sum()
    def gradient(self, x, y): return x

class Slope:
    def __call__(self, x): return x
    def gradient(self, x): return 1

class History:
    def loss(self): return 0

class Module(torch.nn.Module):
    def forward(self, x): return x

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x ** 3
    @staticmethod
    def backward(ctx, g): return g

class AffineFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w): return x @ w
    @staticmethod
    def backward(ctx, g): return g, g
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "layers.py").write_text(FILE)
    return tmp_path / "layers.py"


def test_each_is_found_with_its_forward_in_the_order_of_the_file(file: Path) -> None:
    found = names_in(file)
    derivations = {d.name: d for d in derivations_in(found)}
    assert [*derivations] == [
        "affine_backward", "affine_backward_alt", "relu_backward", "mse_prime", "lost_backward",
        "softmax_loss", "two_layers", "compute_gradient_of_all", "unrolled", "propagate",
        "Scale", "Sized", "Net", "Error", "Slope", "Cube", "AffineFunction",
    ]  # fmt: skip
    forwards = {name: d.forward for name, d in derivations.items() if d.backward is not None}
    assert forwards == {
        "affine_backward": found["affine_forward"],
        "affine_backward_alt": found["affine_forward"],
        "relu_backward": found["relu"],
        "mse_prime": found["mse"],
        "compute_gradient_of_all": found["compute_cost_of_all"],
        "lost_backward": None,
    }
    for loss in ("softmax_loss", "two_layers", "unrolled", "propagate"):
        assert derivations[loss].forward is found[loss]
        assert derivations[loss].backward is None
    for layer in ("Scale", "Net", "Error", "Slope"):
        assert derivations[layer].made is found[layer]
        assert derivations[layer].forward is None
    assert derivations["Sized"].forward is found["sized"]
    assert derivations["AffineFunction"].against is found["affine_forward"]
    assert "its own forward" in derivations["Cube"].remark


@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("affine_backward", "affine_backward"),
        ("affine_forward", "affine_backward"),
        ("relu_backward", "relu_backward"),
        ("mse", "mse_prime"),
        ("softmax_loss", "softmax_loss"),
        ("Scale", "Scale"),
        ("sized", "sized"),
        ("Cube", "Cube"),
        ("lost_backward", None),
        ("dropout_forward", None),
    ],
)
def test_one_is_named_by_itself_or_by_its_forward(name: str, due: str | None, file: Path) -> None:
    derivation = derivation_named(name, None, names_in(file))
    assert (derivation and derivation.name) == due


def test_a_forward_that_is_said_goes_before_the_one_of_the_name(file: Path) -> None:
    found = names_in(file)
    derivation = derivation_named("affine_backward", "mse", found)
    assert derivation
    assert derivation.forward is found["mse"]


def test_a_name_without_a_forward_of_its_own_goes_with_one_that_is_called_forward(tmp_path: Path) -> None:
    (tmp_path / "d.py").write_text("def forward(x): return x\ndef my_gradients(dout, x): return dout\n")
    found = names_in(tmp_path / "d.py")
    derivation = derivation_named("my_gradients", None, found)
    assert derivation
    assert derivation.forward is found["forward"]
