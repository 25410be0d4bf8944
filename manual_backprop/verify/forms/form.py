"""A derivation in any form, and the backward of it that is judged."""

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray, tracing
from manual_backprop.derive.code_syntax import tree_of
from manual_backprop.derive.forms.arguments import Arguments
from manual_backprop.derive.forms.forward import Forward, Run
from manual_backprop.derive.forms.frameworks import (
    Framework,
    as_given,
    converted,
    is_array,
    own_array,
    running,
)
from manual_backprop.verify.forms.gradients import gradients_by_slot

Back = Callable[[Sequence[Any], Sequence[Any], Sequence[Any], Any], Any]
"""From upstream gradients, the arrays in the slots, the outputs and the rest, to what is returned."""


@dataclass(frozen=True, eq=False)
class Form:
    """How a derivation is run.

    Attributes:
        run: the forward, from arrays in the slots to the outputs and what the backward needs besides.
        back: the backward.
        arguments: of the forward.
        names: of all slots: the arrays among the arguments, and the parameters of an object.
        given: of each slot, a tensor or the shape of numbers to draw.
        framework: the forward is written in.
        framework_of_back: the backward is written in.
        upstreams: what the backward calls the upstream gradients.
        code: the function in which the gradients are computed.
        cache: what the backward calls what it is given besides; "" where nothing of that name is unpacked.
        is_loss: whether the backward takes no upstream gradient, which is 1.
        in_one: whether loss and gradients come from one function.
        with_arguments: the forward with other flags and options among its arguments; None if it has none.
        remark: what is to be said of how it is judged.
    """

    run: Callable[[Sequence[Any]], tuple[list[Any], Any]]
    back: Back
    arguments: Arguments
    names: tuple[str, ...]
    given: tuple[Any, ...]
    framework: Framework
    framework_of_back: Framework
    upstreams: tuple[str, ...]
    code: Any
    cache: str = ""
    is_loss: bool = False
    in_one: bool = False
    with_arguments: Callable[[Arguments], Run] | None = None
    remark: str = ""


@dataclass(frozen=True, eq=False)
class FormedBackward:
    """The derivation as a function of the upstream gradient and tensors in all slots.

    Attributes:
        form: of the derivation.
        forward: of the form, which says which output is meant.
    """

    form: Form
    forward: Forward

    @property
    def code(self) -> Any:
        """The function whose lines are quoted."""
        return self.form.code

    def __call__(self, grad_output: Tensor, *inputs: Tensor) -> tuple[Any, ...]:
        """∂L/∂input for each slot, None where there is none."""
        form = self.form
        arrays = [own_array(form.framework, x) for x in inputs]
        with running(self.forward.seed):
            outputs, rest = form.run(arrays)
            parts = self.forward.parts(grad_output, [converted(x) for x in outputs])
            upstreams = [own_array(form.framework_of_back, v) for v in parts]
            returned = form.back(upstreams, self._for_back(arrays), self._for_back(outputs), rest)
        return self._by_slot(returned, inputs, grad_output)

    def follow(
        self,
        grad_output: Tensor,
        inputs: Sequence[Tensor],
        watching: AbstractContextManager[Any],
        know: Callable[[str, Tensor], None],
        computed: Callable[[Tensor], None],
    ) -> tuple[Any, ...]:
        """The same on torch tensors throughout, under `watching` as soon as the derivation begins.

        Args:
            grad_output: the upstream gradient.
            inputs: tensors in all slots.
            watching: sees the steps.
            know: is told the names of the tensors that the derivation is given.
            computed: is told the loss, where the function that computes it is the derivation too.
        """
        form = self.form
        in_numpy = "numpy" in (form.framework, form.framework_of_back)
        arrays = [TracedArray(x) if in_numpy else x for x in inputs]
        with running(self.forward.seed), tracing(*self.forward.code) if in_numpy else nullcontext():
            if form.in_one:
                for name, x in zip(form.names, inputs, strict=True):
                    know(name, x)
                with watching:
                    outputs, rest = form.run(arrays)
                    returned = form.back([as_given(grad_output)], arrays, outputs, rest)
                computed(converted(outputs[0]))
                return self._by_slot(returned, inputs, grad_output)
            outputs, rest = form.run(arrays)
            parts = self.forward.parts(grad_output, [converted(x) for x in outputs])
            for name, v in zip(form.upstreams, parts, strict=False):
                know(name, v)
            for name, x in (*zip(form.names, inputs, strict=True), *self._saved(rest)):
                know(name, x)
            upstreams = [TracedArray(v) if in_numpy else v for v in parts]
            with watching:
                returned = form.back(upstreams, arrays, outputs, rest)
        return self._by_slot(returned, inputs, grad_output)

    def _for_back(self, arrays: Sequence[Any]) -> list[Any]:
        """Arrays of the forward's framework in the backward's."""
        if self.form.framework == self.form.framework_of_back:
            return list(arrays)
        return [own_array(self.form.framework_of_back, converted(x)) for x in arrays]

    def _by_slot(self, returned: Any, inputs: Sequence[Tensor], grad_output: Tensor) -> tuple[Any, ...]:
        form = self.form
        shapes = [tuple(x.shape) for x in inputs]
        found = gradients_by_slot(returned, form.arguments, form.names, shapes, partial=form.is_loss)
        grads = [converted(found.get(slot)) for slot in range(len(form.names))]
        if form.is_loss and float(grad_output) != 1:
            grads = [g * grad_output if isinstance(g, Tensor) else g for g in grads]
        return tuple(grads)

    def _saved(self, rest: Any) -> Iterator[tuple[str, Tensor]]:
        """What was kept for the backward, by the names that it gives it when it unpacks it."""
        unpacked = _unpacked(self.form.code, self.form.cache) if self.form.cache else []
        yield from _named(getattr(rest, "named", rest), unpacked or self.form.cache or "cache")


def _named(value: Any, name: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in what was kept; `name` is that of all of it, or a list of those of its parts."""
    if is_array(value):
        if name:
            yield (name if isinstance(name, str) else "cache"), as_given(value)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named(part, str(key))
    elif isinstance(value, list | tuple):
        for at, part in enumerate(value):
            fits = isinstance(name, list) and len(name) == len(value)
            yield from _named(
                part, name[at] if fits else f"{name if isinstance(name, str) else 'cache'}[{at}]"
            )
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        for key, part in vars(value).items():
            yield from _named(part, str(key))


def _unpacked(function: Any, cache: str) -> list[Any]:
    """The names in `x, w, b = cache`; [] if a function has no such line."""
    tree = tree_of(function)
    if tree is None:
        return []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == cache:
            target = node.targets[0]
            if isinstance(target, ast.Tuple | ast.List):
                return _names_of(target)
    return []


def _names_of(target: ast.Tuple | ast.List) -> list[Any]:
    """The names that something is unpacked to; "" for what is not used."""
    return [
        _names_of(part) if isinstance(part, ast.Tuple | ast.List) else getattr(part, "id", "").strip("_")
        for part in target.elts
    ]
