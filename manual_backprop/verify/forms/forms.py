"""Which form a derivation has, found by running it once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray
from manual_backprop.derive.command_line.messages import told
from manual_backprop.derive.forms.arguments import Arguments
from manual_backprop.derive.forms.forward import Run
from manual_backprop.derive.forms.frameworks import (
    Framework,
    converted,
    is_array,
    is_value,
    own_array,
    running,
)
from manual_backprop.derive.numbers import away_from_zero
from manual_backprop.verify.forms import objects
from manual_backprop.verify.forms.form import Form
from manual_backprop.verify.forms.signature import Misfit, Parameter, bound, parameters_of, returned_by
from manual_backprop.verify.problem import Unjudged


def sample_of(given: Sequence[Any], seed: int) -> list[Tensor]:
    """Numbers in all slots, to see what a function returns."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return [x if isinstance(x, Tensor) else away_from_zero(x, generator) for x in given]


def first_run(function: Callable[[], Any], seed: int) -> Any:
    """What a forward returns.

    Raises:
        Unjudged: it raises something.
    """
    try:
        with torch.no_grad(), running(seed):
            return function()
    except (Exception, SystemExit) as error:  # whatever it is, it is the answer
        raise Unjudged(f"the forward raises {told(error)}") from error


def pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    arguments: Arguments,
    names: Sequence[str],
    frameworks: tuple[Framework, Framework],
    *,
    cache: bool | None,
    seed: int,
) -> tuple[Form, int]:
    """A forward and a backward, with a cache or without; and how many outputs there are.

    Args:
        forward: of the arguments.
        backward: of the upstream gradients, and the cache or the arguments.
        arguments: of the forward.
        names: of all arguments by position and by name, flags too.
        frameworks: of the forward, and of the backward.
        cache: whether the forward returns one; None if that is to be found out.
        seed: of the random numbers.

    Raises:
        Misfit: the backward does not take what the forward gives.
        Unjudged: the forward raises something.
    """
    sample = sample_of(arguments.given, seed)
    args, keywords = arguments.filled([own_array(frameworks[0], x, shared=False) for x in sample])
    first = first_run(lambda: forward(*args, **keywords), seed)
    taken = [*args, *keywords.values()]
    returned = returned_by(first, backward, names, cache=cache, given=taken, is_array=is_value)
    values, _ = returned.split(first)
    real = [i for i, x in enumerate(values) if is_value(x) and converted(x).is_floating_point()]
    if not real:
        found = ", ".join(type(x).__name__ for x in values)
        raise Unjudged(f"the forward must return an array of real numbers, got {found}")
    with_arrays = [name for name, part in zip(names, taken, strict=False) if not _is_flag(part)]
    parameters = bound(backward, replace(returned, outputs=len(real)), names, with_arrays)

    def with_arguments(arguments: Arguments) -> Run:
        def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
            args, keywords = arguments.filled(arrays)
            outputs, rest = returned.split(forward(*args, **keywords))
            return [outputs[i] for i in real], rest

        return run

    def back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
        args, keywords = arguments.filled(arrays)
        by_name = {**dict(zip(names, args, strict=False)), **keywords}
        taken, named = [], {}
        for parameter in parameters:
            value = _value(parameter, upstreams, by_name, outputs, rest)
            if parameter.keyword:
                named[parameter.keyword] = value
            else:
                taken.append(value)
        return backward(*taken, **named)

    own = [p.name for p in parameters_of(backward)]
    upstreams = tuple(own[i] for i, p in enumerate(parameters[: len(own)]) if p.source == "upstream")
    caches = [own[i] for i, p in enumerate(parameters[: len(own)]) if p.source == "cache"]
    form = Form(
        with_arguments(arguments),
        back,
        arguments,
        arguments.names,
        arguments.given,
        *frameworks,
        upstreams,
        backward,
        next(iter(caches), ""),
        with_arguments=with_arguments,
    )
    return form, len(real)


def _is_flag(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return not any(
            is_array(x) or isinstance(x, dict | list | tuple)
            for x in (value.values() if isinstance(value, dict) else value)
        )
    return not is_array(value)


def _value(
    parameter: Parameter,
    upstreams: Sequence[Any],
    arguments: Mapping[str, Any],
    outputs: Sequence[Any],
    cache: Any,
) -> Any:
    if parameter.source == "upstream":
        return upstreams[parameter.which]
    if parameter.source == "upstreams":
        return tuple(upstreams)
    if parameter.source == "cache":
        return cache
    if parameter.source == "output":
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
    return arguments[parameter.which]


def loss(function: Callable[..., Any], arguments: Arguments, framework: Framework, *, seed: int) -> Form:
    """A function that returns a loss and its gradients.

    Raises:
        Misfit: it returns something else.
        Unjudged: it raises something.
    """
    sample = [own_array(framework, x, shared=False) for x in sample_of(arguments.given, seed)]
    args, keywords = arguments.filled(sample)
    _require_loss(first_run(lambda: function(*args, **keywords), seed))

    def with_arguments(arguments: Arguments) -> Run:
        def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
            args, keywords = arguments.filled(arrays)
            return _loss_and_gradients(function(*args, **keywords))

        return run

    return Form(
        with_arguments(arguments), _given_back, arguments, arguments.names, arguments.given, framework,
        framework, ("grad_output",), function, is_loss=True, with_arguments=with_arguments,
    )  # fmt: skip


def _given_back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
    return rest


def _loss_and_gradients(returned: Any) -> tuple[list[Any], Any]:
    value, *gradients = reversed(returned) if isinstance(returned[0], Mapping) else returned
    return [value], gradients[0] if len(gradients) == 1 else tuple(gradients)


def _require_loss(returned: Any) -> None:
    several = isinstance(returned, tuple | list) and len(returned) > 1
    first = _loss_and_gradients(returned)[0][0] if several else returned
    if not several or not is_value(first) or converted(first).numel() != 1:
        what = "a tuple that begins with " + _what(returned[0]) if several else _what(returned)
        raise Misfit(
            "without a backward, the forward must return a loss, which is one number, and its gradients: "
            f"(loss, grads), got {what}"
        )


def _what(value: Any) -> str:
    if is_array(value):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    return type(value).__name__


def network(value: Any, arguments: Arguments, framework: Framework, *, seed: int) -> Form:
    """An object with `params` and a `loss` that returns the loss and a dictionary of gradients.

    Raises:
        Misfit: it returns something else.
        Unjudged: it raises something.
    """
    owned = {str(key): array for key, array in value.params.items() if is_array(array)}
    sample = [own_array(framework, x, shared=False) for x in sample_of(arguments.given, seed)]
    args, keywords = arguments.filled(sample)
    _require_loss(first_run(lambda: objects.with_arrays(value, {}).loss(*args, **keywords), seed))
    count = len(arguments.names)

    def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        args, keywords = arguments.filled(arrays[:count])
        copy = objects.with_arrays(value, _instead(value, [*owned.values()], arrays[count:]))
        return _loss_and_gradients(copy.loss(*args, **keywords))

    given = (*arguments.given, *(_point(x, arguments) for x in owned.values()))
    names = (*arguments.names, *owned)
    return Form(
        run, _given_back, arguments, names, given, framework, framework, ("grad_output",), type(value).loss,
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
