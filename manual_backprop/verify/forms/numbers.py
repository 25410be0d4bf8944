"""Plain numbers among the arguments whose gradient is returned: a bias of 0.3, beside flags and rates."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.code_syntax import returned_by
from manual_backprop.derive.forms.arguments import Arguments, Key, Slot
from manual_backprop.derive.forms.frameworks import converted, is_number, own_array, running
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms.form import Form
from manual_backprop.verify.forms.gradients import bare

Path = tuple[Key, ...]


def with_numbers_as_slots(form: Form, names: Sequence[str], seed: int) -> Arguments:
    """The arguments of a form, with a slot for each number whose gradient it returns.

    Args:
        form: of the derivation.
        names: of all arguments.
        seed: of the random numbers.
    """
    arguments = form.arguments
    numbers = {
        path: _name_of(path, names)
        for path, value in arguments.options()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if not numbers:
        return arguments
    arrays = [own_array(form.framework, x, shared=False) for x in sample_of(form.given, seed)]
    try:
        with torch.no_grad(), running(seed):
            outputs, rest = form.run(arrays)
            ones = [own_array(form.framework_of_back, torch.ones_like(converted(x))) for x in outputs]
            returned = form.back(ones, arrays, outputs, rest)
    except (Exception, SystemExit):  # it is told when it is judged
        return arguments
    found = _by_name(returned, numbers, form) or _by_position(returned, numbers, form)
    return arguments.with_slots({path: name for path, name in numbers.items() if path in found})


def _by_name(returned: Any, numbers: Mapping[Path, str], form: Form) -> list[Path]:
    """Those whose gradient has their name, in a dictionary or where it is returned: `return dw, db`."""
    if isinstance(returned, Mapping):
        named = {str(key): value for key, value in returned.items()}
    else:
        said = returned_by(form.code)[0][form.in_one :]
        several = returned if isinstance(returned, tuple | list) else [returned]
        named = dict(zip(said, several, strict=True)) if len(said) == len(several) else {}
    own = {
        bare(key): value for key, value in named.items() if bare(key) != key or isinstance(returned, Mapping)
    }
    return [path for path, name in numbers.items() if is_number(own.get(name))]


def _by_position(returned: Any, numbers: Mapping[Path, str], form: Form) -> list[Path]:
    """Those in whose place a number is returned; of a loss, the first, if as many numbers are."""
    if not isinstance(returned, tuple | list):
        return []
    top = form.arguments.values
    keys: list[Path] = [
        *((at,) for at in range(len(form.arguments.positional))),
        *((name,) for name in form.arguments.keywords),
    ]
    if len(returned) == len(top):
        return [path for path, g in zip(keys, returned, strict=True) if path in numbers and is_number(g)]
    slots = [x for x in top if isinstance(x, Slot) and _is_of_one(form.given[x.number])]
    count = sum(map(is_number, returned)) - len(slots)
    return list(numbers)[: max(count, 0)] if form.is_loss else []


def _name_of(path: Path, names: Sequence[str]) -> str:
    last = path[-1]
    if len(path) == 1 and isinstance(last, int):
        return names[last] if last < len(names) else ""
    return str(last)


def _is_of_one(given: Any) -> bool:
    """Whether what is given to a slot, a tensor or a shape, holds one number."""
    return prod(given.shape if isinstance(given, Tensor) else given) == 1
