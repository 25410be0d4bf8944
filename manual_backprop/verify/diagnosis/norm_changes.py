"""A normalisation with its ε, its variance or its statistics taken otherwise."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.call_options import options_of
from manual_backprop.verify.diagnosis.forward_calls import (
    Arguments,
    Call,
    Keywords,
    Kind,
    OtherCall,
    Replacement,
    number,
)

NORMS = ("layer_norm", "batch_norm", "instance_norm", "group_norm", "rms_norm")
ROOTS = {"sqrt": 0.5, "rsqrt": -0.5}


def outside_the_root(call: Call, calls: Sequence[Call]) -> Iterator[OtherCall]:
    """√v + ε in place of √(v + ε)."""
    exponent = ROOTS.get(call.name, call.args[1] if call.name == "pow" and len(call.args) > 1 else None)
    if exponent not in (0.5, -0.5):
        return

    def root(function: Any, args: Arguments, kwargs: Keywords) -> Tensor:
        outside: Tensor = (args[0] - epsilon).sqrt() + epsilon
        return outside if exponent > 0 else 1 / outside

    for made in calls:
        if made.output is call.args[0] and made.name in ("add", "radd", "iadd"):
            for epsilon in [a for a in made.args if isinstance(a, int | float)]:
                words = f"the forward with {number(epsilon)} added outside the root in {call.where}"
                yield OtherCall(Kind.OPTION, words, root)


def of_norm(call: Call) -> Iterator[OtherCall]:
    """ε outside the root, the variance with n − 1, statistics that are constants."""
    if call.name not in NORMS:
        return

    def other(kind: Kind, words: str, norm: Replacement, name: str = "forward-option") -> OtherCall:
        return OtherCall(kind, f"the forward with {words} in {call.where}", norm, name)

    outside = _norm(call, lambda centred, v, e: centred / (v.sqrt() + e))
    yield other(Kind.OPTION, "ε outside the root", outside)
    if call.name == "rms_norm":
        constant = _norm(call, _inside, variance=True)
        yield other(Kind.CONSTANT, "the mean square taken as a constant", constant, "forgotten-path")
        return
    yield other(Kind.OPTION, "n − 1 in the variance", _norm(call, _inside, correction=1))
    for words, mean, variance in (
        ("the mean taken as a constant", True, False),
        ("the variance taken as a constant", False, True),
        ("the mean and the variance taken as constants", True, True),
    ):
        norm = _norm(call, _inside, mean=mean, variance=variance)
        yield other(Kind.CONSTANT, words, norm, "forgotten-path")


def _inside(centred: Tensor, v: Tensor, e: float) -> Tensor:
    return centred / (v + e).sqrt()


def _norm(
    call: Call,
    normalise: Callable[[Tensor, Tensor, float], Tensor],
    *,
    correction: int = 0,
    mean: bool = False,
    variance: bool = False,
) -> Replacement:
    """The norm written out; `mean` and `variance` tell which is a constant."""
    keys = {option.name: option.key for option in options_of(call)}

    def replacement(function: Any, args: Arguments, kwargs: Keywords) -> Tensor:
        def given(name: str) -> Any:
            key = keys.get(name)
            return args[key] if isinstance(key, int) else kwargs.get(name)

        x = args[0] if args else kwargs["input"]
        eps = given("eps")
        rows, over = _rows(call.name, x, given)
        centre = 0 * rows if call.name == "rms_norm" else rows.mean(over, keepdim=True)
        centred = rows - (centre.detach() if mean else centre)
        count = rows.numel() // centre.numel() if call.name != "rms_norm" else 0
        squares = (rows - centre).square().mean(over, keepdim=True)
        squares = squares * (count / (count - correction)) if correction else squares
        eps = torch.finfo(x.dtype).eps if eps is None else eps
        normal = normalise(centred, squares.detach() if variance else squares, eps).reshape(x.shape)
        weight, bias = given("weight"), given("bias")
        shape = [] if call.name in ("layer_norm", "rms_norm") else [-1, *[1] * (x.dim() - 2)]
        if weight is not None:
            normal = normal * (weight.view(shape) if shape else weight)
        return normal if bias is None else normal + (bias.view(shape) if shape else bias)

    return replacement


def _rows(name: str, x: Tensor, given: Callable[[str], Any]) -> tuple[Tensor, list[int]]:
    """The input, and the dimensions that are normalised over."""
    if name == "batch_norm":
        return x, [d for d in range(x.dim()) if d != 1]
    if name == "instance_norm":
        return x, list(range(2, x.dim()))
    if name == "group_norm":
        return x.reshape(len(x), given("num_groups"), -1), [2]
    return x, list(range(x.dim() - len(given("normalized_shape")), x.dim()))
