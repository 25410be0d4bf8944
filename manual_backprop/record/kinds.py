"""What kind of operation each one is: it decides on symbols, on names of parameters, and on the page's lines.

Operations that are not listed are "other".
"""

from typing import Literal

Kind = Literal["layer", "fused layer", "recurrent layer", "activation", "elementwise", "other"]

OPERATIONS: dict[Kind, tuple[str, ...]] = {
    "layer": ("linear", "conv2d"),  # its output is a pre-activation z
    "fused layer": ("linear_relu", "linear_sigmoid"),  # with its activation
    "recurrent layer": ("rnn_tanh", "rnn_relu", "lstm"),
    "activation": (
        *("relu", "sigmoid", "tanh", "gelu", "silu", "elu", "leaky_relu", "softplus"),
        *("hardtanh", "hardsigmoid", "hardswish"),
    ),
    "elementwise": (
        *("add", "sub", "mul", "div", "neg", "exp", "log", "pow", "abs", "sqrt", "rsqrt"),
        *("copy", "dropout", "update", "overwrite"),
    ),
}
KINDS: dict[str, Kind] = {name: kind for kind, names in OPERATIONS.items() for name in names}

# How the page writes a gradient out as products of recorded numbers; beside these, by the slope where
# `Formula.slope` is known.
Products = Literal["affine", "softmax minus one-hot", "slope"]
PRODUCTS: dict[str, Products] = {"linear": "affine", "cross_entropy": "softmax minus one-hot"}


def kind_of(operation: str) -> Kind:
    """The kind of an operation, by its name."""
    return KINDS.get(operation, "other")


def is_elementwise(operation: str) -> bool:
    """Whether each number of the output depends on the numbers at its own place only."""
    return kind_of(operation) in ("activation", "elementwise")
