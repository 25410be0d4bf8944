"""Which form a derivation has, found by running it once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from manual_backprop.derive.command_line.messages import told
from manual_backprop.derive.forms.arguments import Arguments
from manual_backprop.derive.forms.forward import Run
from manual_backprop.derive.forms.frameworks import (
    Framework,
    converted,
    is_array,
    is_number,
    is_value,
    own_array,
    running,
)
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms.form import Form
from manual_backprop.verify.forms.parameters import parameters_of
from manual_backprop.verify.forms.returned import Misfit, returned_by
from manual_backprop.verify.forms.signature import bound, by_name, call, takes_no_upstream
from manual_backprop.verify.forms.slopes import judged_as, slopes_returned, times
from manual_backprop.verify.problem import Unjudged


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
    fewer = replace(returned, outputs=len(real))
    is_one = len(real) == 1 and is_number(values[real[0]])
    try:
        parameters = bound(backward, fewer, names, with_arrays, is_number=is_one)
        remark = ""
    except Misfit:
        parameters = bound(backward, fewer, names, with_arrays, is_number=True)
        given = by_name(names, args, keywords)
        slopes = slopes_returned(backward, parameters, given, values[real[0]]) if len(real) == 1 else 0
        if slopes not in (1, len(with_arrays)):
            raise
        remark = judged_as(backward)

    def with_arguments(arguments: Arguments) -> Run:
        def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
            args, keywords = arguments.filled(arrays)
            outputs, rest = returned.split(forward(*args, **keywords))
            return [outputs[i] for i in real], rest

        return run

    def back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
        args, keywords = arguments.filled(arrays)
        found = call(backward, parameters, upstreams, by_name(names, args, keywords), outputs, rest)
        return times(upstreams[0], found) if remark else found

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
        is_loss=takes_no_upstream(parameters) and not remark,
        with_arguments=with_arguments,
        remark=remark,
    )
    return form, len(real)


def _is_flag(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return not any(
            is_array(x) or isinstance(x, dict | list | tuple)
            for x in (value.values() if isinstance(value, dict) else value)
        )
    return not is_array(value)


def loss(function: Callable[..., Any], arguments: Arguments, framework: Framework, *, seed: int) -> Form:
    """A function that returns a loss and its gradients.

    Raises:
        Misfit: it returns something else.
        Unjudged: it raises something.
    """
    sample = [own_array(framework, x, shared=False) for x in sample_of(arguments.given, seed)]
    args, keywords = arguments.filled(sample)
    require_loss(first_run(lambda: function(*args, **keywords), seed))

    def with_arguments(arguments: Arguments) -> Run:
        def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
            args, keywords = arguments.filled(arrays)
            return loss_and_gradients(function(*args, **keywords))

        return run

    return Form(
        with_arguments(arguments), given_back, arguments, arguments.names, arguments.given, framework,
        framework, ("grad_output",), function, is_loss=True, in_one=True, with_arguments=with_arguments,
    )  # fmt: skip


def given_back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
    """The gradients that came with a loss."""
    return rest


def loss_and_gradients(returned: Any) -> tuple[list[Any], Any]:
    """Of (loss, grads), (loss, dw, db) or (grads, loss)."""
    value, *gradients = returned if is_number(returned[0]) else reversed(returned)
    return [value], gradients[0] if len(gradients) == 1 else tuple(gradients)


def require_loss(returned: Any) -> None:
    """Raise unless a loss and gradients were returned.

    Raises:
        Misfit: with what was returned.
    """
    several = isinstance(returned, tuple | list) and len(returned) > 1
    first = loss_and_gradients(returned)[0][0] if several else returned
    if not several or not is_number(first):
        what = "a tuple that begins with " + _what(returned[0]) if several else _what(returned)
        raise Misfit(
            "without a backward, the forward must return a loss, which is one number, and its gradients: "
            f"(loss, grads), got {what}"
        )


def _what(value: Any) -> str:
    if is_array(value):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    return type(value).__name__
