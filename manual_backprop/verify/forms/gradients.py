"""Which returned gradient is whose: by position, or by name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from manual_backprop.derive.forms.arguments import Arguments, Slot, slots_in
from manual_backprop.derive.forms.frameworks import converted
from manual_backprop.verify.problem import Malformed

PREFIX = re.compile(
    r"^(d[LJ]_?d|dL_|grad_|gradient_|d_|d|g_|∂)(?=.)|(_grad|_gradient|\.grad)$", re.IGNORECASE
)
TARGET = re.compile(
    r"t|T|targets?|labels?|expected|desired|truth|ground_truth|gt|(y_?|Y_?|t_?)(true|target|label|train|real)s?|true_\w+"
)


def gradients_by_slot(
    returned: Any,
    arguments: Arguments,
    names: Sequence[str],
    shapes: Sequence[Sequence[int]],
    *,
    partial: bool,
) -> dict[int, Any]:
    """The gradient of each slot, of what a derivation returns.

    Args:
        returned: an array, a tuple or list of them, or a dictionary by name.
        arguments: of the call; the slots after its own are an object's parameters.
        names: of all slots.
        shapes: of all slots.
        partial: whether there may be gradients of some inputs only.

    Raises:
        Malformed: it is not one gradient for each input.
    """
    if isinstance(returned, Mapping):
        return _by_name(returned, range(len(names)), names)
    several = list(returned) if isinstance(returned, tuple | list) else [returned]
    top = [*arguments.values]
    top += [Slot(number) for number in range(len(arguments.names), len(names))]
    holding = [part for part in top if any(True for _ in slots_in(part))]
    slots = [i for i in range(len(names)) if i in arguments.needed or i >= len(arguments.names)]
    needed = [part for part in holding if any(slot.number in slots for slot in slots_in(part))]
    ways = [
        *(_of_parts(parts, several, names) for parts in (top, holding, needed) if len(several) == len(parts)),
        *(
            dict(zip(each, several, strict=True))
            for each in (slots, *arguments.groups)
            if len(each) == len(several)
        ),
    ]
    if partial:
        ways.append(_by_shape(several, slots, names, shapes))
    found = [way for way in ways if way is not None]
    if found:
        return max(
            found, key=lambda way: sum(_fits(gradient, shapes[slot]) for slot, gradient in way.items())
        )
    raise Malformed(
        f"your derivation returns {len(several)} gradients for {len(top)} inputs ({', '.join(names)})"
    )


def _fits(gradient: Any, shape: Sequence[int]) -> bool:
    number = converted(gradient)
    return isinstance(number, Tensor) and tuple(number.shape) == tuple(shape)


def _of_parts(parts: Sequence[Any], gradients: Sequence[Any], names: Sequence[str]) -> dict[int, Any] | None:
    """Of arguments in order; None if one has another form."""
    found: dict[int, Any] = {}
    for part, gradient in zip(parts, gradients, strict=True):
        of_part = _of_part(part, gradient, names)
        if of_part is None:
            return None
        found |= of_part
    return found


def _of_part(part: Any, gradient: Any, names: Sequence[str]) -> dict[int, Any] | None:
    """The gradients of the slots in one argument; None if it has another form."""
    if isinstance(part, Slot):
        return {part.number: gradient}
    slots = [slot.number for slot in slots_in(part)]
    if not slots or gradient is None:
        return {}
    if isinstance(gradient, Mapping):
        return _by_name(gradient, slots, names)
    if isinstance(gradient, tuple | list) and len(gradient) == len(slots):
        return dict(zip(slots, gradient, strict=True))
    return None


def _by_name(gradients: Mapping[Any, Any], slots: Sequence[int], names: Sequence[str]) -> dict[int, Any]:
    """Of a dictionary with "W1", "dW1", "grad_W1" or "W1_grad" for W1."""
    exact = {str(key): value for key, value in gradients.items()}
    without = {bare(key): value for key, value in exact.items()}
    found = {}
    for slot in slots:
        name = names[slot]
        last = re.split(r"[.\[]", name)[-1]
        for key, among in (
            (f"d{name}", exact),
            (name, exact),
            (f"d{last}", exact),
            (last, exact),
            (bare(name), without),
            (name, without),
        ):
            if key in among:
                found[slot] = among[key]
                break
    if not found:
        raise Malformed(
            f"your derivation returns gradients named {', '.join(exact) or '(none)'}, expected names of the "
            f"inputs: {', '.join(names[i] for i in slots)}"
        )
    return found


def bare(name: str) -> str:
    """Of which array a gradient is, by its name: W1 of dW1, grad_W1 and W1_grad."""
    return PREFIX.sub("", name, count=1)


def _by_shape(
    several: Sequence[Any], slots: Sequence[int], names: Sequence[str], shapes: Sequence[Sequence[int]]
) -> dict[int, Any]:
    """Fewer gradients than inputs: each for the next input that has its shape, or else for an earlier one.

    What is called as targets are has none as long as another input fits.
    """
    found: dict[int, Any] = {}
    last = -1
    for gradient in several:
        left = [slot for slot in slots if slot not in found]
        fitting = [slot for slot in left if _fits(gradient, shapes[slot])] or left[:1]
        if fitting:
            last = min(fitting, key=lambda slot: (_target_rank(names[slot]), slot < last, slot))
            found[last] = gradient
    return found


def _target_rank(name: str) -> int:
    """How surely it is the name of targets: 0 not at all, 1 like y, 2 like y_true."""
    return 2 if TARGET.fullmatch(name) else int(name in ("y", "Y"))
