"""Which gradients of a NumPy derivation are wrong, by central differences of its forward and nothing else."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.verify.gallery.derivation import NamedDerivation

STEP = 1e-5
DRAWS = 2


def wrong_names(derivation: NamedDerivation) -> tuple[str, ...]:
    """The inputs whose gradient is not the forward's on some draw."""
    generator = np.random.default_rng(5)
    arguments = derivation.arguments
    assert isinstance(arguments, tuple), "given in order"
    parameters = list(inspect.signature(derivation.forward).parameters)
    wrong: set[str] = set()
    for _ in range(DRAWS):
        point = [generator.standard_normal(a) if is_shape(a) else a for a in arguments]
        drawn = [i for i, a in enumerate(arguments) if is_shape(a)]
        first = outputs_of(derivation, point)
        upstream = [generator.standard_normal(y.shape) if derivation.backward else np.ones(()) for y in first]
        given = gradients(derivation, point, upstream, [parameters[i] for i in drawn])
        assert len(given) == len(drawn), f"{len(given)} gradients of {len(drawn)} inputs"

        def loss(point: list[Any], upstream: list[Any] = upstream) -> float:
            return sum(
                float((g * y).sum()) for g, y in zip(upstream, outputs_of(derivation, point), strict=True)
            )

        for i, gradient in zip(drawn, given, strict=True):
            if not equal(gradient, differences(loss, point, i)):
                wrong.add(parameters[i])
    return tuple(name for name in parameters if name in wrong)


def is_shape(argument: Any) -> bool:
    return isinstance(argument, tuple) and all(type(n) is int for n in argument)


def outputs_of(derivation: NamedDerivation, point: list[Any]) -> list[Any]:
    """What the forward returns before its cache, or the loss."""
    (*outputs, _) = derivation.forward(*copy.deepcopy(point))
    return outputs


def gradients(
    derivation: NamedDerivation, point: list[Any], upstream: list[Any], names: list[str]
) -> tuple[Any, ...]:
    """In the order of the inputs; a dictionary has that of W1 as "W1" or "dW1"."""
    (*_, last) = derivation.forward(*copy.deepcopy(point))
    returned = derivation.backward(*copy.deepcopy(upstream), last) if derivation.backward else last
    if isinstance(returned, dict):
        assert len(returned) == len(names), f"{[*returned]} for {names}"
        return tuple(returned[name] if name in returned else returned["d" + name] for name in names)
    return tuple(returned) if isinstance(returned, tuple | list) else (returned,)


def differences(loss: Callable[[list[Any]], float], point: list[Any], at: int) -> Any:
    x = point[at]
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = x.copy()
            moved[place] += step
            ends.append(loss([*point[:at], moved, *point[at + 1 :]]))
        gradient[place] = (ends[0] - ends[1]) / (2 * STEP)
    return gradient


def equal(given: Any, due: Any) -> bool:
    return np.shape(given) == np.shape(due) and np.allclose(given, due, rtol=1e-6, atol=1e-7)
