"""Layers and networks as objects, in the form that is judged."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray
from manual_backprop.derive.forms.arguments import Arguments
from manual_backprop.derive.forms.frameworks import Framework, converted, is_array, own_array, running
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms import objects
from manual_backprop.verify.forms.form import Form
from manual_backprop.verify.forms.forms import (
    first_run,
    given_back,
    loss_and_gradients,
    require_loss,
)
from manual_backprop.verify.forms.signature import parameters_of


def network(value: Any, arguments: Arguments, framework: Framework, *, seed: int) -> Form:
    """An object with `params` and a `loss` that returns the loss and a dictionary of gradients.

    Raises:
        Misfit: it returns something else.
        Unjudged: it raises something.
    """
    owned = {str(key): array for key, array in value.params.items() if is_array(array)}
    sample = [own_array(framework, x, shared=False) for x in sample_of(arguments.given, seed)]
    args, keywords = arguments.filled(sample)
    require_loss(first_run(lambda: objects.with_arrays(value, {}).loss(*args, **keywords), seed))
    count = len(arguments.names)

    def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        args, keywords = arguments.filled(arrays[:count])
        copy = objects.with_arrays(value, _instead(value, [*owned.values()], arrays[count:]))
        return loss_and_gradients(copy.loss(*args, **keywords))

    given = (*arguments.given, *(_point(x, arguments) for x in owned.values()))
    names = (*arguments.names, *owned)
    return Form(
        run, given_back, arguments, names, given, framework, framework, ("grad_output",), type(value).loss,
        is_loss=True,
    )  # fmt: skip


def layer(value: Any, arguments: Arguments, framework: Framework, *, seed: int) -> tuple[Form, int]:
    """An object with `forward` and `backward`, which leaves its parameters' gradients in itself.

    Raises:
        Unjudged: it raises something.
    """
    trial = objects.with_arrays(value, {})
    before = objects.arrays_in(trial)
    as_it_was = objects.with_arrays(trial, {id(x): x for x in before})
    like = objects.first_number_of(value)
    numbers = sample_of(arguments.given, seed)
    typed = [x.to(like) if like is not None and x.is_floating_point() else x for x in numbers]
    args, keywords = arguments.filled([own_array(framework, x, shared=False) for x in typed])
    first = first_run(lambda: trial.forward(*args, **keywords), seed)
    outputs = list(first) if isinstance(first, tuple | list) else [first]
    ups = [own_array(framework, torch.ones_like(converted(x))) for x in outputs]
    takes = len(parameters_of(trial.backward))
    together = len(outputs) > 1 and takes == 1

    def given_to(upstreams: Sequence[Any]) -> list[Any]:
        return [tuple(upstreams)] if together else [*upstreams]

    returned: Any = None
    with suppress(Exception, SystemExit), torch.no_grad(), running(seed):  # it is told when it is judged
        returned = trial.backward(*given_to(ups)[: takes or None])
    inputs = len(arguments.positional) + len(arguments.keywords)
    more = len(returned) - inputs if isinstance(returned, tuple | list) else 0
    found = objects.parameters_of_object(as_it_was, trial) or objects.arrays_kept(as_it_was, trial)[:more]
    owned = [objects.at(value, parameter.path) for parameter in found]
    count = len(arguments.names)

    def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        args, keywords = arguments.filled(arrays[:count])
        copy = objects.with_arrays(value, _instead(value, owned, arrays[count:]))
        output = copy.forward(*args, **keywords)
        return (list(output) if isinstance(output, tuple | list) else [output]), copy

    def back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
        returned = rest.backward(*given_to(upstreams)[: takes or None])
        several = list(returned) if isinstance(returned, tuple | list) else [returned]
        if isinstance(returned, Mapping):
            return {**returned, **{f"d{p.name}": objects.at(rest, p.gradient) for p in found}}
        left = [objects.at(rest, p.gradient) for p in found]
        return (*several, *left) if len(several) <= inputs else returned

    names = (*arguments.names, *(parameter.name for parameter in found))
    given = (*arguments.given, *(_point(x, arguments) for x in owned))
    own = [p.name for p in parameters_of(value.backward)]
    form = Form(
        run, back, arguments, names, given, framework, framework, tuple(own[: len(outputs)]),
        type(value).backward, "self",
    )  # fmt: skip
    return form, len(outputs)


def _instead(value: Any, owned: Sequence[Any], arrays: Sequence[Any]) -> dict[int, Any]:
    """Other arrays for an object's parameters; in traced code, traced ones for all that it holds."""
    traced = any(isinstance(x, TracedArray) for x in arrays)
    others = {id(x): TracedArray(converted(x).clone()) for x in objects.arrays_in(value)} if traced else {}
    return others | {id(x): new for x, new in zip(owned, arrays, strict=True)}


def _point(array: Any, arguments: Arguments) -> Any:
    """What a parameter is judged at: other numbers, where those of the inputs are drawn too."""
    drawn = any(not isinstance(x, Tensor) for x in arguments.given)
    number = converted(array)
    return tuple(number.shape) if drawn and number.is_floating_point() else number
