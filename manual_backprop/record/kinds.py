"""What kind of operation each one is: it decides on symbols, on names of parameters, and on the page's lines.

Operations that are not listed are "other".
"""

from typing import Literal

Kind = Literal["layer", "fused layer", "recurrent layer", "activation", "elementwise", "other"]

KINDS: dict[str, Kind] = {
    # makes a pre-activation z
    **dict.fromkeys(("linear", "conv2d"), "layer"),
    # a layer with its activation
    **dict.fromkeys(("linear_relu", "linear_sigmoid"), "fused layer"),
    **dict.fromkeys(("rnn_tanh", "rnn_relu", "lstm"), "recurrent layer"),
    # of each number by itself
    **dict.fromkeys(
        ("relu", "sigmoid", "tanh", "gelu", "silu", "elu", "leaky_relu", "softplus"), "activation"
    ),
    **dict.fromkeys(("hardtanh", "hardsigmoid", "hardswish"), "activation"),
    **dict.fromkeys(("add", "sub", "mul", "div", "neg", "exp", "log", "pow", "abs"), "elementwise"),
    **dict.fromkeys(("sqrt", "rsqrt", "copy", "dropout", "update", "overwrite"), "elementwise"),
}


def kind_of(operation: str) -> Kind:
    """The kind of an operation, by its name."""
    return KINDS.get(operation, "other")


def is_elementwise(operation: str) -> bool:
    """Whether each number of the output depends on the numbers at its own place only."""
    return kind_of(operation) in ("activation", "elementwise")
