"""A backward that assigns where several uses of a number bring a gradient each: one use alone counts."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from manual_backprop.verify.diagnosis.forward_calls import (
    Arguments,
    Call,
    Keywords,
    Kind,
    OtherCall,
    Replacement,
)

PICKS = ("getitem", "index_select", "gather", "take_along_dim", "embedding", "unfold", "repeat_interleave")
MOST_PICKED = 4096  # each is compared with each


def of_picks(call: Call) -> Iterator[OtherCall]:
    """Where the same number is picked more than once, only the last or the first use brings a gradient."""
    place = _of_source(call)
    if place is None or call.output.numel() > MOST_PICKED:
        return
    source = call.args[place]
    positions = torch.arange(source.numel(), dtype=source.dtype, device=source.device) + 1  # 0 is a padding
    picked = call.function(
        *call.args[:place], positions.reshape(source.shape), *call.args[place + 1 :], **call.kwargs
    )
    if len(picked.unique()) == picked.numel():
        return
    for which in ("last", "first"):
        words = (
            f"a backward in which the {which} of several uses of a number in {call.where} counts alone: "
            f"add ({call.language.add}), do not assign"
        )
        yield OtherCall(Kind.FUNCTION, words, _constant_except(_of_each(picked, which)), "assigned")


def _constant_except(mask: Tensor) -> Replacement:
    def replacement(function: Any, args: Arguments, kwargs: Keywords) -> Tensor:
        output: Tensor = function(*args, **kwargs)
        return torch.where(mask, output, output.detach())

    return replacement


def _of_source(call: Call) -> int | None:
    """Which argument it picks from."""
    place = 1 if call.name == "embedding" else 0
    if call.name not in PICKS or len(call.args) <= place:
        return None
    source = call.args[place]
    return place if isinstance(source, Tensor) and source.requires_grad else None


def _of_each(values: Tensor, which: str) -> Tensor:
    """Where the last, or the first, of those stands that are equal."""
    flat = values.detach().flatten()
    order = flat.flip(0) if which == "last" else flat
    again = (order[:, None] == order[None, :]).tril(-1).any(1)
    mask = ~(again.flip(0) if which == "last" else again)
    return mask.reshape(values.shape)


def of_uses(call: Call) -> Iterator[tuple[int, OtherCall]]:
    """Of an expression that is run several times: which run alone brings a gradient to an input."""
    texts = call.operands()
    times = len(call.numbers)
    for i in sorted(call.steady):
        argument = call.args[i]
        if not (isinstance(argument, Tensor) and argument.is_leaf and argument.requires_grad):
            continue
        uses = f"uses of `{texts[i]}`" if len(texts) == len(call.args) else "uses of an input"
        for use, kept, name, hint in (
            ("first", 0, "assigned", ": add (+=), do not assign"),
            ("last", times - 1, "truncated-in-time", ": the way through the earlier steps is forgotten"),
        ):
            words = f"a backward in which the {use} of the {times} {uses} counts alone in {call.where}{hint}"
            yield kept, OtherCall(Kind.FUNCTION, words, _with_constant(i), name)


def _with_constant(i: int) -> Replacement:
    return lambda function, args, kwargs: function(*args[:i], args[i].detach(), *args[i + 1 :], **kwargs)
