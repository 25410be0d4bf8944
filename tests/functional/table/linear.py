"""What `linear` is held to."""

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional.drawn import LAYERS, Drawn, calls
from tests.functional.samples import Mutant, Row, Sample, indices, randn, strided, transposed


def linear(grad_output: Tensor, x: Tensor, W: Tensor, b: Tensor | None = None) -> tuple[Tensor, ...]:
    delta = grad_output if W.dim() == 2 else grad_output.unsqueeze(-1)
    W2 = W if W.dim() == 2 else W.unsqueeze(0)
    grad_x = torch.einsum("...j,ji->...i", delta, W2)  # Σⱼ δₙⱼ Wⱼᵢ
    grad_W = torch.einsum("...j,...i->ji", delta, x).reshape(W.shape)  # Σₙ δₙⱼ xₙᵢ
    if b is None:
        return grad_x, grad_W
    grad_b = torch.zeros_like(b)
    used = torch.arange(b.numel()).reshape(b.shape).expand(delta.shape)  # which number of b went where
    for at in indices(delta):
        grad_b.view(-1)[used[at]] += delta[at]  # Σₙ δₙⱼ
    return grad_x, grad_W, grad_b


def weighted_sums(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """zₙⱼ = Σᵢ xₙᵢ Wⱼᵢ + bⱼ."""
    return torch.einsum("...i,ji->...j" if W.dim() == 2 else "...i,i->...", x, W) + (0 if b is None else b)


LINEAR = (
    Sample("x, W and b", (randn(5, 3), randn(7, 3), randn(7))),
    Sample("no bias", (randn(5, 3), randn(7, 3))),
    Sample("one example without a batch dimension", (randn(3), randn(7, 3), randn(7))),
    Sample("leading dimensions", (randn(2, 5, 3), randn(7, 3), randn(7))),
    Sample("leading dimensions, no bias", (randn(2, 11, 5, 3), randn(7, 3))),
    Sample("square: N = D = M", (randn(3, 3), randn(3, 3, seed="W"), randn(3))),
    Sample("reversed strides", (transposed(randn(2, 5, 3)), transposed(randn(7, 3)), strided(randn(7)))),
    Sample("expanded input", (randn(1, 3).expand(5, 3), randn(7, 3), randn(7)), smooth=False),
    Sample("no examples", (randn(0, 3), randn(7, 3), randn(7))),
    Sample("no features in", (randn(5, 0), randn(7, 0), randn(7))),
    Sample("no features out", (randn(5, 3), randn(0, 3), randn(0))),
    Sample("a weight (D,)", (randn(5, 3), randn(3))),
    Sample("two vectors", (randn(3), randn(3, seed="W"))),
    Sample("one bias for all", (randn(5, 3), randn(7, 3), randn())),
    Sample("a bias for each example", (randn(5, 3), randn(7, 3), randn(5, 1))),
)


GRAD_X = "delta @ _rows(weight).conj()"
GRAD_W = "_rows(delta).t() @ _rows(input).conj()"
GRAD_B = "_summed(grad_output, ctx.bias_shape)"

ROW = Row(
    name="linear",
    function=F.linear,
    twin=T.linear,
    derivation=linear,
    keeps=frozenset({"input 0", "input 1"}),
    samples=LINEAR,
    mutants=(
        Mutant("dropped minus in ∂L/∂x", GRAD_X, "-" + GRAD_X),
        Mutant(
            "W transposed",
            GRAD_X,
            GRAD_X.replace("_rows(weight)", "_rows(weight).T.reshape(_rows(weight).shape)"),
        ),
        Mutant("∂L/∂W transposed", GRAD_W, "(_rows(input).t() @ _rows(delta)).reshape(ctx.weight_shape)"),
        Mutant(
            "upstream ignored in ∂L/∂W",
            GRAD_W,
            GRAD_W.replace("_rows(delta)", "torch.ones_like(_rows(delta))"),
        ),
        Mutant("∂L/∂W averaged over the batch", GRAD_W, f"{GRAD_W} / max(len(delta), 1)"),
        Mutant("bias gradient not summed", GRAD_B, "grad_output"),
        Mutant(
            "bias gradient summed over dimension 0 only",
            GRAD_B,
            "(grad_output.sum(0) if grad_output.dim() else grad_output)",
        ),
        Mutant("bias gradient averaged", GRAD_B, f"{GRAD_B} / max(len(delta), 1)"),
        Mutant(
            "x detached: second derivative lost",
            GRAD_W,
            GRAD_W.replace("_rows(input)", "_rows(input.detach())"),
        ),
        Mutant(
            "gradient computed where none is needed",
            f"{GRAD_X} if needs_input else None",
            f"{GRAD_X} if weight is not None else grad_output",
        ),
        Mutant(
            "tangent without the bias",
            "terms.append(bias_tangent.expand(shape))",
            "terms.append(0 * bias_tangent.expand(shape))",
        ),
    ),
    mistakes=(
        (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 4)), r"\(5, 3\).*\(7, 4\)"),
        (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), torch.zeros(5)), r"\(7,\).*got \(5,\)"),
        (lambda f: f.linear(torch.zeros(3), torch.zeros(7, 3), torch.zeros(4, 7)), r"\(7,\).*got \(4, 7\)"),
        (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(2, 7, 3)), r"weight \(2, 7, 3\)"),
        (lambda f: f.linear(torch.zeros(()), torch.zeros(7, 3)), r"input \(\)"),
        (lambda f: f.linear(torch.zeros(5, 3).double(), torch.zeros(7, 3)), "input is torch.float64"),
        (
            lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), torch.zeros(7).double()),
            "bias is torch.float64",
        ),
        (lambda f: f.linear([1.0], torch.zeros(7, 3)), "input must be a Tensor, got list"),
        (lambda f: f.linear(torch.zeros(5, 3), torch.zeros(7, 3), 1.0), "bias must be a Tensor, got float"),
    ),
    drawn=Drawn(calls(LAYERS)),
)
