"""Objects of classes, to be judged: made of arguments that are small, and that fit their names."""

import inspect
import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import numpy as np
import torch

from manual_backprop.derive.forms.frameworks import framework_of, own_array

SIZES = (3, 5, 4, 7, 2, 6)
LARGEST = 8
"""A default size above this is replaced: a network of 3072 inputs has no more to say than one of 3."""
NUMBERS: dict[str, Any] = {
    r"p|prob|keep(_prob)?|drop(out)?(_\w+)?|rate|ratio|momentum": 0.5,
    r"eps(ilon)?": 1e-5,
    r"lr|learning_rate|alpha|slope|negative_slope": 0.1,
    r"reg(ulari[sz]ation)?|weight_decay|lam(bda)?_?|std|sigma": 0.1,
    r"kernel(_size)?|filter_size|pool(_size)?|window|size_pool": 2,
    r"strides?|groups|dilation": 1,
    r"pad(ding)?": 0,
    r"seed|random_state": 0,
}
WEIGHTS = r"[wW]\w{0,3}|weights?|kernels?|filters|U|V|theta"
VECTORS = r"[bB]\w{0,2}|bias(es)?|gamma|beta|scale|shift"


def made_of_guesses(layer: type) -> Iterator[tuple[Any, str]]:
    """Objects of a class, the most plausible first, with their arguments in words; none where all raise."""
    try:
        parameters = [*inspect.signature(layer).parameters.values()]
    except (TypeError, ValueError):
        return
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    for reverse in (False, True):
        arguments = {
            p.name: value for p, value in _guessed(layer, named, reverse=reverse) if value is not p.default
        }
        for given in (arguments, {n: v for n, v in arguments.items() if _is_required(layer, n)}):
            try:
                made = layer(**given)
            except (Exception, SystemExit):  # they do not fit
                continue
            yield made, ", ".join(f"{name}={_shown(value)}" for name, value in given.items())


def _shown(value: Any) -> str:
    return f"array of {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)


def _is_required(layer: type, name: str) -> bool:
    parameter = inspect.signature(layer).parameters[name]
    return parameter.default is parameter.empty


def _guessed(layer: type, parameters: list[inspect.Parameter], *, reverse: bool) -> Iterator[tuple[Any, Any]]:
    """A value for each parameter; its default where that is small."""
    sizes = cycle(SIZES)
    framework = framework_of(layer) or "numpy"
    generator = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return own_array(framework, torch.from_numpy(generator.normal(size=shape)), shared=False)

    for parameter in parameters:
        name, default = parameter.name, parameter.default
        if default is not parameter.empty:
            yield parameter, _small(default, sizes)
            continue
        number = next((value for names, value in NUMBERS.items() if re.fullmatch(names, name)), None)
        if number is not None:
            yield parameter, number
        elif re.fullmatch(WEIGHTS, name):
            yield parameter, drawn(*((5, 3) if reverse else (3, 5)))
        elif re.fullmatch(VECTORS, name):
            yield parameter, drawn(5)
        elif re.fullmatch(r"\w*(sizes|dims|layers|shape)", name):
            yield parameter, (3, 5, 4)
        else:
            yield parameter, next(sizes)


def _small(default: Any, sizes: Iterator[int]) -> Any:
    if isinstance(default, int) and not isinstance(default, bool) and default > LARGEST:
        return next(sizes)
    if isinstance(default, tuple | list) and any(isinstance(n, int) and n > LARGEST for n in default):
        return type(default)(min(n, LARGEST) for n in default)
    return default
