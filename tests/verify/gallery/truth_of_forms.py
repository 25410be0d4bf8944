"""Which gradients of a derivation, a loss or a layer are wrong, by differences of numbers alone."""

import inspect
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.verify.gallery.derivation import NamedDerivation

DRAWS = 2
STEP = 1e-5
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))  # exact for polynomials of degree 4
Array = NDArray[Any]


def wrong_names(derivation: NamedDerivation) -> tuple[str, ...]:
    """The inputs and parameters whose gradient is not the slope of the numbers on some draw."""
    rng = np.random.default_rng(5)
    wrong: set[str] = set()
    for _ in range(DRAWS):
        numbers = drawn(derivation, rng)
        upstreams = [rng.standard_normal(np.shape(out)) for out in outputs(derivation, numbers)]
        given = gradients(derivation, numbers, upstreams)
        leaves = {**parameters(derivation.forward), **flat(numbers)}
        assert given, "no gradient is given"
        if derivation.backward is not None:  # a loss may give some gradients only
            assert given.keys() >= drawn_in(derivation), f"{[*given]} of {drawn_in(derivation)}"
        assert given.keys() <= leaves.keys(), f"{[*given]} of {[*leaves]}"
        for name, gradient in given.items():
            due = slope(derivation, numbers, leaves[name], upstreams)
            if not equal(gradient, due):
                wrong.add(name)
    return tuple(name for name in leaves if name in wrong)


def drawn_in(derivation: NamedDerivation) -> set[str]:
    """The arguments that are shapes."""
    return {name for name, x in by_name(derivation).items() if is_shape(x)}


def drawn(derivation: NamedDerivation, rng: np.random.Generator) -> dict[str, Any]:
    """The arguments by name; a shape, or each of a dictionary of shapes, becomes numbers."""
    return {name: _drawn(x, rng) for name, x in by_name(derivation).items()}


def by_name(derivation: NamedDerivation) -> dict[str, Any]:
    if isinstance(derivation.arguments, dict):
        return derivation.arguments
    names = list(inspect.signature(called(derivation)).parameters)
    return dict(zip(names, derivation.arguments, strict=False))


def is_shape(argument: Any) -> bool:
    return isinstance(argument, tuple) and all(isinstance(size, int) for size in argument)


def _drawn(argument: Any, rng: np.random.Generator) -> Any:
    if is_shape(argument):
        return np.asarray(rng.standard_normal(argument))
    if isinstance(argument, dict) and all(isinstance(x, tuple) for x in argument.values()):
        return {name: _drawn(x, rng) for name, x in argument.items()}
    return argument


def called(derivation: NamedDerivation) -> Callable[..., Any]:
    """What takes the arguments: a function, a model's loss, a layer's forward."""
    forward = derivation.forward
    if derivation.against is not None:
        return derivation.against
    return getattr(forward, "loss", None) or getattr(forward, "forward", None) or forward


def flat(numbers: dict[str, Any]) -> dict[str, Array]:
    """The float arrays among them, those of dictionaries by their keys."""
    found = {}
    for name, x in numbers.items():
        if isinstance(x, dict):
            found |= flat(x)
        elif isinstance(x, np.ndarray) and x.dtype.kind == "f":
            found[name] = x
    return found


def parameters(owner: Any) -> dict[str, Array]:
    """What a layer or a model may have a gradient of, by the names of its attributes, keys or places."""
    if inspect.isroutine(owner) or inspect.isclass(owner):
        return {}
    found = {}
    for i, layer in enumerate(getattr(owner, "layers", ())):
        found |= {f"layers[{i}].{name}": x for name, x in parameters(layer).items()}
    kept = getattr(owner, "params", None)
    if isinstance(kept, dict):
        found |= kept
    elif isinstance(kept, list):
        found |= {f"params[{i}]": x for i, x in enumerate(kept)}
    else:
        found |= flat(vars(owner))
    return found


def outputs(derivation: NamedDerivation, numbers: dict[str, Any]) -> list[Any]:
    return _run(derivation, numbers)[0]


def gradients(
    derivation: NamedDerivation, numbers: dict[str, Any], upstreams: Sequence[Array]
) -> dict[str, Array]:
    _, backward = _run(derivation, numbers)
    return backward(upstreams)


Run = tuple[list[Any], Callable[[Sequence[Array]], dict[str, Array]]]


def _run(derivation: NamedDerivation, numbers: dict[str, Any]) -> Run:
    """The outputs, and what gives the gradients by name from as many upstream gradients."""
    arguments = {name: _copy(x, derivation) for name, x in numbers.items()}
    if derivation.against is not None:
        return _run_function(derivation, arguments)
    if derivation.backward is not None:
        return _run_pair(derivation, arguments)
    if hasattr(derivation.forward, "backward"):
        return _run_layer(deepcopy(derivation.forward), arguments)  # a backward may add to what it left
    returned = called(derivation)(**arguments)
    if isinstance(returned[0], dict):  # (grads, loss)
        returned = returned[::-1]
    loss, *rest = returned
    assert np.ndim(loss) == 0
    names = [*parameters(derivation.forward), *flat(arguments)]
    return [loss], lambda upstreams: {
        name: gradient * upstreams[0] for name, gradient in _by_name(rest, names).items()
    }


