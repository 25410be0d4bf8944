"""Making the steps: the model is run, differentiated, tried with other learning rates, and put back."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from manual_backprop.record.code import name_in_code
from manual_backprop.record.compare import compare, may_be_walked_early, visited_early
from manual_backprop.record.step import Parameter, Step
from manual_backprop.record.trace import Trace

RANGE = [2.0**k for k in range(-6, 7)]  # learning rates beside the step's own


def steps_of(
    model: Callable[..., Any],
    inputs: tuple[Any, ...],
    loss: Callable[..., Tensor] | None,
    lr: float,
    count: int,
) -> list[Step]:
    """Make `count` steps of gradient descent and leave the model as it was.

    There are gradients also where the caller has turned them off.
    """
    _check(model, inputs, loss, lr, count)
    with torch.inference_mode(False), torch.enable_grad():
        model = _outside_inference_mode(model)
        leaves, given = _leaves(model, inputs)
        for name, leaf in leaves.items():
            if leaf.is_meta:
                raise ValueError(f"record: {name} is on the meta device, where a tensor has no numbers")
        problem = _Problem(model, tuple(given), leaves, loss)
        state = (*leaves.values(), *_buffers(model).values())
        with _as_they_were(state), torch.random.fork_rng(devices=[]):
            return [problem.step(lr, last=number == count - 1) for number in range(count)]


class _Problem:
    """A loss as a function of the parameters, or of the inputs that require a gradient."""

    def __init__(self, model: Any, inputs: tuple[Any, ...], leaves: dict[str, Tensor], loss: Any) -> None:
        self.model, self.inputs, self.leaves, self.loss = model, inputs, leaves, loss
        self.learned = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        parameters = {id(p) for p in _parameters(model).values()}
        self.kinds = {
            name: "parameter" if id(leaf) in parameters else "input" for name, leaf in leaves.items()
        }
        self.buffers = _buffers(model)

    def step(self, lr: float, last: bool) -> Step:
        before = {name: leaf.detach().clone() for name, leaf in self.learned.items()}
        random = torch.get_rng_state()
        trace, result = self.watched()
        _check_loss(result)
        if not self.learned:
            raise ValueError(
                "record: nothing to differentiate with respect to; "
                "give a module, or inputs that require a gradient"
            )
        trace.finish(result)
        few = may_be_walked_early(trace)
        gradients = torch.autograd.grad(
            result, list(self.learned.values()), allow_unused=True, retain_graph=few
        )
        for (name, leaf), gradient in zip(self.learned.items(), gradients, strict=True):
            value = trace.values[id(leaf)]
            value.tensor, value.gradient = before[name], gradient
            value.symbol = value.symbol or name
        for call in trace.calls:
            compare(call)
        early = visited_early(trace, result, self.learned) if few else {}
        for call in trace.calls:
            call.aliases, call.result = {}, None  # the graph may go
        lrs = sorted({0.0, lr, *(lr * factor for factor in RANGE)})
        with _as_they_were(self.buffers.values()):  # running statistics change once in a step
            losses = [float(result.detach()) if not rate else self.after(rate, trace, random) for rate in lrs]
        if not last:
            with torch.no_grad():
                for leaf in self.learned.values():
                    slope = trace.values[id(leaf)].gradient
                    if slope is not None:
                        leaf.sub_(slope, alpha=lr)
        seen = chain.from_iterable((*call.inputs, *call.outputs) for call in trace.calls)
        values = list(dict.fromkeys((*seen, trace.values[id(result)])))
        leaves = [trace.values[id(leaf)] for leaf in self.leaves.values()]
        name_in_code(sorted(values, key=lambda value: value not in leaves))  # x before what is made of it
        parameters = [
            Parameter(
                value,
                lr,
                max((call.ulps[at] for call, at in value.places() if at in call.ulps), default=None),
            )
            for value in (trace.values[id(leaf)] for leaf in self.learned.values())
        ]
        return Step(trace.calls, values, parameters, float(result.detach()), lr, lrs, losses, early)

    def watched(self) -> tuple[Trace, Tensor]:
        """The forward pass, and the loss."""
        trace = Trace(self.buffers | self.leaves, dict.fromkeys(self.buffers, "constant") | self.kinds)
        with torch.enable_grad(), trace.watching(self.model):
            return trace, self.evaluate(trace)

    def evaluate(self, trace: Trace | None = None) -> Tensor:
        if self.loss is None:
            return self.model(*self.inputs)
        outputs = self.model(*self.inputs[:-1])
        if trace is not None:
            trace.places.append("loss")
        return self.loss(outputs, self.inputs[-1])

    def after(self, rate: float, trace: Trace, random: Tensor) -> float:
        """The loss after w ← w − η ∂L/∂w, the same dropout and all."""
        moved = [(leaf, trace.values[id(leaf)]) for leaf in self.learned.values()]
        torch.set_rng_state(random)
        with torch.no_grad():
            for leaf, value in moved:
                if value.gradient is not None:
                    leaf.copy_(torch.sub(value.tensor, value.gradient, alpha=rate))
            try:
                return float(self.evaluate())
            finally:
                for leaf, value in moved:
                    leaf.copy_(value.tensor)


def _check(model: Any, inputs: tuple[Any, ...], loss: Any, lr: float, count: int) -> None:
    if not callable(model):
        raise TypeError(f"record: model must be a module or a function, got {type(model).__name__}")
    if loss is not None and not callable(loss):
        raise TypeError(f"record: loss must be a function of output and target, got {type(loss).__name__}")
    if loss is not None and len(inputs) < 2:
        raise TypeError("record: with a loss, give the model's inputs and then the target")
    if not (isfinite(lr) and lr > 0):
        raise ValueError(f"record: lr must be a positive number, got {lr}")
    if count < 1:
        raise ValueError(f"record: steps must be at least 1, got {count}")


def _check_loss(result: Any) -> None:
    if not isinstance(result, Tensor) or result.numel() != 1:
        given = f"shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
        raise ValueError(f"record: the loss must be a single number, got {given}; pass loss= to compute one")
    if not result.requires_grad:
        raise ValueError("record: the loss does not depend on anything that requires a gradient")


def _parameters(model: Any) -> dict[str, Tensor]:
    return dict(model.named_parameters()) if isinstance(model, nn.Module) else {}


def _buffers(model: Any) -> dict[str, Tensor]:
    return dict(model.named_buffers()) if isinstance(model, nn.Module) else {}


def _leaves(model: Any, inputs: tuple[Any, ...]) -> tuple[dict[str, Tensor], list[Any]]:
    """Parameters and inputs by name; numbers become tensors that require a gradient, on their own copies."""
    names = _names(model, len(inputs))
    given: list[Any] = []
    for value in map(_outside_inference_mode, inputs):
        if isinstance(value, float):
            value = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        elif isinstance(value, Tensor) and value.requires_grad:
            value = value.detach().clone().requires_grad_()
        given.append(value)
    leaves = _parameters(model) | {
        name: value for name, value in zip(names, given, strict=True) if isinstance(value, Tensor)
    }
    return leaves, given


def _outside_inference_mode(value: Any) -> Any:
    """A copy of a tensor, or a module, that was made in inference mode and can have no gradients."""
    if isinstance(value, Tensor):
        return value.clone() if value.is_inference() else value
    held = (*_parameters(value).values(), *_buffers(value).values())
    return deepcopy(value) if any(tensor.is_inference() for tensor in held) else value


def _names(model: Any, count: int) -> list[str]:
    if isinstance(model, nn.Module):
        return ["x", "y"] if count == 2 else ["x", *(f"x{i}" for i in range(1, count))][:count]
    try:
        names = [p.name for p in inspect.signature(model).parameters.values() if p.kind in (0, 1)]
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"x{i}" for i in range(len(names), count))][:count]


@contextmanager
def _as_they_were(tensors: Iterable[Tensor]) -> Iterator[None]:
    """What a step changes is put back."""
    kept = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in kept:
                if not torch.equal(tensor, before):
                    tensor.copy_(before)
