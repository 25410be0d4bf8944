"""Which calls of a forward are what: reads of values, random draws, factories, this package's own."""

from types import CodeType
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.code_names import HERE, OF_ARRAYS, TAKEOVER, TORCH
from manual_backprop.derive.program import Node, in_order
from manual_backprop.functional.attention.multi_head_attention_forward import multi_head_attention_forward

READS = {"bool", "item", "tolist", "int", "float", "index", "nonzero", "masked_select", "unique", "numpy",
         "complex", "contains"}  # fmt: skip
RANDOM = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like",
          "randn_like", "randint_like", "dropout", "normal_", "uniform_", "bernoulli_", "exponential_",
          "poisson", "rrelu", "alpha_dropout", "feature_dropout"}  # fmt: skip
FACTORIES = {"zeros", "ones", "full", "arange", "eye", "linspace", "zeros_like", "ones_like", "full_like",
             "tensor", "new_zeros", "new_ones", "new_full", "new_tensor", "as_tensor", "tril_indices",
             "triu_indices", "empty"}  # fmt: skip


COMPOSED = {multi_head_attention_forward.__code__}
"""The functions of this package that are made of others, and name what they make."""
NAMELESS = ("elementwise", "product", "reduction", "choice", "shape", "other")
"""Kinds of operations whose result has no name of its own in mathematics."""


RESULTS = {"softmax": "p", "log_softmax": "logp", "activation": "a", "normalisation": "y", "attention": "out"}
"""What the value of an operation is called, or of a kind, where the code has no name for it."""
BY_MASK = "indexing with a mask makes a size that depends on values"


def codes_in(code: CodeType) -> set[CodeType]:
    """The code of a function and of those inside it."""
    return {code, *(inner for c in code.co_consts if isinstance(c, CodeType) for inner in codes_in(c))}


def depends_on_inputs(node: Node) -> bool:
    """Whether it is made of what is given, rather than of numbers of the code's own."""
    return any(part.op == "input" for part in in_order([node]))


def is_mask(value: Any) -> bool:
    """Whether it is a tensor of truth values."""
    return isinstance(value, Tensor) and value.dtype == torch.bool


def is_from_package(frame: Any, apart: set[CodeType]) -> bool:
    """Whether it is one of this package's functions that calls, not code that takes one apart."""
    while frame.f_code.co_filename.startswith((TORCH, TAKEOVER, *OF_ARRAYS)):
        frame = frame.f_back
    return frame.f_code.co_filename.startswith(HERE) and frame.f_code not in apart
