"""From what verify is given to the problems that are judged."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.code_syntax import returned_by
from manual_backprop.derive.computation import input_names
from manual_backprop.derive.forms.arguments import Arguments, arguments_of
from manual_backprop.derive.forms.forward import Forward
from manual_backprop.derive.forms.frameworks import (
    Framework,
    framework_of,
    framework_of_module,
    framework_of_values,
    own_array,
    running,
)
from manual_backprop.derive.numbers import sample_of
from manual_backprop.verify.forms import forms, held, objects
from manual_backprop.verify.forms.form import Form, FormedBackward
from manual_backprop.verify.forms.numbers import with_numbers_as_slots
from manual_backprop.verify.forms.of_objects import of_object
from manual_backprop.verify.forms.of_tensors import compared, is_plain, plainly
from manual_backprop.verify.forms.question import Asked
from manual_backprop.verify.problem import Problem


def question_of(
    forward: Any, backward: Any, against: Any, given: Any, *, drawn: bool, cache: bool | None, seed: int
) -> Asked:
    """What is asked, in whichever form.

    Args:
        forward: what is computed, as `verify` takes it.
        backward: likewise.
        against: likewise.
        given: its arguments, by position or by name.
        drawn: whether a tuple of integers among them is the shape of numbers to draw.
        cache: whether the forward returns a cache; None if that is to be found out.
        seed: of the random numbers.

    Raises:
        Misfit: the derivation has no form that is known.
        Malformed, Unjudged: it cannot be judged, as its first run tells.
    """
    arguments, names = arguments_for(forward, given, drawn=drawn)
    frameworks = frameworks_of(forward, backward, arguments, given)
    if is_plain(forward, backward, against, arguments, frameworks, cache):
        return plainly(forward, backward, against, arguments)
    if against is not None:
        return compared(forward, against, arguments, seed)
    return asked(forward, backward, arguments, names, frameworks, cache=cache, seed=seed)


def arguments_for(
    forward: Any, given: Sequence[Any] | Mapping[str, Any], *, drawn: bool
) -> tuple[Arguments, tuple[str, ...]]:
    """The arguments of a forward, of which there are arrays, and the names of all of them."""
    called = objects.called(forward) if objects.is_object(forward) else forward
    names = input_names(called, len(given)) if not isinstance(given, Mapping) else tuple(given)
    return arguments_of(given, lambda count: input_names(called, count), drawn=drawn), names


def frameworks_of(
    forward: Any, backward: Any, arguments: Arguments, given: Any
) -> tuple[Framework, Framework]:
    """What forward and backward are written in: by their code, by the inputs, or by trying."""
    values = framework_of_values([given])
    ahead, back = framework_of(forward), framework_of(backward) if backward is not None else None
    if ahead is None and back == "numpy":  # one in torch may have a backward in NumPy
        ahead = _by_trying(forward, arguments, ("numpy", "torch"))
    first = ahead or back or values or _by_module(forward, arguments)
    return first, back or first


def _by_module(forward: Any, arguments: Arguments) -> Framework:
    """What its module imports; where that does not tell, NumPy if only that does not raise."""
    of_module = framework_of_module(forward)
    if of_module is not None or objects.is_object(forward):
        return of_module or "numpy"
    return _by_trying(forward, arguments, ("torch", "numpy"))


def _by_trying(forward: Any, arguments: Arguments, frameworks: Sequence[Framework]) -> Framework:
    """The first in which a forward does not raise; if there is none, the first."""
    for framework in frameworks:
        sample = sample_of(arguments.given, 0)
        args, keywords = arguments.filled([own_array(framework, x, shared=False) for x in sample])
        try:
            with torch.no_grad(), running(0):
                forward(*args, **keywords)
        except (Exception, SystemExit):
            continue
        return framework
    return frameworks[0]


def asked(
    forward: Any,
    backward: Callable[..., Any] | None,
    arguments: Arguments,
    names: Sequence[str],
    frameworks: tuple[Framework, Framework],
    *,
    cache: bool | None,
    seed: int,
) -> Asked:
    """A derivation in one of its forms.

    Raises:
        Misfit: it has none of them.
        Unjudged: its forward raises something.
    """
    outputs = 1
    if backward is not None and held.are_methods_of_one(forward, backward):
        own = forward.__name__, backward.__name__
        form, outputs = of_object(forward.__self__, own, arguments, names, frameworks[0], seed=seed)
    elif objects.is_object(forward):
        form, outputs = of_object(forward, None, arguments, names, frameworks[0], seed=seed)
    elif backward is None:
        form = forms.loss(forward, arguments, frameworks[0], seed=seed)
    else:
        form, outputs = forms.pair(forward, backward, arguments, names, frameworks, cache=cache, seed=seed)
    if not objects.is_object(forward):
        with_numbers = with_numbers_as_slots(form, names, seed)
        if with_numbers is not arguments:
            return asked(forward, backward, with_numbers, names, frameworks, cache=cache, seed=seed)
    whole = Forward(form.run, form.framework, (forward, backward), seed=seed)
    differentiable = _differentiable(form, whole, seed)
    dialect = "numpy" if form.framework_of_back == "numpy" else "torch"

    def problem_of(value: Forward, upstream: str) -> Problem:
        back = FormedBackward(form, value)
        return Problem(value, back, form.names, differentiable, form.is_loss, dialect, upstream)

    problem = problem_of(whole, form.upstreams[0] if len(form.upstreams) == 1 else "grad_output")
    remark = " ".join(filter(None, (form.remark, _remark(form, differentiable))))
    if outputs == 1:
        return Asked(problem, form.given, remark=remark)
    called, _ = returned_by(objects.called(forward) if objects.is_object(forward) else forward)
    upstreams = form.upstreams if len(form.upstreams) == outputs else ("grad_output",) * outputs
    alone = tuple(
        (_name_of(called, i, outputs), problem_of(whole.at_output(i), upstreams[i])) for i in range(outputs)
    )
    return Asked(problem, form.given, whole, alone, remark)


def _remark(form: Form, differentiable: Sequence[int]) -> str:
    """Which inputs of real numbers have no gradient, though a loss that returns some could return theirs."""
    left = [
        name
        for i, (name, x) in enumerate(zip(form.names, form.given, strict=True))
        if i not in differentiable
        and i not in form.arguments.kept
        and (not isinstance(x, Tensor) or x.is_floating_point())
    ]
    return f"Not judged, since no gradient is returned: {', '.join(left)}." if left else ""


def _name_of(said: Sequence[str], output: int, outputs: int) -> str:
    if len(said) in (outputs, outputs + 1) and said[output]:
        return said[output]
    return f"output {output}"


def _differentiable(form: Form, forward: Forward, seed: int) -> tuple[int, ...]:
    """The slots whose gradient is judged: of real numbers, and no masks or options without one."""
    sample = sample_of(form.given, seed)
    real = [i for i, x in enumerate(sample) if x.is_floating_point()]
    kept = form.arguments.kept
    if not kept and not form.is_loss:
        return tuple(real)
    try:
        with torch.no_grad():
            value = forward(*sample)
            returned = FormedBackward(form, forward)(torch.ones_like(value), *(x.clone() for x in sample))
    except (Exception, SystemExit):  # it is told when it is judged
        return tuple(i for i in real if i not in kept)
    found = {i for i in real if returned[i] is not None}
    if form.is_loss:  # siblings of what has a gradient have one, too
        count = len(form.arguments.names)
        needed = {i for group in form.arguments.groups if found & set(group) for i in group}
        return tuple(i for i in real if i in found or (i in needed and i not in kept) or i >= count)
    return tuple(i for i in real if i in found or i not in kept)
