"""From what verify is given to the problems that are judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.code_syntax import returned_by
from manual_backprop.derive.computation import (
    Computation,
    as_function,
    input_names,
    parameters_of,
)
from manual_backprop.derive.forms.arguments import Arguments, arguments_of
from manual_backprop.derive.forms.forward import Forward
from manual_backprop.derive.forms.frameworks import (
    Framework,
    framework_of,
    framework_of_module,
    framework_of_values,
    has_gradient,
    own_array,
    running,
)
from manual_backprop.verify.forms import forms, objects
from manual_backprop.verify.forms.form import Form, FormedBackward
from manual_backprop.verify.problem import Draw, Malformed, OwnBackward, Problem
from manual_backprop.verify.settings import untransformed


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be judged.

    Attributes:
        problem: with all outputs, one behind the other where there are several.
        points: of each input, a tensor or the shape of numbers to draw.
        whole: where there are several outputs, the forward with all of them; `alone`, each by its name.
        remark: what is to be said of inputs that are not judged.
    """

    problem: Problem
    points: tuple[Any, ...]
    whole: Forward | None = None
    alone: tuple[tuple[str, Problem], ...] = ()
    remark: str = ""

    def draws_of(self, output: int, draws: Sequence[Draw]) -> list[Draw]:
        """The draws with one output as the value, and its part of the upstream gradient."""
        assert self.whole is not None
        found = []
        for draw in draws:
            outputs = self.whole.outputs(draw.inputs)[0]
            part = self.whole.parts(draw.upstream, outputs)[output]
            found.append(Draw(draw.inputs, part, outputs[output]))
        return found


def question_of(
    forward: Any, backward: Any, against: Any, given: Any, *, drawn: bool, cache: bool | None, seed: int
) -> Asked:
    """What is asked, in whichever form.

    Args:
        forward: what is computed; `backward` and `against`, as `verify` takes them.
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
        sample = forms.sample_of(arguments.given, 0)
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
    if objects.is_network(forward):
        form = forms.network(forward, arguments, frameworks[0], seed=seed)
    elif objects.is_object(forward):
        form, outputs = forms.layer(forward, arguments, frameworks[0], seed=seed)
    elif backward is None:
        form = forms.loss(forward, arguments, frameworks[0], seed=seed)
    else:
        form, outputs = forms.pair(forward, backward, arguments, names, frameworks, cache=cache, seed=seed)
    whole = Forward(form.run, form.framework, (forward, backward), seed=seed)
    differentiable = _differentiable(form, whole, seed)
    dialect = "numpy" if form.framework_of_back == "numpy" else "torch"

    def problem_of(value: Forward, upstream: str) -> Problem:
        back = FormedBackward(form, value)
        return Problem(value, back, form.names, differentiable, form.is_loss, dialect, upstream)

    problem = problem_of(whole, form.upstreams[0] if len(form.upstreams) == 1 else "grad_output")
    remark = _remark(form, differentiable)
    if outputs == 1:
        return Asked(problem, form.given, remark=remark)
    said, _ = returned_by(objects.called(forward) if objects.is_object(forward) else forward)
    upstreams = form.upstreams if len(form.upstreams) == outputs else ("grad_output",) * outputs
    alone = tuple(
        (_name_of(said, i, outputs), problem_of(whole.at_output(i), upstreams[i])) for i in range(outputs)
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
    sample = forms.sample_of(form.given, seed)
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


def compared(forward: Computation, against: Computation, arguments: Arguments, seed: int) -> Asked:
    """A computation with a backward of its own, against a reference."""
    parameters = parameters_of(forward)
    names = (*arguments.names, *parameters)
    points = (*arguments.given, *parameters.values())
    real = tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point())
    needed = tuple(i for i in real if i not in arguments.kept)

    def of(computation: Computation) -> Forward:
        function = as_function(computation, tuple(parameters))

        def run(tensors: Sequence[Any]) -> tuple[list[Any], Any]:
            count = len(arguments.names)
            args, keywords = arguments.filled(tensors[:count])
            returned: Any = function(*args, *tensors[count:], **keywords)
            outputs = list(returned) if isinstance(returned, tuple | list) else [returned]
            return [x for x in outputs if has_gradient(x)], None

        jax = framework_of(computation) == "jax"
        return Forward(run, "jax" if jax else "torch", seed=seed)

    judged, reference = of(forward), of(against)
    sample = forms.sample_of(points, seed)
    outputs, ours = [_first_outputs(each, sample, seed) for each in (reference, judged)]
    if [x.shape for x in outputs] != [x.shape for x in ours]:
        raise Malformed(
            f"yours returns outputs of shapes {[tuple(x.shape) for x in ours]}, the reference "
            f"{[tuple(x.shape) for x in outputs]}"
        )
    problem = Problem(reference, OwnBackward(judged), names, needed)
    if len(outputs) == 1:
        return Asked(problem, points)
    alone = tuple(
        (f"output {i}", Problem(reference.at_output(i), OwnBackward(judged.at_output(i)), names, needed))
        for i in range(len(outputs))
    )
    return Asked(problem, points, reference, alone)


def _first_outputs(forward: Forward, sample: Sequence[Tensor], seed: int) -> list[Tensor]:
    found: list[Tensor] = forms.first_run(lambda: forward.outputs(sample)[0], seed)
    return found


def is_plain(
    forward: Any,
    backward: Any,
    against: Any,
    arguments: Arguments,
    frameworks: tuple[Framework, Framework],
    cache: bool | None,
) -> bool:
    """Whether it is one function of tensors, written in torch, with one output and a backward of its own."""
    if frameworks != ("torch", "torch") or not arguments.is_plain or cache:
        return False
    if against is None and (backward is None or objects.is_object(forward)):
        return False
    if against is None and arguments.kept:
        return False
    if framework_of(against) == "jax":
        return False
    function = as_function(forward, tuple(parameters := parameters_of(forward)))
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            returned = function(
                *(x.clone() for x in forms.sample_of(arguments.given, 0)), *parameters.values()
            )
    except (Exception, SystemExit):  # it is told when it is judged
        return True
    return not isinstance(returned, tuple | list)


def plainly(forward: Any, backward: Any, against: Any, arguments: Arguments) -> Asked:
    """A pair of functions of tensors, or two that are compared."""
    parameters = parameters_of(forward)
    judged = as_function(forward, tuple(parameters))
    points = (*arguments.given, *(untransformed(x) for x in parameters.values()))
    problem = Problem(
        judged if against is None else as_function(against, tuple(parameters)),
        backward if backward is not None else OwnBackward(judged),
        (*arguments.names, *parameters),
        tuple(i for i, x in enumerate(points) if not isinstance(x, Tensor) or x.is_floating_point()),
    )
    return Asked(problem, points)
