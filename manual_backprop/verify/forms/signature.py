"""What a backward takes: upstream gradients, the cache, or the forward's arguments."""

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from manual_backprop.derive.array_forward import CACHES as NAMES_OF_CACHES
from manual_backprop.derive.code_syntax import tree_of

CACHES = (*NAMES_OF_CACHES, "tape", "state", "residuals", "intermediates")
UPSTREAM = re.compile(
    r"d|g|v|d[a-zA-Z]\w*|grad\w*|gradient\w*|gout|g_out|up\w*|delta\w*|\w+_grad|\w+_bar|error"
)
"""What people call an upstream gradient."""

RATES = ("learning_rate", "lr", "eta", "step_size")
LARGE_RATE = 2.0**20
"""What is given as learning rate: a change as large as that tells a gradient to its rounding."""

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


class Misfit(Exception):  # noqa: N818 - an answer about what was given
    """A backward whose parameters do not fit what its forward takes and returns."""


@dataclass(frozen=True)
class Returned:
    """How a forward returns its outputs.

    Attributes:
        outputs: how many.
        cached: whether the last thing that it returns is for the backward.
        together: whether the outputs are a tuple or list of their own, beside the cache.
    """

    outputs: int
    cached: bool
    together: bool = False

    def split(self, returned: Any) -> tuple[list[Any], Any]:
        """The outputs, and the cache."""
        if not self.cached:
            return (list(returned) if isinstance(returned, tuple | list) else [returned]), None
        *first, cache = returned
        outputs = list(first[0]) if self.together else first
        return outputs, cache


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The named parameters; none if a signature cannot be read."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # what is written in C may tell no signature
        return []
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def returned_by(
    returned: Any,
    backward: Callable[..., Any],
    names: Sequence[str],
    *,
    cache: bool | None,
    given: Sequence[Any],
    is_array: Callable[[Any], bool],
) -> Returned:
    """How a forward that has returned this returns its outputs.

    Args:
        returned: by the forward.
        backward: which is to take it.
        names: of the forward's arguments.
        cache: whether the forward returns one; None if that is to be found out.
        given: the forward's arguments.
        is_array: whether something is an array or a number.

    Raises:
        Misfit: a cache was announced, and there is none.
    """
    several = isinstance(returned, tuple | list) and len(returned) > 1
    if cache and not several:
        raise Misfit(f"cache=True: the forward must return (output, cache), got {type(returned).__name__}")
    if not several or cache is False:
        return Returned(len(returned) if isinstance(returned, tuple | list) else 1, cached=False)
    if cache is None and not _has_cache(returned, backward, names, given, is_array):
        return Returned(len(returned), cached=False)
    first = returned[0]
    together = len(returned) == 2 and isinstance(first, tuple | list) and not is_array(first)
    return Returned(len(first) if together else len(returned) - 1, cached=True, together=together)


def _has_cache(
    returned: Any,
    backward: Callable[..., Any],
    names: Sequence[str],
    given: Sequence[Any],
    is_array: Callable[[Any], bool],
) -> bool:
    if not is_array(returned[-1]):
        return True
    parameters = [p.name for p in parameters_of(backward)]
    if any(name.lower() in CACHES for name in parameters):
        return True
    without = len(parameters) in (len(returned) + len(names), 1 + len(names))
    with_cache = len(parameters) in (2, len(returned))
    if without and with_cache:
        return parameters[-1] not in names or any(returned[-1] is x for x in given)
    return with_cache


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
    needed = _needed(backward, names)
    given = _of_a_loss(needed, returned, names) if is_number else None
    if given is None and returned.cached:
        given = _with_cache(needed, returned, names)
    elif given is None:
        given = _without(needed, returned, names, arrays)
    for p in parameters:
        if p.name == "output":
            given.append(Parameter("output", keyword="output"))
        elif _is_rate(p, names):
            given.append(Parameter("rate", keyword=p.name))
        elif p.default is not p.empty and p.name in names:
            given.append(Parameter("argument", p.name, keyword=p.name))
    return given


def takes_anything(function: Callable[..., Any]) -> bool:
    """Whether a function has *args, or its signature cannot be read."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.kind is p.VAR_POSITIONAL for p in found)


def _needed(backward: Callable[..., Any], names: Sequence[str]) -> list[inspect.Parameter]:
    """The parameters that must be given something: those without a default, and a `dout=1` that is used."""
    parameters = [p for p in parameters_of(backward) if p.name != "output"]
    needed = [p for p in parameters if p.default is p.empty and not _is_rate(p, names)]
    if any(_is_upstream(p, names) for p in needed):
        return needed
    return [p for p in parameters if p in needed or (_is_upstream(p, names) and _is_used(p, backward))]


def _is_rate(parameter: inspect.Parameter, names: Sequence[str]) -> bool:
    return parameter.name in RATES and parameter.name not in names


def _is_upstream(parameter: inspect.Parameter, names: Sequence[str]) -> bool:
    """Whether it is called as an upstream gradient is, without a default or with that of a loss, 1."""
    named = UPSTREAM.fullmatch(parameter.name) and parameter.name not in names
    return bool(named) and parameter.default in (parameter.empty, 1, None)


def _is_used(parameter: inspect.Parameter, function: Callable[..., Any]) -> bool:
    """Whether the code of a function makes use of a parameter."""
    tree = tree_of(function)
    return tree is not None and any(
        isinstance(node, ast.Name) and node.id == parameter.name for node in ast.walk(tree)
    )


def _upstream_behind(needed: Sequence[inspect.Parameter], names: Sequence[str]) -> str:
    """The name of the upstream gradient in `backward(x, w, grad)`, which has it last; "" if none."""
    others = [p for p in needed if p.name not in names]
    if len(others) == 1 and needed[0] is not others[0] and _is_upstream(others[0], names):
        return others[0].name
    return ""


def takes_upstream_first(backward: Callable[..., Any], names: Sequence[str], *, is_number: bool) -> bool:
    """Whether a backward without a cache is called as `backward(grad_output, *inputs)`.

    Args:
        backward: a function.
        names: of the forward's arguments.
        is_number: whether the output is one number, a loss.
    """
    needed = _needed(backward, names)
    if needed and is_number and _of_a_loss(needed, Returned(1, cached=False), names) is not None:
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
    as_many = len(needed) == len(names) and not any(_is_upstream(p, names) for p in needed)
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
