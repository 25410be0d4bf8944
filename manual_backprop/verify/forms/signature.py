"""What a backward takes: upstream gradients, the cache, or the forward's arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from manual_backprop.verify.forms.parameters import (
    CACHES,
    LARGE_RATE,
    is_rate,
    is_upstream,
    needed_by,
    parameters_of,
    takes_anything,
)
from manual_backprop.verify.forms.returned import Misfit, Returned

Source = Literal["upstream", "upstreams", "cache", "argument", "output", "rate"]


class Parameter(NamedTuple):
    """What one parameter of a backward is given.

    Attributes:
        source: an upstream gradient, all of them as a tuple, the cache, an argument of the forward, the
            output, or the learning rate.
        which: the number of the upstream gradient or of the argument by position; the argument's name.
        keyword: the name by which it is given; "" by position.
    """

    source: Source
    which: Any = None
    keyword: str = ""


def bound(
    backward: Callable[..., Any],
    returned: Returned,
    names: Sequence[str],
    arrays: Sequence[str],
    *,
    is_number: bool = False,
) -> list[Parameter]:
    """What each parameter of a backward is given.

    Args:
        backward: a function.
        returned: how its forward returns its outputs.
        names: of the forward's arguments.
        arrays: those of them that hold arrays.
        is_number: whether the output is one number, a loss, whose backward may take no upstream gradient.

    Raises:
        Misfit: its parameters cannot be filled.
    """
    parameters = parameters_of(backward)
    if not parameters and takes_anything(backward):
        rest = [Parameter("cache")] if returned.cached else [Parameter("argument", name) for name in names]
        return [*(Parameter("upstream", i) for i in range(returned.outputs)), *rest]
    needed = needed_by(backward, names)
    given = _of_a_loss(needed, returned, names) if is_number else None
    if given is None and returned.cached:
        given = _with_cache(needed, returned, names)
    elif given is None:
        given = _without(needed, returned, names, arrays)
    for p in parameters:
        if p.name == "output":
            given.append(Parameter("output", keyword="output"))
        elif is_rate(p, names):
            given.append(Parameter("rate", keyword=p.name))
        elif p.default is not p.empty and p.name in names:
            given.append(Parameter("argument", p.name, keyword=p.name))
    return given


def _upstream_behind(needed: Sequence[inspect.Parameter], names: Sequence[str]) -> str:
    """The name of the upstream gradient in `backward(x, w, grad)`, which has it last; "" if none."""
    others = [p for p in needed if p.name not in names]
    if len(others) == 1 and needed[0] is not others[0] and is_upstream(others[0], names):
        return others[0].name
    return ""


def takes_upstream_first(backward: Callable[..., Any], names: Sequence[str]) -> bool:
    """Whether a backward without a cache is called as `backward(grad_output, *inputs)`.

    Args:
        backward: a function.
        names: of the forward's arguments.
    """
    needed = needed_by(backward, names)
    if needed and _of_a_loss(needed, Returned(1, cached=False), names) is not None:
        return False
    return not _upstream_behind(needed, names)


def _of_a_loss(
    needed: Sequence[inspect.Parameter], returned: Returned, names: Sequence[str]
) -> list[Parameter] | None:
    """What a loss's backward is given, if that is no upstream gradient: `grad(w, x, y)`, `backward(cache)`.

    Its parameters have the names of the forward's arguments, or are as many and none is called as an
    upstream gradient is; None if it takes one.
    """
    found = [
        Parameter("argument", p.name)
        if p.name in names
        else Parameter("cache")
        if returned.cached and p.name.lower() in CACHES
        else None
        for p in needed
    ]
    as_many = len(needed) == len(names) and not any(is_upstream(p, names) for p in needed)
    if None in found and as_many and not returned.cached:
        found = [Parameter("argument", name) for name in names]
    given = [_keyed(filled, p) for filled, p in zip(found, needed, strict=True) if filled is not None]
    return given if len(given) == len(needed) else None


def _with_cache(
    needed: Sequence[inspect.Parameter], returned: Returned, names: Sequence[str]
) -> list[Parameter]:
    found: list[Parameter | None] = [None] * len(needed)
    by_name = [i for i, p in enumerate(needed) if p.name.lower() in CACHES]
    if by_name:
        cache = by_name[0]
    else:
        cache = 1 if len(needed) == 2 or returned.together else min(returned.outputs, len(needed) - 1)
    if cache < 0 or not needed:
        raise Misfit("the backward must take an upstream gradient and the cache")
    found[cache] = Parameter("cache")
    left = [i for i, p in enumerate(needed) if i != cache]
    upstreams = [i for i in left if needed[i].name not in names] or left
    for i in left:
        if i not in upstreams:
            found[i] = Parameter("argument", needed[i].name)
    if len(upstreams) == returned.outputs:
        for number, i in enumerate(upstreams):
            found[i] = Parameter("upstream", number)
    elif len(upstreams) == 1:
        found[upstreams[0]] = Parameter("upstreams")
    else:
        raise Misfit(_of_upstreams(len(upstreams), returned.outputs))
    return [_keyed(p, needed[i]) for i, p in enumerate(found) if p is not None]


def _without(
    needed: Sequence[inspect.Parameter], returned: Returned, names: Sequence[str], arrays: Sequence[str]
) -> list[Parameter]:
    by_position = [p for p in needed if p.kind is not p.KEYWORD_ONLY]
    own = [p.name for p in by_position]
    if returned.outputs == 1 and (last := _upstream_behind(by_position, names)):
        return [Parameter("upstream", 0) if n == last else Parameter("argument", n) for n in own]
    for count, together in ((returned.outputs, False), (1, True)):
        upstreams = (
            [Parameter("upstreams")]
            if together and returned.outputs > 1
            else [Parameter("upstream", i) for i in range(count)]
        )
        for arguments in (names, arrays):
            if len(own) == len(upstreams) + len(arguments):
                rest = own[len(upstreams) :]
                in_order = arguments if set(rest) != set(arguments) else rest
                return [*upstreams, *(Parameter("argument", name) for name in in_order)]
    known = [name for name in own if name in names]
    count = len(own) - len(known)
    if count == returned.outputs or count == 1:
        numbers = iter(range(count))
        one = count == 1 and returned.outputs > 1
        return [
            Parameter("argument", name)
            if name in names
            else Parameter("upstreams")
            if one
            else Parameter("upstream", next(numbers))
            for name in own
        ]
    raise Misfit(
        f"the backward takes {len(own)} arguments ({', '.join(own)}), expected {returned.outputs} upstream "
        f"gradient{'s' * (returned.outputs > 1)} and {len(names)} inputs ({', '.join(names)})"
    )


def _keyed(parameter: Parameter, of: inspect.Parameter) -> Parameter:
    return parameter._replace(keyword=of.name) if of.kind is of.KEYWORD_ONLY else parameter


def _of_upstreams(given: int, outputs: int) -> str:
    return f"the backward takes {given} upstream gradients, but the forward has {outputs} outputs"


def takes_no_upstream(parameters: Sequence[Parameter]) -> bool:
    """Whether a backward is that of a loss, as its parameters tell."""
    return not any(parameter.source in ("upstream", "upstreams") for parameter in parameters)


def by_name(names: Sequence[str], args: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a forward, by name."""
    return {**dict(zip(names, args, strict=False)), **keywords}


def call(
    backward: Callable[..., Any],
    parameters: Sequence[Parameter],
    upstreams: Sequence[Any],
    arguments: Mapping[str, Any],
    outputs: Sequence[Any],
    cache: Any,
) -> Any:
    """What a backward returns, given what its parameters take of all that there is."""
    given = [(p.keyword, _value_of(p, upstreams, arguments, outputs, cache)) for p in parameters]
    by_position = (value for keyword, value in given if not keyword)
    return backward(*by_position, **{keyword: value for keyword, value in given if keyword})


def _value_of(
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
    if parameter.source == "rate":
        return LARGE_RATE
    if parameter.source == "output":
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
    return arguments[parameter.which]
