"""What each operation computes, and what its backward multiplies with what, in the symbols of a step.

In the templates {out} is what comes out, {0}, {1}, … are the tensors that go in, and {g} is the upstream
gradient ∂L/∂out. The derivations stand in `manual_backprop.functional`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Formula:
    """The lines of an operation.

    Attributes:
        forward: what comes out.
        backward: ∂L/∂ of each tensor that goes in.
        slope: of an elementwise function of one tensor: its derivative, from what goes in and what comes out.
    """

    forward: str
    backward: tuple[str, ...]
    slope: Callable[[Tensor, Tensor], Tensor] | None = None


LINEAR = ("{g} {1}", "{g}ᵀ {0}", "Σₙ {g}")
FORMULAS: dict[str, Formula] = {
    "linear": Formula("{0} {1}ᵀ + {2}", LINEAR),
    "linear/2": Formula("{0} {1}ᵀ", LINEAR),
    "linear_relu": Formula(
        "max(0, {0} {1}ᵀ + {2})",
        tuple(f"δ = {{g}} where {{out}} > 0; {line}" for line in ("δ {1}", "δᵀ {0}", "Σₙ δ")),
    ),
    "linear_sigmoid": Formula(
        "σ({0} {1}ᵀ + {2})",
        tuple(f"δ = {{g}} ⊙ {{out}} ⊙ (1 − {{out}}); {line}" for line in ("δ {1}", "δᵀ {0}", "Σₙ δ")),
    ),
    "relu": Formula("max(0, {0})", ("{g} where {out} > 0, else 0",), lambda z, a: (a > 0).to(a.dtype)),
    "sigmoid": Formula("1 / (1 + exp(−{0}))", ("{g} ⊙ {out} ⊙ (1 − {out})",), lambda z, a: a * (1 - a)),
    "tanh": Formula("tanh {0}", ("{g} ⊙ (1 − {out}²)",), lambda z, a: (1 - a) * (1 + a)),
    "log_softmax": Formula("{0} − log Σ exp {0}", ("{g} − exp({out}) Σ {g}",)),
    "nll_loss": Formula("−{0} at column {1}, meaned", ("−{g}/N at column {1}, else 0",)),
    "cross_entropy": Formula("−log softmax({0}) at {1}, meaned", ("(softmax({0}) − onehot({1})) {g}/N",)),
    "mse_loss": Formula("mean of ({0} − {1})²", ("2 {g} ({0} − {1})/n", "−2 {g} ({0} − {1})/n")),
    "add": Formula("{0} + {1}", ("{g}", "{g}")),
    "sub": Formula("{0} − {1}", ("{g}", "−{g}")),
    "rsub": Formula("{1} − {0}", ("−{g}",)),
    "mul": Formula("{0} · {1}", ("{g} · {1}", "{g} · {0}")),
    "div": Formula("{0} / {1}", ("{g} / {1}", "−{g} {0} / {1}²")),
    "rdiv": Formula("{1} / {0}", ("−{g} {1} / {0}²",)),
    "neg": Formula("−{0}", ("−{g}",), lambda x, y: -torch.ones_like(y)),
    "pow": Formula("{0} to the {1}", ("{g} {1} {0} to the ({1} − 1)", "{g} {out} log {0}")),
    "exp": Formula("exp {0}", ("{g} {out}",), lambda x, y: y),
    "log": Formula("log {0}", ("{g} / {0}",), lambda x, y: 1 / x),
    "matmul": Formula("{0} {1}", ("{g} {1}ᵀ", "{0}ᵀ {g}")),
    "sum": Formula("Σ {0}", ("{g}, to each number of {0}",)),
    "mean": Formula("mean of {0}", ("{g}/n, to each number of {0}",)),
}

Twin = Callable[..., Tensor]


def _cross_entropy(z: Tensor, y: Tensor, w: Any, ignore: int, reduction: str, epsilon: float) -> Tensor:
    options: Any = {"ignore_index": ignore, "reduction": reduction, "label_smoothing": epsilon}
    return F.cross_entropy(z, y, w, **options)


def _linear_cross_entropy(
    x: Tensor, W: Tensor, b: Any, y: Tensor, w: Any, ignore: int, reduction: str, epsilon: float, *_: Any
) -> Tensor:
    return _cross_entropy(F.linear(x, W, b), y, w, ignore, reduction, epsilon)


TWINS: dict[str, tuple[str, Twin]] = {  # of this package's operations: their names, and PyTorch's own
    "Linear": ("linear", F.linear),
    "LinearReLU": ("linear_relu", lambda *inputs: F.relu(F.linear(*inputs))),
    "LinearSigmoid": ("linear_sigmoid", lambda *inputs: torch.sigmoid(F.linear(*inputs))),
    "ReLU": ("relu", F.relu),
    "ReLUInPlace": ("relu", F.relu),
    "Sigmoid": ("sigmoid", torch.sigmoid),
    "Tanh": ("tanh", torch.tanh),
    "LogSoftmax": ("log_softmax", lambda z, dim, dtype: torch.log_softmax(z, dim, dtype=dtype)),
    "NLLLoss": ("nll_loss", lambda x, y, w, i, r: F.nll_loss(x, y, w, ignore_index=i, reduction=r)),
    "CrossEntropy": ("cross_entropy", _cross_entropy),
    "CrossEntropyProbabilities": (
        "cross_entropy",
        lambda z, y, w, r, e: F.cross_entropy(z, y, w, reduction=r, label_smoothing=e),
    ),
    "LinearCrossEntropy": ("linear_cross_entropy", _linear_cross_entropy),
    "MSELoss": ("mse_loss", lambda x, t, w, r: F.mse_loss(x, t, reduction=r)),
}


def formula_of(operation: str, tensors: int) -> Formula:
    """The lines of an operation on so many tensors; its bare name where it has none here."""
    known = FORMULAS.get(f"{operation}/{tensors}") or FORMULAS.get(operation)
    return known or Formula(f"{operation}(…)", ())
