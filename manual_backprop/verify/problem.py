"""A derivation to be judged, and the inputs it is judged on."""

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.command_line.messages import told, why_undefined
from manual_backprop.derive.writing.dialects import DIALECTS, Dialect


class Unjudged(Exception):  # noqa: N818 - an answer, not a bug
    """Nothing can be said about a derivation, since what is right cannot be found out."""


class Malformed(Exception):  # noqa: N818 - an answer about the derivation, not a bug
    """The derivation cannot be run, or returns something that is not one gradient for each input."""


@dataclass(frozen=True, eq=False)
class Draw:
    """One point at which gradients are compared: inputs, upstream gradient and output."""

    inputs: tuple[Tensor, ...]
    upstream: Tensor
    output: Tensor

    def double(self) -> "Draw":
        """The very same numbers in float64."""
        if all(x.dtype == torch.float64 for x in (*self.inputs, self.upstream) if x.is_floating_point()):
            return self
        inputs = tuple(x.double() if x.is_floating_point() else x for x in self.inputs)
        return Draw(inputs, self.upstream.double(), self.output.double())


@dataclass(frozen=True, eq=False)
class Problem:
    """A forward and the derivation of its gradients.

    Attributes:
        forward: what is computed, from all inputs.
        backward: what was derived; also takes `output` where it has a parameter of that name.
        names: of the inputs.
        differentiable: the positions of the inputs that have a gradient.
        is_loss: whether the derivation takes no upstream gradient, since what it derives is a loss.
        dialect: what both are written in, "torch" or "numpy", and so what is said of them.
        upstream: what the derivation calls the upstream gradient.
    """

    forward: Callable[..., Tensor]
    backward: Callable[..., Any]
    names: tuple[str, ...]
    differentiable: tuple[int, ...]
    is_loss: bool = False
    dialect: str = "torch"
    upstream: str = "grad_output"

    @property
    def language(self) -> Dialect:
        """The words of its dialect."""
        return DIALECTS[self.dialect]

    @property
    def has_convention(self) -> bool:
        """Whether PyTorch says which slope counts at a kink; of NumPy code any between both is right."""
        return getattr(self.forward, "framework", "torch") == "torch"

    @property
    def precision(self) -> float:
        """The relative error of the right gradients, where they are known from values alone; else 0."""
        return float(getattr(self.forward, "precision", 0.0))

    def value(self, inputs: Sequence[Tensor]) -> Tensor:
        """The forward on copies, so that nothing it does to its inputs is felt."""
        with torch.no_grad():
            return self.forward(*(x.clone() for x in inputs))

    def checked_value(self, inputs: Sequence[Tensor]) -> Tensor:
        """The forward's value, the first time that it is asked for.

        Raises:
            Unjudged: it raises, does not return one tensor, modifies its inputs, or is random.
        """
        copies = [x.clone() for x in inputs]
        try:
            with torch.no_grad():
                output = self.forward(*copies)
        except (Exception, SystemExit) as error:  # whatever it is, it is the answer
            raise Unjudged(f"the forward raises {told(error)}") from error
        if not isinstance(output, Tensor) or not output.is_floating_point():
            what = output.dtype if isinstance(output, Tensor) else type(output).__name__
            raise Unjudged(f"the forward must return one floating-point Tensor, got {what}")
        for name, before, after in zip(self.names, inputs, copies, strict=True):
            if not torch.equal(before.nan_to_num(), after.nan_to_num()):
                raise Unjudged(
                    f"the forward modifies its input {name} in place, so that gradients are taken at another "
                    f"point than the given one: let it work on {name}.{self.language.code.copy}()"
                )
        if not torch.equal(output.nan_to_num(), self.value(inputs).nan_to_num()):
            raise Unjudged("the forward returns a different value each time: fix its seed")
        return output

    def tensors(self, draw: Draw) -> list[tuple[str, Tensor]]:
        """What formulas are made of, with its name: the output, and the inputs that hold real numbers."""
        inputs = zip(self.names, draw.inputs, strict=True)
        return [("the output", draw.output), *((name, x) for name, x in inputs if x.is_floating_point())]

    def right(self, draw: Draw, upstream: Tensor | None = None) -> tuple[Tensor, ...]:
        """Autograd's gradients of ⟨upstream, forward⟩, in the order of `differentiable`.

        Raises:
            Unjudged: there are none.
        """
        keeps = not self.has_convention  # torch code may have a backward that can be run once only
        v = draw.upstream if upstream is None else upstream
        try:
            leaves, output = _kept_run(self, draw) if keeps else _run(self, draw)
            wanted = [leaves[i] for i in self.differentiable]
            if not output.requires_grad and not self.has_convention:
                return tuple(map(torch.zeros_like, wanted))  # a branch was taken that has no input in it
            if not output.requires_grad:
                raise Unjudged("no differentiable step leads from the inputs to the forward's output")
            grads = torch.autograd.grad(output, wanted, v, allow_unused=True, retain_graph=keeps)
        except (Exception, SystemExit) as error:
            if isinstance(error, Unjudged):
                raise
            raise Unjudged(f"the forward, differentiated by autograd, raises {told(error)}") from error
        dense = (g if g is None or g.layout is torch.strided else g.to_dense() for g in grads)
        return tuple(torch.zeros_like(x) if g is None else g for g, x in zip(dense, wanted, strict=True))

    def finite_right(self, draw: Draw) -> tuple[Tensor, ...]:
        """Autograd's gradients in float64.

        Raises:
            Unjudged: there are none, they are not finite, or they have no elements.
        """
        right = self.right(draw.double())
        for i, gradient in zip(self.differentiable, right, strict=True):
            if not gradient.isfinite().all():
                index = tuple(int(i) for i in (~gradient.isfinite()).nonzero()[0])
                raise Unjudged(
                    f"for {self.names[i]}, autograd's gradient is {float(gradient[index])} at {list(index)}: "
                    "the forward has no slope there that yours could be compared with"
                )
        if not any(gradient.numel() for gradient in right):
            raise Unjudged("the inputs have no elements: there are no numbers to compare")
        return right

    def given(self, draw: Draw, upstream: Tensor | None = None) -> tuple[Any, ...]:
        """The derivation's gradients, dense and of real numbers, before an engine would sum them into shape.

        Raises:
            Malformed: it raises, or does not return one gradient for each input.
        """
        return as_autograd_takes_them(self.returned(draw, upstream))

    def returned(self, draw: Draw, upstream: Tensor | None = None) -> tuple[Any, ...]:
        """What the derivation returns for each input that has a gradient, of whatever type it is.

        Raises:
            Malformed: it raises, or does not return one gradient for each input.
        """
        v = deepcopy(draw.upstream if upstream is None else upstream)  # a clone would lose expanded strides
        returned = self._run_backward(v, [x.clone() for x in draw.inputs], draw.output.clone())
        grads = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
        if len(grads) == len(self.names):
            return tuple(grads[i] for i in self.differentiable)
        if len(grads) == len(self.differentiable):
            return grads
        raise Malformed(
            f"your derivation returns {len(grads)} gradients for {len(self.names)} inputs "
            f"({', '.join(self.names)})"
        )

    def changed_in_place(self, draw: Draw) -> tuple[str, ...]:
        """The names of what the derivation is given and has written over when it returns.

        Raises:
            Malformed: it raises.
        """
        inputs, v, output = [x.clone() for x in draw.inputs], draw.upstream.clone(), draw.output.clone()
        returned = self._run_backward(v, inputs, output)
        own = isinstance(returned, OwnGradients)
        outputs = (returned.output_before, returned.output) if own else (draw.output, output)
        names = (self.upstream, *self.names, "output")
        before = (draw.upstream, *draw.inputs, outputs[0])
        after = (v, *inputs, outputs[1])
        return tuple(
            name
            for name, old, new in zip(names, before, after, strict=True)
            if not torch.equal(old.nan_to_num(), new.nan_to_num())
        )

    def _run_backward(self, v: Tensor, inputs: Sequence[Tensor], output: Tensor) -> Any:
        extra = {"output": output} if _takes_output(self.backward) else {}
        try:
            return self.backward(v, *inputs, **extra)
        except (Malformed, Unjudged):
            raise
        except (Exception, SystemExit) as error:  # whatever it is, it is the answer
            kind = Unjudged if why_undefined(error) else Malformed  # no mistake of the derivation's
            raise kind(f"your derivation raises {told(error)}") from error


