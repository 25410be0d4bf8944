"""Another function of the same kind in place of one that the forward calls, or none, or one of its cases."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.verify.diagnosis.forward_calls import Arguments, Call, Keywords, Kind, OtherCall

SAME_KIND = (
    ("softmax", "log_softmax"),
    ("softmax", "sigmoid"),
    ("mean", "sum"),
    ("prod", "sum"),
    ("var", "std"),
    ("amax", "amin"),
    ("amax", "sum"),
    ("amax", "logsumexp"),
    ("max", "min"),
    ("max", "sum"),
    ("maximum", "minimum"),
    ("maximum", "add"),
    ("minimum", "add"),
    ("max_pool1d", "avg_pool1d"),
    ("max_pool2d", "avg_pool2d"),
    ("max_pool3d", "avg_pool3d"),
    ("sigmoid", "tanh"),
    ("relu", "leaky_relu"),
    ("relu", "gelu"),
    ("relu", "softplus"),
    ("relu", "relu6"),
    ("elu", "selu"),
    ("gelu", "silu"),
    ("log", "log1p"),
    ("exp", "expm1"),
    ("abs", "square"),
    ("l1_loss", "mse_loss"),
    ("smooth_l1_loss", "huber_loss"),
    ("layer_norm", "rms_norm"),
)
MASKS = {"masked_fill": "the mask", "tril": "tril", "triu": "triu", "dropout": "dropout"}
OF_ONE_TENSOR = (  # and of the same shape
    *("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "relu6", "hardswish", "hardsigmoid"),
    *(
        "softplus",
        "softsign",
        "tanh",
        "sigmoid",
        "logsigmoid",
        "softmax",
        "log_softmax",
        "clamp_min",
        "clamp_max",
    ),
    *("sqrt", "exp", "log", "abs", "square"),
    *("layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm", "normalize"),
)


def of_function(call: Call) -> Iterator[OtherCall]:
    """Another function, or none."""
    for pair in SAME_KIND:
        other = pair[1 - pair.index(call.name)] if call.name in pair else ""
        function = _beside(call.function, call.name, other)
        if function is not None:
            stands, due = call.language.named(other), call.language.named(call.name)
            words = f"the forward with {stands} in place of {due} in {call.where}"
            to_all = call.name.startswith(("max", "amax", "min")) and other.startswith(("sum", "avg", "add"))
            name = "more-entries" if to_all else "forward-option"
            yield OtherCall(Kind.FUNCTION, words, _instead(function), name)
    if call.name in OF_ONE_TENSOR:
        yield OtherCall(
            Kind.CONSTANT, f"the forward without {call.language.named(call.name)} in {call.where}", _first
        )
    if call.name in MASKS:
        name = "more-entries" if call.name in ("tril", "triu") else "forward-option"
        words = f"the forward without {MASKS[call.name]} in {call.where}"
        yield OtherCall(Kind.OPTION, words, _first, name)


def _beside(function: Callable[..., Any], name: str, other: str) -> Callable[..., Any] | None:
    """The other function, from where the first one is."""
    for home in (F, Tensor, torch):
        if other and getattr(home, name, None) == function:
            found: Callable[..., Any] | None = getattr(home, other, None)
            return found
    return None


def _instead(other: Callable[..., Any]) -> Callable[..., Any]:
    return lambda function, args, kwargs: other(*args, **kwargs)


def _first(function: Any, args: Arguments, kwargs: Keywords) -> Any:
    return args[0] if args else kwargs["input"]


def of_cases(call: Call) -> Iterator[OtherCall]:
    """One case of torch.where everywhere; another mask."""
    if call.name == "where" and len(call.args) == 3:
        texts = call.operands()
        first = 1 if isinstance(call.args[0], Tensor) and call.args[0].dtype == torch.bool else 0
        for place, case in ((first, "first"), (2, "second")):
            text = f"`{texts[place]}`" if len(texts) == 3 else f"the {case} case"
            words = f"the forward with {text} everywhere in {call.where}"
            yield OtherCall(Kind.OPTION, words, _everywhere(place), "one-case")
    if call.name == "masked_fill" and len(call.args) == 3:
        for how, turned in (("inverted", torch.logical_not), ("transposed", torch.t)):
            words = f"the forward with the mask {how} in {call.where}"
            yield OtherCall(Kind.FUNCTION, words, _masked(turned))


def _everywhere(place: int) -> Callable[..., Any]:
    def replacement(function: Any, args: Arguments, kwargs: Keywords) -> Tensor:
        case, output = args[place], function(*args, **kwargs)
        return case.expand_as(output) if isinstance(case, Tensor) else torch.full_like(output, case)

    return replacement


def _masked(turned: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    return lambda function, args, kwargs: function(args[0], turned(args[1]), args[2])
