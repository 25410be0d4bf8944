"""Batch, layer, group and RMS norm: the mean and the spread of what is normalised together, worked out."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from manual_backprop.record.call import Call, Value
from manual_backprop.record.numbers.places import Place
from manual_backprop.record.numbers.writing import Written, inside, short, summed

NORMS = ("batch_norm", "layer_norm", "group_norm", "rms_norm")
OF_AN_EXAMPLE = (
    "layer_norm",
    "rms_norm",
)  # the parameters have its last dimensions; else one number a channel


class Group(NamedTuple):
    """What is normalised together, flat: x, and its weights, which are 1 where there are none."""

    x: Tensor
    weight: Tensor
    members: Tensor  # their places among all numbers
    at: int  # the number in question
    mean: float  # 0 for the RMS norm, which takes none off
    spread: float
    statistics: list[Written]

    @property
    def normalised(self) -> Tensor:
        """x̂."""
        return (self.x - self.mean) / self.spread


def forward(call: Call, place: Place) -> list[Written] | None:
    """(x − μ)/s · w + b."""
    if call.operation not in NORMS or call.twin is None:
        return None
    group = _group(call, place)
    text = f"{_centred(call, float(group.x[group.at]), group)} / {inside(group.spread)}"
    value = float(group.normalised[group.at])
    if isinstance(call.arguments[1], Value):
        weight = float(group.weight[group.at])
        text, value = f"{text} · {inside(weight)}", value * weight
    if call.operation != "rms_norm" and isinstance(call.arguments[2], Value):
        bias = float(_of_each(call, call.arguments[2])[place])
        text, value = f"{text} + {inside(bias)}", value + bias
    return [*group.statistics, Written(text, value)]


def backward(call: Call, at: int, place: Place) -> list[Written] | None:
    """(h − mean h − x̂ mean(h x̂))/s for the input; what comes back to the parameters is a sum of products."""
    upstream = call.output.gradient
    if call.operation not in NORMS or call.twin is None or at != 0 or upstream is None:
        return None
    group = _group(call, place)
    h = upstream.double().flatten()[group.members] * group.weight
    here, x_hat = float(h[group.at]), float(group.normalised[group.at])
    if _is_running(call):
        return [*group.statistics, Written(f"{short(here)} / {inside(group.spread)}", here / group.spread)]
    mean = 0.0 if call.operation == "rms_norm" else float(h.mean())
    along = float((h * group.normalised).mean())
    less = "" if call.operation == "rms_norm" else f" − {inside(mean)}"
    text = f"({short(here)}{less} − {inside(x_hat)} · {inside(along)}) / {inside(group.spread)}"
    return [
        Written(f"{_centred(call, float(group.x[group.at]), group)} / {inside(group.spread)}", x_hat, "x̂"),
        *([] if call.operation == "rms_norm" else [_mean(h, "mean h")]),
        _mean(h * group.normalised, "mean(h x̂)"),
        Written(text, (here - mean - x_hat * along) / group.spread),
    ]


def _centred(call: Call, x: float, group: Group) -> str:
    return short(x) if call.operation == "rms_norm" else f"({short(x)} − {inside(group.mean)})"


def _mean(numbers: Tensor, left: str) -> Written:
    written = summed(numbers, lambda i: short(float(numbers[i])))
    return Written(f"({written.text}) / {len(numbers)}", written.value / len(numbers), left)


def _group(call: Call, place: Place) -> Group:
    """Those that share a mean with the number at this place."""
    x = call.inputs[0].tensor.detach().double()
    part: tuple[Any, ...]
    if call.operation in OF_AN_EXAMPLE:
        part = place[: x.dim() - len(call.arguments[-2])]
    elif call.operation == "batch_norm":
        part = (slice(None), place[1])
    else:
        size = x.shape[1] // int(call.arguments[3])
        first = place[1] // size * size
        part = (place[0], slice(first, first + size))
    places = torch.arange(x.numel()).reshape(x.shape)
    members = places[part].flatten()
    at = int((members == places[place]).nonzero())
    numbers, weight = x.flatten()[members], call.arguments[1]
    weights = _of_each(call, weight).flatten()[members] if isinstance(weight, Value) else torch.ones(1)
    mean, spread, statistics = _statistics(call, place, numbers)
    return Group(numbers, weights.expand(len(members)), members, at, mean, spread, statistics)


def _statistics(call: Call, place: Place, x: Tensor) -> tuple[float, float, list[Written]]:
    """μ and s, and how they are worked out."""
    eps = call.arguments[-1]
    if _is_running(call):
        mean, variance = (float(call.arguments[i].tensor[place[1]]) for i in (3, 4))
        spread = (variance + eps) ** 0.5
        return mean, spread, [Written(f"√({short(variance)} + {short(eps)})", spread, "s")]
    if eps is None:
        eps = torch.finfo(call.inputs[0].tensor.dtype).eps
    mean = 0.0 if call.operation == "rms_norm" else float(x.mean())

    def square(i: int) -> str:
        off = short(float(x[i])) if call.operation == "rms_norm" else f"{short(float(x[i]))} − {inside(mean)}"
        return f"({off})²"

    squares = summed((x - mean).square(), square)
    spread = (squares.value / len(x) + eps) ** 0.5
    s = Written(f"√(({squares.text}) / {len(x)} + {short(eps)})", spread, "s")
    return mean, spread, [s] if call.operation == "rms_norm" else [_mean(x, "μ"), s]


def _is_running(call: Call) -> bool:
    """Whether it is normalised by running statistics, which are constants."""
    return call.operation == "batch_norm" and not call.arguments[7]


def _of_each(call: Call, parameter: Value) -> Tensor:
    """The parameter that belongs to each number."""
    shape, numbers = call.inputs[0].tensor.shape, parameter.tensor.detach().double()
    if call.operation in OF_AN_EXAMPLE:
        return numbers.expand(shape)
    return numbers.reshape(-1, *[1] * (len(shape) - 2)).expand(shape)
