"""Someone's forward as a function of tensors, whatever it is written in and returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from manual_backprop.derive.arrays.traced import TracedArray, tracing
from manual_backprop.derive.forms import jax_arrays
from manual_backprop.derive.forms.by_numbers import (
    STEPS,
    ByNumbers,
    jacobian,
    random_directions,
    slope_and_error,
)
from manual_backprop.derive.forms.frameworks import Framework, converted, own_array, running

Run = Callable[[Sequence[Any]], tuple[list[Any], Any]]
"""From arrays in the call's slots to the outputs, and what else the forward returns or leaves."""
AGREE = 1e-9
SLOPES_AGREE = 1e-6
ASIDE = 0.01


@dataclass(eq=False)
class Forward:
    """A forward in the framework's own arrays, as a function of tensors.

    Under `torch.no_grad` it is run as it is. With gradients, NumPy code runs on torch tensors where torch has
    its functions; where not, the derivatives are found from its values. Those of JAX code are jax.vjp's.

    Attributes:
        run: what is computed.
        framework: it is written in.
        code: the functions and objects that it calls.
        output: which of several outputs is the value; None for all of them, one behind the other in a vector,
            or for the only one.
        seed: of the global random generators, the same at each call.
    """

    run: Run
    framework: Framework
    code: tuple[Any, ...] = ()
    output: int | None = None
    seed: int = 0
    traceable: bool | None = None
    numbers: dict[bytes, tuple[list[Tensor], float]] = field(default_factory=dict)

    def at_output(self, output: int) -> "Forward":
        """The same with one of the outputs as its value."""
        return Forward(self.run, self.framework, self.code, output, self.seed)

    def with_run(self, run: Run) -> "Forward":
        """The same output of another computation."""
        return Forward(run, self.framework, self.code, self.output, self.seed)

    def __call__(self, *tensors: Tensor) -> Tensor:
        """The value."""
        if self.framework == "torch" or not torch.is_grad_enabled():
            return self.picked(self.outputs(tensors)[0])
        if self.traceable is None:
            self.traceable = self.framework == "numpy" and self._agrees(tensors)
        if self.traceable:
            return self.picked(self.traced(tensors)[0])
        value: Tensor = ByNumbers.apply(self, *tensors)
        return value

    def outputs(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], Any]:
        """All outputs, and what else the forward returns, computed by the code as it is."""
        with running(self.seed):
            found, rest = self.run([own_array(self.framework, x) for x in tensors])
        return [converted(x) for x in found], rest

    def traced(self, tensors: Sequence[Tensor]) -> tuple[list[Tensor], Any]:
        """The same, NumPy's functions being torch's."""
        with running(self.seed), tracing(*self.code):
            found, rest = self.run([TracedArray(x) for x in tensors])
        return [converted(x) for x in found], rest

    def picked(self, outputs: Sequence[Any]) -> Tensor:
        """The output that is the value, or all of them in a vector."""
        if self.output is not None:
            return outputs[self.output]
        if len(outputs) == 1:
            return outputs[0]
        return torch.cat([x.reshape(-1) for x in outputs])

    def parts(self, upstream: Tensor, outputs: Sequence[Tensor]) -> list[Tensor]:
        """The upstream gradients of all outputs, of that of the value."""
        if self.output is not None:
            return [upstream if i == self.output else torch.zeros_like(x) for i, x in enumerate(outputs)]
        if len(outputs) == 1:
            return [upstream]
        sizes = [x.numel() for x in outputs]
        return [g.reshape(x.shape) for g, x in zip(upstream.split(sizes), outputs, strict=True)]

    def gradients(self, inputs: Sequence[Tensor], upstream: Tensor) -> list[Tensor | None]:
        """From values alone: upstream times the Jacobian; None for an input of no real numbers."""
        if self.framework == "jax":
            return self._by_jax(inputs, upstream)
        jacobians = iter(self._jacobian(inputs)[0])
        found = [
            torch.tensordot(upstream.double(), next(jacobians).double(), upstream.dim())
            if x.is_floating_point()
            else None
            for x in inputs
        ]
        return [None if g is None else g.to(x.dtype) for g, x in zip(found, inputs, strict=True)]

    def _by_jax(self, inputs: Sequence[Tensor], upstream: Tensor) -> list[Tensor | None]:
        with running(self.seed):
            arrays = [jax_arrays.to_jax(x) for x in inputs]
            outputs = [converted(x) for x in self.run(arrays)[0]]
            upstreams = [jax_arrays.to_jax(v) for v in self.parts(upstream, outputs)]
            found = jax_arrays.gradient(lambda *xs: self.run(xs)[0], arrays, upstreams)
            return [
                None if g is None else jax_arrays.from_jax(g).to(x)
                for g, x in zip(found, inputs, strict=True)
            ]

    def _jacobian(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], float]:
        key = b"".join(x.detach().cpu().numpy().tobytes() for x in inputs)
        if key not in self.numbers:
            exact = [x.detach().double() if x.is_floating_point() else x.detach() for x in inputs]
            self.numbers[key] = jacobian(self._value, exact)
        return self.numbers[key]

    def _value(self, *tensors: Tensor) -> Tensor:
        with torch.no_grad():
            return self(*tensors)

    @property
    def precision(self) -> float:
        """The relative error of the derivatives, where it is not that of rounding."""
        return max((precision for _, precision in self.numbers.values()), default=0.0)

    @property
    def differentiated_by(self) -> str:
        """How its derivatives are found."""
        if self.framework == "torch" or self.traceable:
            return "autograd"
        if self.framework == "jax":
            return "jax.vjp"
        return "central differences" if self.precision else "complex step"

    def _agrees(self, tensors: Sequence[Tensor]) -> bool:
        """Whether torch's functions in place of NumPy's give the same value, and the slopes of that value.

        At the given numbers or, since these may be at a kink, where nobody's slope is the function's, beside.
        """
        inputs = [_exact(x) for x in tensors]
        aside = {at: ASIDE * u for at, u in random_directions(inputs).items()}
        beside = [x + aside[at] if at in aside else x for at, x in enumerate(inputs)]
        try:
            return any(self._agrees_at(points) for points in (inputs, beside))
        except (Exception, SystemExit):  # whatever torch has no function for
            return False

    def _agrees_at(self, inputs: Sequence[Tensor]) -> bool:
        directions = random_directions(inputs)
        leaves = [x.clone().requires_grad_(at in directions) for at, x in enumerate(inputs)]
        with torch.enable_grad():
            value = self.picked(self.traced(leaves)[0])
        own = self._value(*inputs)
        slopes, uncertainty = slope_and_error(self._value, inputs, directions)
        close = AGREE + STEPS[0] * uncertainty  # in float32, say, another rounding is not another value
        if value.shape != own.shape or not torch.allclose(value.double(), own.double(), close, close):
            return False
        upstream = torch.randn(own.shape, generator=torch.Generator().manual_seed(1), dtype=own.dtype)
        wanted = [leaves[at] for at in directions]
        grads = torch.autograd.grad(value, wanted, upstream.to(value.dtype), materialize_grads=True)
        traced = sum(float((g * directions[at]).sum()) for at, g in zip(directions, grads, strict=True))
        terms = slopes * upstream
        allowed = SLOPES_AGREE * max(float(terms.abs().sum()), 1.0)
        allowed += uncertainty * float(upstream.abs().sum())
        return abs(traced - float(terms.sum())) <= allowed


def _exact(x: Tensor) -> Tensor:
    """Plain numbers in float64, of a tensor that a transform may have wrapped."""
    plain: Tensor = torch.func.debug_unwrap(x).detach()
    return plain.double() if plain.is_floating_point() else plain
