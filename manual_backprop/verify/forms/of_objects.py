"""Layers and networks as objects, in the form that is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray
from manual_backprop.derive.forms.arguments import Arguments, slots_in
from manual_backprop.derive.forms.frameworks import (
    Framework,
    converted,
    is_array,
    is_value,
    own_array,
    running,
)
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms import held, objects
from manual_backprop.verify.forms.form import Form
from manual_backprop.verify.forms.forms import (
    first_run,
    given_back,
    loss_and_gradients,
    require_loss,
)
from manual_backprop.verify.forms.methods import Methods, as_found, ways_to_call
from manual_backprop.verify.forms.parameters import LARGE_RATE, parameters_of
from manual_backprop.verify.forms.returned import Misfit
from manual_backprop.verify.forms.signature import by_name
from manual_backprop.verify.forms.trial import Kept, Trial, without_gradients
from manual_backprop.verify.problem import Unjudged


def of_object(
    value: Any,
    own: tuple[str, str] | None,
    arguments: Arguments,
    names: Sequence[str],
    framework: Framework,
    *,
    seed: int,
) -> tuple[Form, int]:
    """A network or a layer, and how many outputs it has; `own` names its methods, where they are said.

    Raises:
        Misfit: it has no form that is known.
        Unjudged: it raises something.
    """
    value = held.with_numbers_as_arrays(value)
    methods = own or objects.methods(value)
    if not own and objects.is_network(value):
        try:
            return network(value, arguments, framework, seed=seed), 1
        except Misfit:
            if methods is None:
                raise
    assert methods is not None
    return layer(value, methods, arguments, names, framework, seed=seed)


def network(value: Any, arguments: Arguments, framework: Framework, *, seed: int) -> Form:
    """An object with `params` and a `loss` that returns the loss and a dictionary of gradients.

    Raises:
        Misfit: it returns something else.
        Unjudged: it raises something.
    """
    owned = {str(key): array for key, array in value.params.items() if is_array(array)}
    sample = [own_array(framework, x, shared=False) for x in sample_of(arguments.given, seed)]
    args, keywords = arguments.filled(sample)
    require_loss(first_run(lambda: held.with_arrays(value, {}).loss(*args, **keywords), seed))
    count = len(arguments.names)

    def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        args, keywords = arguments.filled(arrays[:count])
        copy = held.with_arrays(value, _instead(value, [*owned.values()], arrays[count:]))
        return loss_and_gradients(copy.loss(*args, **keywords))

    given = (*arguments.given, *(_point(x, arguments) for x in owned.values()))
    names = (*arguments.names, *owned)
    return Form(
        run, given_back, arguments, names, given, framework, framework, ("grad_output",), type(value).loss,
        is_loss=True, in_one=True,
    )  # fmt: skip


def layer(
    value: Any,
    own: tuple[str, str],
    arguments: Arguments,
    names: Sequence[str],
    framework: Framework,
    *,
    seed: int,
) -> tuple[Form, int]:
    """An object with a forward and a backward, which may leave in itself what they do not return.

    Args:
        value: the object.
        own: the names of its forward and its backward.
        arguments: of its forward.
        names: of all of them.
        framework: it is written in.
        seed: of the random numbers.

    Returns:
        The form, and how many outputs there are.

    Raises:
        Misfit: the backward does not take what there is.
        Unjudged: the forward raises something, or has no output.
    """
    like = held.first_number_of(value)
    numbers = sample_of(arguments.given, seed)
    typed = [x.to(like) if like is not None and x.is_floating_point() else x for x in numbers]

    def first_outputs(methods: Methods, layer: Any) -> tuple[list[Any], dict[str, Any]]:
        args, keywords = arguments.filled([own_array(framework, x, shared=False) for x in typed])
        outputs = first_run(lambda: methods.outputs(layer, args, keywords), seed)
        return outputs, by_name(names, args, keywords)

    def tried(methods: Methods, *, backward: bool = True) -> Trial:
        after = held.with_arrays(value, {})
        before = held.with_arrays(after, {id(x): x for x in held.arrays_in(after)})
        outputs, given = first_outputs(methods, after)
        between, returned = held.with_arrays(after, {}), None
        if backward:
            ups = [own_array(framework, torch.ones_like(converted(x))) for x in outputs]
            with torch.no_grad(), running(seed):
                returned = methods.returned(after, ups, given, outputs)
        return Trial(before, between, after, outputs, returned)

    trial = tried(Methods(*own), backward=False)
    outputs = trial.outputs
    if not all(is_value(x) for x in outputs):
        raise Unjudged(
            f"{type(value).__name__}.{own[0]} must return an array, or leave it as "
            f"self.{held.OUTPUTS[0]}, got {', '.join(type(x).__name__ for x in outputs)}"
        )
    with_arrays = [n for n, x in zip(names, arguments.values, strict=False) if any(slots_in(x))]
    ways = ways_to_call(trial.after, own, names, with_arrays, outputs)
    methods, misfit = ways[0], None
    for way in ways:
        try:
            trial = tried(way)
            methods, misfit = as_found(way, trial.returned, outputs), None
            break
        except Misfit as reason:
            misfit = reason
        except (Exception, SystemExit):  # where none runs, it is told when it is judged
            continue
    if misfit:
        raise misfit
    found, not_judged = trial.parameters(methods, len(names))
    if not_judged and (rate := held.rate_of(value)):
        methods = replace(methods, own_rate=rate)
        found, not_judged = trial.parameters(methods, len(names))
    if methods.takes_upstream and not not_judged:
        not_judged = without_gradients(value, trial, found, lambda layer: first_outputs(methods, layer))
    owned = [held.at(value, parameter.path) for parameter in found]
    count = len(arguments.names)

    def run(arrays: Sequence[Any]) -> tuple[list[Any], Any]:
        args, keywords = arguments.filled(arrays[:count])
        own = [1 * x for x in arrays[count:]] if methods.updates else arrays[count:]
        copy = held.with_arrays(value, _instead(value, owned, own))
        if methods.own_rate:
            setattr(copy, methods.own_rate, LARGE_RATE)
        outputs = methods.outputs(copy, args, keywords)
        return methods.values(outputs), Kept(copy, outputs, arrays[count:])

    def back(upstreams: Sequence[Any], arrays: Sequence[Any], outputs: Sequence[Any], rest: Any) -> Any:
        copy, own_outputs, owned_before = rest.named, rest.outputs, rest.owned
        args, keywords = arguments.filled(arrays[:count])
        raw = methods.returned(copy, upstreams, by_name(names, args, keywords), own_outputs)
        returned = methods.gradients(raw, upstreams)
        left = [(p.name, held.at(copy, p.gradient)) for p in found if p.gradient]
        if methods.updates:
            now = (held.at(copy, p.path) for p in found)
            left = [
                (p.name, (old - new) / LARGE_RATE)
                for p, old, new in zip(found, owned_before, now, strict=True)
            ]
        if isinstance(returned, Mapping):
            return {**returned, **{f"d{name}": gradient for name, gradient in left}}
        several = list(returned) if isinstance(returned, tuple | list) else [returned]
        return (*several, *(g for _, g in left)) if len(several) <= len(names) else returned

    parameters = (*arguments.names, *(parameter.name for parameter in found))
    given = (*arguments.given, *(_point(x, arguments) for x in owned))
    code = getattr(value, own[1])
    taken = [p.name for p in parameters_of(code)]
    upstreams = [name for name, p in zip(taken, methods.parameters, strict=False) if p.source == "upstream"]
    form = Form(
        run, back, arguments, parameters, given, framework, framework, tuple(upstreams), code, "self",
        is_loss=methods.meaning in ("of a loss", "of a mean"),
        remark=" ".join(filter(None, (methods.remark, not_judged))),
    )  # fmt: skip
    return form, len(outputs)


def _instead(value: Any, owned: Sequence[Any], arrays: Sequence[Any]) -> dict[int, Any]:
    """Other arrays for an object's parameters; in traced code, traced ones for all that it holds."""
    traced = any(isinstance(x, TracedArray) for x in arrays)
    others = {id(x): TracedArray(converted(x).clone()) for x in held.arrays_in(value)} if traced else {}
    return others | {id(x): new for x, new in zip(owned, arrays, strict=True)}


def _point(array: Any, arguments: Arguments) -> Any:
    """What a parameter is judged at: other numbers, where those of the inputs are drawn too."""
    drawn = any(not isinstance(x, Tensor) for x in arguments.given)
    number = converted(array)
    return tuple(number.shape) if drawn and number.is_floating_point() else number
