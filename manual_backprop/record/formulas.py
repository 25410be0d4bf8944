"""What each operation computes, and what its backward multiplies with what, in the symbols of a step.

In the templates {out} is what comes out, {0}, {1}, … are the arguments, in the order of the operation's own
`forward`, {all} is every tensor among them, and {g} is the upstream gradient ∂L/∂out. What stands in ‹…› is
left out where its argument is None, or is the number 1 and says nothing. A backward has one line for each
argument; the last one stands for those after it. The derivations are in `manual_backprop.functional`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Formula:
    """The lines of an operation.

    Attributes:
        forward: what comes out.
        backward: ∂L/∂ of each argument.
        slope: of an elementwise function of one tensor: its derivative, from what goes in and what comes out.
    """

    forward: str
    backward: tuple[str, ...]
    slope: Callable[[Tensor, Tensor], Tensor] | None = None


def _with(delta: str, *lines: str) -> tuple[str, ...]:
    """The lines of an affine map whose δ has to be formed first."""
    return tuple(f"δ = {delta}; {line}" for line in lines)


def _normalised(x_hat: str, dims: str, *between: str) -> Formula:
    """x̂ scaled and shifted: of arguments x, w, b and others."""
    grad_x = f"(h − mean h − x̂ mean(h x̂))/s over {dims}, h = {{g}}‹ {{1}}›, x̂ = {x_hat}"
    return Formula(f"{x_hat}‹ {{1}}›‹ + {{2}}›, over {dims}", (grad_x, "Σ {g} x̂", "Σ {g}", *between))


ATTENTION = (
    "softmax(λ {0} {1}ᵀ) {2}",
    ("λ dS {1}", "λ dSᵀ {0}", "Pᵀ {g}", "dS, where P = softmax(S), dP = {g} {2}ᵀ, dS = P ⊙ (dP − Σ P ⊙ dP)"),
)
STEPS = "Σₜ δₜ"  # of a recurrent layer

FORMULAS: dict[str, Formula] = {
    # affine maps
    "linear": Formula("{0} {1}ᵀ‹ + {2}›", ("{g} {1}", "{g}ᵀ {0}", "Σₙ {g}")),
    "linear_relu": Formula(
        "max(0, {0} {1}ᵀ‹ + {2}›)", _with("{g} where {out} > 0", "δ {1}", "δᵀ {0}", "Σₙ δ")
    ),
    "linear_sigmoid": Formula(
        "σ({0} {1}ᵀ‹ + {2}›)", _with("{g} ⊙ {out} ⊙ (1 − {out})", "δ {1}", "δᵀ {0}", "Σₙ δ")
    ),
    "conv2d": Formula(
        "{1} ⋆ {0}‹ + {2}›", ("{1} ⋆ᵀ {g}, the transposed convolution", "{g} ⋆ {0}, at every offset", "Σ {g}")
    ),
    "addmm": Formula("‹{3} ›{0} + ‹{4} ›{1} {2}", ("‹{3} ›Σ {g}", "‹{4} ›{g} {2}ᵀ", "‹{4} ›{1}ᵀ {g}")),
    "matmul": Formula("{0} {1}", ("{g} {1}ᵀ", "{0}ᵀ {g}")),
    "matrix_vector": Formula("{0} {1}", ("{g} {1}ᵀ", "{0}ᵀ {g}")),
    "dot": Formula("Σ {0} ⊙ {1}", ("{g} {1}", "{g} {0}")),
    "embedding": Formula("{0}[{1}]", ("Σ of {g} over the places of each row", "")),
    # activations
    "relu": Formula("max(0, {0})", ("{g} where {out} > 0, else 0",), lambda z, a: (a > 0).to(a.dtype)),
    "sigmoid": Formula("1 / (1 + exp(−{0}))", ("{g} ⊙ {out} ⊙ (1 − {out})",), lambda z, a: a * (1 - a)),
    "tanh": Formula("tanh {0}", ("{g} ⊙ (1 − {out}²)",), lambda z, a: (1 - a) * (1 + a)),
    "gelu": Formula("{0} Φ({0})", ("{g} ⊙ (Φ({0}) + {0} φ({0}))",)),
    "silu": Formula("{0} σ({0})", ("{g} ⊙ σ({0}) ⊙ (1 + {0} (1 − σ({0})))",)),
    "elu": Formula(
        "{0} where {0} > 0, else ‹{1} ›(exp {0} − 1)", ("{g} where {0} > 0, else ‹{1} ›{g} exp {0}",)
    ),
    "leaky_relu": Formula("{0} where {0} > 0, else {1} {0}", ("{g} where {0} > 0, else {1} {g}",)),
    "softplus": Formula("log(1 + exp(‹{1} ›{0}))‹ / {1}›", ("{g} ⊙ σ(‹{1} ›{0})",)),
    "hardtanh": Formula("{0} between {1} and {2}", ("{g} where {1} < {0} < {2}, else 0",)),
    "hardsigmoid": Formula("({0} + 3)/6 between 0 and 1", ("{g}/6 where 0 < {out} < 1, else 0",)),
    "hardswish": Formula(
        "{0} · (({0} + 3)/6 between 0 and 1)",
        ("{g} ({0}/3 + ½) between −3 and 3, 0 to the left, {g} to the right",),
    ),
    "softmax": Formula("exp {0} / Σ exp {0}", ("{out} ⊙ ({g} − Σ {g} ⊙ {out})",)),
    "log_softmax": Formula("{0} − log Σ exp {0}", ("{g} − exp({out}) Σ {g}",)),
    # arithmetic, number by number
    "add": Formula("{0} + ‹{2} ›{1}", ("{g}", "‹{2} ›{g}")),
    "sub": Formula("{0} − ‹{2} ›{1}", ("{g}", "−‹{2} ›{g}")),
    "mul": Formula("{0} · {1}", ("{g} · {1}", "{g} · {0}")),
    "div": Formula("{0} / {1}", ("{g} / {1}", "−{g} {0} / {1}²")),
    "rounded_div": Formula("{0} / {1}, rounded", ("0",)),
    "neg": Formula("−{0}", ("−{g}",), lambda x, y: -torch.ones_like(y)),
    "abs": Formula("|{0}|", ("{g} ⊙ sign {0}",), lambda x, y: x.sign()),
    "pow": Formula("{0} to the {1}", ("{g} {1} {0} to the ({1} − 1)", "{g} {out} log {0}")),
    "exp": Formula("exp {0}", ("{g} {out}",), lambda x, y: y),
    "log": Formula("log {0}", ("{g} / {0}",), lambda x, y: 1 / x),
    "sqrt": Formula("√{0}", ("{g} / (2 {out})",), lambda x, y: 1 / (2 * y)),
    "rsqrt": Formula("1/√{0}", ("−{g} {out}³ / 2",), lambda x, y: -(y**3) / 2),
    "where": Formula("{0} where {2}, else {1}", ("{g} where {2}, else 0", "0 where {2}, else {g}")),
    "dropout": Formula("m ⊙ {0} / (1 − {2}), m = {1}", ("m ⊙ {g} / (1 − {2})",)),
    # over dimensions
    "sum": Formula("Σ {0}", ("{g}, to each number of {0}",)),
    "mean": Formula("mean of {0}", ("{g}/n, to each number of {0}",)),
    "var": Formula("Σ ({0} − μ)² / (n − {2})", ("2 {g} ({0} − μ) / (n − {2})",)),
    "std": Formula("√(Σ ({0} − μ)² / (n − {2}))", ("{g} ({0} − μ) / ((n − {2}) {out})",)),
    "batch_norm": _normalised("({0} − μ)/s", "each channel"),
    "layer_norm": _normalised("({0} − μ)/s", "each example"),
    "group_norm": _normalised("({0} − μ)/s", "each group"),
    "rms_norm": Formula(
        "{0}/s‹ {1}›, s² = mean of {0}²", ("(h − x̂ mean(h x̂))/s, h = {g}‹ {1}›, x̂ = {0}/s", "Σ {g} x̂")
    ),
    "max_pool2d": Formula("max of {0} in each window", ("Σ {g} over the windows whose maximum it is",)),
    "avg_pool2d": Formula("mean of {0} in each window", ("Σ {g}/n over the windows that it is in",)),
    "adaptive_avg_pool2d": Formula("mean of {0} in each window", ("Σ {g}/n over the windows that it is in",)),
    # shapes and copies: every number goes somewhere, and its gradient comes back from there
    "reshape": Formula("{0} as {1}", ("{g}, in the shape of {0}",)),
    "permute": Formula("{0} with dimensions {1}", ("{g}, its dimensions put back",)),
    "expand": Formula("{0} repeated to {1}", ("Σ {g} over the repetitions",)),
    "getitem": Formula("{0}[{1}]", ("{g} at [{1}], else 0",)),
    "split": Formula("{0} in parts of {1}", ("the gradients of the parts, one behind the other",)),
    "unbind": Formula("the slices of {0}", ("the gradients of the slices, side by side",)),
    "cat": Formula("{all}, one behind the other", ("its part of {g}",)),
    "stack": Formula("{all}, side by side", ("its slice of {g}",)),
    "copy": Formula("a copy of {0}", ("{g}",)),
    "to": Formula("{0} in another type", ("{g}, in the type of {0}",)),
    "overwrite": Formula("{1}, written over {0}", ("0", "{g}")),
    "update": Formula("{1}, written over {0}", ("0", "{g}")),
    # sequences
    "scaled_dot_product_attention": Formula(*ATTENTION),
    "attention_and_weights": Formula(*ATTENTION),
    "rnn_tanh": Formula(
        "tanh({0}ₜ {2}ᵀ + hₜ₋₁ {3}ᵀ‹ + {4} + {5}›)",
        _with("(gₜ + δₜ₊₁ {3}) ⊙ (1 − hₜ²)", "δₜ {2}", "δ₁ {3}", f"{STEPS}ᵀ {{0}}ₜ", f"{STEPS}ᵀ hₜ₋₁", STEPS),
    ),
    "rnn_relu": Formula(
        "max(0, {0}ₜ {2}ᵀ + hₜ₋₁ {3}ᵀ‹ + {4} + {5}›)",
        _with("gₜ + δₜ₊₁ {3} where hₜ > 0", "δₜ {2}", "δ₁ {3}", f"{STEPS}ᵀ {{0}}ₜ", f"{STEPS}ᵀ hₜ₋₁", STEPS),
    ),
    "lstm": Formula(
        "o tanh cₜ, cₜ = f cₜ₋₁ + i u, gates of {0}ₜ {3}ᵀ + hₜ₋₁ {4}ᵀ‹ + {5} + {6}›",
        ("δₜ {3}", "δ₁ {4}", "f ∂L/∂c₁", f"{STEPS}ᵀ {{0}}ₜ", f"{STEPS}ᵀ hₜ₋₁", STEPS, STEPS, f"{STEPS}ᵀ"),
    ),
    # losses
    "nll_loss": Formula("−{0} at column {1}, averaged", ("−{g}/N at column {1}, else 0",)),
    "cross_entropy": Formula("−log softmax({0}) at {1}, averaged", ("(softmax({0}) − onehot({1})) {g}/N",)),
    "cross_entropy_probabilities": Formula(
        "−{1} log softmax({0}), averaged", ("(softmax({0}) − {1}) {g}/N", "−log softmax({0}) {g}/N")
    ),
    "linear_cross_entropy": Formula(
        "−log softmax({0} {1}ᵀ‹ + {2}›) at {3}, averaged",
        _with("(softmax − onehot({3})) {g}/N", "δ {1}", "δᵀ {0}", "Σₙ δ"),
    ),
    "binary_cross_entropy_with_logits": Formula(
        "−{1} log σ({0}) − (1 − {1}) log(1 − σ({0})), averaged", ("(σ({0}) − {1}) {g}/n", "−{0} {g}/n")
    ),
    "mse_loss": Formula("mean of ({0} − {1})²", ("2 {g} ({0} − {1})/n", "−2 {g} ({0} − {1})/n")),
    "weighted_mse_loss": Formula(
        "mean of ({0} − {1})², n = Σ {2}",
        ("2 {g} {2} ({0} − {1})/n", "−2 {g} {2} ({0} − {1})/n", "{g} (({0} − {1})² − {out})/n"),
    ),
    "l1_loss": Formula("mean of |{0} − {1}|", ("{g} sign({0} − {1})/n", "−{g} sign({0} − {1})/n")),
    "weighted_l1_loss": Formula(
        "mean of |{0} − {1}|, n = Σ {2}",
        ("{g} {2} sign({0} − {1})/n", "−{g} {2} sign({0} − {1})/n", "{g} (|{0} − {1}| − {out})/n"),
    ),
    "huber_loss": Formula(
        "mean of ‹{2} ›c ({0} − {1} − c/2), c = {0} − {1} clipped at ±{4}",
        ("{g}‹ {2}› c/n", "−{g}‹ {2}› c/n", "{g} c ({0} − {1} − c/2)/n"),
    ),
    "smooth_l1_loss": Formula(
        "mean of c ({0} − {1} − c/2)/{4}, c = {0} − {1} clipped at ±{4}", ("{g} c/(n {4})", "−{g} c/(n {4})")
    ),
    "kl_div": Formula(
        "mean of p (log p − {0}), p = {1} or its exponential", ("−{g} p/n", "{g} ∂(p log p − p {0})/∂{1}/n")
    ),
}
REORDERED = {  # PyTorch's own functions of these names have their arguments in another order
    *("batch_norm", "layer_norm", "group_norm", "rms_norm", "dropout", "embedding", "where", "copy"),
    *("reshape", "permute", "expand", "addmm", "var", "std", "rnn_tanh", "rnn_relu", "lstm"),
}
NAMES = {name.replace("_", ""): name for name in FORMULAS}


def name_of(operation: Any) -> str:
    """What one of this package's operations is called here: "max_pool2d" for MaxPool2d."""
    name: str = operation.__name__.removesuffix("InPlace")
    return NAMES.get(name.lower(), name)


def formula_of(operation: str, by_hand: bool) -> Formula:
    """The lines of an operation; its bare name where it has none here."""
    known = FORMULAS.get(operation) if by_hand or operation not in REORDERED else None
    return known or Formula(f"{operation}({{all}})", ())
