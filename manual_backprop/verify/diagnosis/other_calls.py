"""What a call of the forward could have been instead."""

from collections.abc import Iterator, Sequence

from manual_backprop.verify.diagnosis.forward_calls import Call, Kind, OtherCall
from manual_backprop.verify.diagnosis.function_changes import of_cases, of_function
from manual_backprop.verify.diagnosis.norm_changes import of_norm, outside_the_root
from manual_backprop.verify.diagnosis.operand_changes import (
    COMPARISONS,
    OPERATION,
    exchanged,
    of_arithmetic,
    of_comparison,
)
from manual_backprop.verify.diagnosis.option_changes import of_options
from manual_backprop.verify.diagnosis.use_changes import of_picks

MOVES = (  # only put numbers elsewhere, see `matrices`
    *("view", "reshape", "permute", "transpose", "flatten", "unflatten", "squeeze", "unsqueeze", "expand"),
    *("getitem", "roll", "flip", "narrow", "select", "chunk", "split", "movedim", "repeat", "get"),
    *(
        "unfold",
        "repeat_interleave",
        "take_along_dim",
        "clone",
        "contiguous",
        "detach",
        "t",
        "swapaxes",
        "index_select",
        "gather",
        "to",
        "type",
    ),
)


def changes_of(call: Call, calls: Sequence[Call]) -> Iterator[OtherCall]:
    """All that are thought of; `calls` are those of the whole forward."""
    yield from of_picks(call)
    if call.name in MOVES:
        return
    yield from outside_the_root(call, calls)
    if call.name in OPERATION:
        yield from of_arithmetic(call)
    elif call.name in COMPARISONS:
        yield from of_comparison(call)
    else:
        yield from of_options(call)
        yield from of_norm(call)
        yield from of_cases(call)
        yield from of_function(call)
    yield from exchanged(call)
    if call.output.requires_grad and call.expression:
        yield OtherCall(
            Kind.CONSTANT,
            f"the forward with {call.where} taken as a constant",
            lambda function, args, kwargs: function(*args, **kwargs).detach(),
            "forgotten-path",
        )