def _run_pair(derivation: NamedDerivation, arguments: dict[str, Any]) -> Run:
    """A backward that takes each upstream gradient or all as a tuple, then the cache or the arguments."""
    assert derivation.backward is not None
    returned = derivation.forward(**arguments)
    taken = list(inspect.signature(derivation.backward).parameters)
    has_cache = "cache" in taken
    if has_cache:
        *outs, cache = returned
        outs = list(outs[0]) if isinstance(outs[0], tuple) else outs
        rest: Sequence[Any] = [cache]
    else:
        outs = list(returned) if isinstance(returned, tuple) else [returned]
        rest = list(arguments.values())
    several = len(taken) - len(rest) == len(outs)

    def backward(upstreams: Sequence[Array]) -> dict[str, Array]:
        ups = [_like(u, outs[0]) for u in upstreams]
        assert derivation.backward is not None
        given = derivation.backward(*(ups if several else [tuple(ups)]), *rest)
        names = [name for name, x in arguments.items() if _has_gradient(x)]
        return _by_name(given if isinstance(given, tuple | list) else [given], names, [*arguments])

    return outs, backward


def _run_layer(layer: Any, arguments: dict[str, Any]) -> Run:
    """Its `backward` returns the gradients of its inputs and leaves those of its parameters with it."""
    returned = layer.forward(**arguments)
    outs = list(returned) if isinstance(returned, tuple) else [returned]

    def backward(upstreams: Sequence[Array]) -> dict[str, Array]:
        given = layer.backward(*upstreams)
        inputs = _by_name(given if isinstance(given, tuple | list) else [given], [*flat(arguments)])
        return inputs | _left_with(layer)

    return outs, backward


def _left_with(layer: Any) -> dict[str, Array]:
    found = {}
    for i, each in enumerate(getattr(layer, "layers", ())):
        found |= {f"layers[{i}].{name}": x for name, x in _left_with(each).items()}
    kept = getattr(layer, "grads", None)
    if isinstance(kept, dict):
        return found | {_plain(name): x for name, x in kept.items()}
    if isinstance(kept, list):
        return found | {f"params[{i}]": x for i, x in enumerate(kept)}
    return found | {n: getattr(layer, f"d{n}") for n in flat(vars(layer)) if hasattr(layer, f"d{n}")}


def _run_function(derivation: NamedDerivation, arguments: dict[str, Any]) -> Run:
    assert derivation.against is not None
    leaves = {n: x.requires_grad_() if _has_gradient(x) else x for n, x in arguments.items()}
    outs = derivation.forward.apply(*leaves.values())
    outs = list(outs) if isinstance(outs, tuple) else [outs]
    same = derivation.against(*leaves.values())
    assert all(torch.equal(a, b) for a, b in zip(outs, same if len(outs) > 1 else [same], strict=True))
    wanted = {name: x for name, x in leaves.items() if _has_gradient(x)}

    def backward(upstreams: Sequence[Array]) -> dict[str, Array]:
        ups = [_like(u, outs[0]) for u in upstreams]
        return dict(zip(wanted, torch.autograd.grad(outs, [*wanted.values()], ups), strict=True))

    return [out.detach() for out in outs], backward


def _copy(x: Any, derivation: NamedDerivation) -> Any:
    if isinstance(x, dict):
        return {name: _copy(each, derivation) for name, each in x.items()}
    if not isinstance(x, np.ndarray):
        return x
    module = sys.modules[getattr(derivation.forward, "__module__", type(derivation.forward).__module__)]
    return torch.from_numpy(x.copy()) if hasattr(module, "torch") else x.copy()


def _like(upstream: Array, output: Any) -> Any:
    return torch.from_numpy(np.array(upstream)) if isinstance(output, torch.Tensor) else upstream.copy()


def _has_gradient(x: Any) -> bool:
    return (isinstance(x, torch.Tensor) and x.is_floating_point()) or bool(flat({"": x}))


def _by_name(given: Sequence[Any], names: Sequence[str], every: Sequence[str] = ()) -> dict[str, Any]:
    """One gradient for each of `names` or of `every`, or for the first few; a dictionary has them by name."""
    if len(given) == 1 and isinstance(given[0], dict):
        return {_plain(name): x for name, x in given[0].items()}
    if len(given) == len(every):
        return {name: x for name, x in zip(every, given, strict=True) if name in names}
    return dict(zip(names, given, strict=False))


def _plain(name: str) -> str:
    """dW1 is the gradient of W1."""
    return name.removeprefix("d")


def slope(
    derivation: NamedDerivation, numbers: dict[str, Any], leaf: Array, upstreams: Sequence[Array]
) -> Array:
    """Of the sum of all outputs times their upstream gradients, for each number of `leaf`."""
    due = np.zeros(leaf.shape)
    for place in np.ndindex(leaf.shape):
        kept = leaf[place]
        for steps, weight in STENCIL:
            leaf[place] = kept + steps * STEP
            outs = outputs(derivation, numbers)
            value = sum(np.sum(np.asarray(out) * u) for out, u in zip(outs, upstreams, strict=True))
            due[place] += weight * value / STEP
        leaf[place] = kept
    return due


def equal(given: Any, due: Array) -> bool:
    given = np.asarray(given)
    rounding = 1e-8 * max(1, np.abs(due).max(initial=0))
    return given.shape == due.shape and np.allclose(given, due, rtol=1e-7, atol=rounding)