def as_autograd_takes_them(gradients: Sequence[Any]) -> tuple[Any, ...]:
    """Copies: of a sparse gradient as a dense one, of whole numbers and truths as real numbers."""
    return tuple(_dense(g) if isinstance(g, Tensor) else g for g in gradients)


def _dense(gradient: Tensor) -> Tensor:
    copy = gradient.detach().clone()
    dense = copy if copy.layout is torch.strided else copy.to_dense()
    return dense if dense.is_floating_point() or dense.is_complex() else dense.double()


class OwnGradients(tuple[Tensor | None, ...]):
    """The gradients that a function's own backward hands to autograd.

    Attributes:
        output: of the function, after its backward has run; `output_before` is a copy made before.
    """

    output: Tensor
    output_before: Tensor


@dataclass(frozen=True)
class OwnBackward:
    """The derivation that a function has in it: what its own backward hands to autograd.

    Attributes:
        function: of tensors, through which autograd is led.
    """

    function: Callable[..., Tensor]

    def __call__(self, grad_output: Tensor, *inputs: Tensor) -> OwnGradients:
        """∂L/∂input for each input, None where it is no real number."""
        leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
        wanted = [x for x in leaves if x.requires_grad]
        output = self.function(*leaves)
        before = output.detach().clone()
        grads = iter(torch.autograd.grad(output, wanted, grad_output, allow_unused=True))
        own = OwnGradients(next(grads) if x.requires_grad else None for x in leaves)
        own.output, own.output_before = output.detach(), before
        return own


def _takes_output(backward: Callable[..., Any]) -> bool:
    try:
        return "output" in inspect.signature(backward).parameters
    except (TypeError, ValueError):  # what is written in C may tell no signature
        return False


def _run(problem: Problem, draw: Draw) -> tuple[list[Tensor], Tensor]:
    """The forward's output, differentiable with respect to copies of the inputs."""
    leaves = [
        x.detach().clone().requires_grad_(i in problem.differentiable) for i, x in enumerate(draw.inputs)
    ]
    return leaves, problem.forward(*leaves)


_kept_run = lru_cache(maxsize=4)(_run)
"""A few draws are differentiated again and again, and a forward of loops takes long."""
