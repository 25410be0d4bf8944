"""A call of the forward with another value of an option."""

from collections.abc import Iterator
from math import copysign
from typing import Any

from torch import Tensor

from manual_backprop.derive.writing.dialects import DIALECTS
from manual_backprop.verify.diagnosis.call_options import UNKNOWN, Option, options_of
from manual_backprop.verify.diagnosis.forward_calls import Call, Kind, OtherCall, Replacement, number

POSITIVE = ("stride", "dilation", "groups", "num_groups", "kernel_size", "step", "divisor_override")
STRINGS = {
    "reduction": ("mean", "sum"),
    "approximate": ("none", "tanh"),
    "padding": ("same", "valid"),
    "mode": (
        "nearest",
        "linear",
        "bilinear",
        "bicubic",
        "area",
        "constant",
        "reflect",
        "replicate",
        "circular",
    ),
}


def of_options(call: Call) -> Iterator[OtherCall]:
    """Each option left out, at torch's default, or at another value."""
    for option in options_of(call):
        yield from _of_option(call, option)
    if call.name in ("clamp", "clip"):
        yield from _of_both_bounds(call)


def _of_option(call: Call, option: Option) -> Iterator[OtherCall]:
    value, name, said = option.value, option.name, call.language.named(option.name)
    if name in ("dim", "axis"):
        yield from _other_dimensions(call, option)
    elif isinstance(value, Tensor):
        if option.default is None:
            words = f"the forward without {said} in {call.where}"
            yield OtherCall(Kind.OPTION, words, option.set_to(None))
    elif isinstance(value, bool):
        words = f"the forward with {said}={not value} in place of {value} in {call.where}"
        yield OtherCall(Kind.OPTION, words, option.set_to(not value))
    elif isinstance(value, str):
        for other in STRINGS.get(name, ()):
            words = f"the forward with {said}={other!r} in place of {value!r} in {call.where}"
            yield OtherCall(Kind.OPTION, words, option.set_to(other))
    elif isinstance(value, int | float):
        if option.default is None:
            yield _without(call, option)
        for kind, new in _other_numbers(option):
            whose = _whose(call, option, new)
            words = f"the forward with {said} {number(new)}{whose} in place of {number(value)}"
            yield OtherCall(kind, f"{words} in {call.where}", option.set_to(new))
    elif isinstance(value, tuple | list) and value and all(type(v) is int for v in value):
        for one in (1, 2) if name in POSITIVE else (0, 1, 2):
            whose = _whose(call, option, one)
            words = f"the forward with {said} {one}{whose} in place of {_listed(value)}"
            yield OtherCall(Kind.OPTION, f"{words} in {call.where}", option.set_to((one,) * len(value)))
    elif value is None and name == "scale":
        yield OtherCall(Kind.OPTION, f"the forward with scale 1 in {call.where}", option.set_to(1.0))


def _without(call: Call, option: Option) -> OtherCall:
    """An option that torch has no number for: a bound, the index of a padding."""
    words = f"the forward without {call.language.named(option.name)} in {call.where}"
    if call.name in ("clamp", "clip") and sum(o.value is not None for o in options_of(call)) == 1:
        return OtherCall(Kind.OPTION, words, lambda function, args, kwargs: args[0], "local-derivative")
    return OtherCall(Kind.OPTION, words, option.set_to(None))


def _other_numbers(option: Option) -> Iterator[tuple[Kind, float]]:
    value, default = option.value, option.default
    of_one = default[0] if isinstance(default, list | tuple) and len(set(default)) == 1 else default
    if isinstance(of_one, int | float) and of_one != value:
        yield Kind.OPTION, of_one
    least = 1 if option.name in POSITIVE else float("-inf")
    for other in (0, 1):
        if other >= least:
            yield Kind.NUMBER if of_one == value else Kind.OPTION, other
    near = (value - 1, value + 1) if isinstance(value, int) else (value / 2, value * 2, value * value)
    yield from ((Kind.NUMBER, other) for other in (-value, -1, *near) if other >= least)


def _whose(call: Call, option: Option, value: Any) -> str:
    """That torch takes this if nothing is said, which is nothing to who writes in NumPy."""
    if call.language is not DIALECTS["torch"]:
        return ""
    default = option.default
    is_default = value in default if isinstance(default, list | tuple) else value == default
    return ", torch's default," if default is not UNKNOWN and is_default else ""


def _listed(values: Any) -> str:
    return number(values[0]) if len(set(values)) == 1 else f"({', '.join(map(number, values))})"


def _other_dimensions(call: Call, option: Option) -> Iterator[OtherCall]:
    x = call.args[0] if call.args else None
    listed = isinstance(option.value, tuple | list) and len(option.value) == 1
    value = option.value[0] if listed else option.value
    if not isinstance(x, Tensor) or not isinstance(value, int):
        return
    was = value % max(x.dim(), 1)
    for other in range(x.dim()):
        if other != was:
            name = call.language.named(call.name)
            words = f"{name} along {call.language.along((other,))} instead of {was}"
            new = option.set_to([other] if listed else other)
            yield OtherCall(Kind.OPTION, words, new, "wrong-dimension")


def _of_both_bounds(call: Call) -> Iterator[OtherCall]:
    bounds = call.args[1:3]
    if len(bounds) < 2 or any(type(bound) not in (int, float) for bound in bounds):
        return
    low, high = bounds
    was = f"{number(low)} and {number(high)}"
    for new in ((copysign(1, low), copysign(1, high)), (2 * low, 2 * high), (low / 2, high / 2)):
        words = f"the forward with the bounds {number(new[0])} and {number(new[1])} in place of {was}"
        yield OtherCall(Kind.NUMBER, f"{words} in {call.where}", _with_bounds(new))


def _with_bounds(bounds: tuple[float, float]) -> Replacement:
    return lambda function, args, kwargs: function(args[0], *bounds, *args[3:], **kwargs)
