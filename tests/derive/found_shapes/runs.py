"""Functions run on arguments that are found, and the shapes that a reader expects for them."""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from manual_backprop.derive.found_shapes import BackwardFails, Found, found_arguments

CASES: list["Case"] = []


@dataclass(frozen=True)
class Case:
    """A function, its backward, and the shapes expected: "N D, D M, N int", or one of several with |."""

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    expected: str
    torch: bool

    def __str__(self) -> str:
        return f"{self.forward.__module__.split('.')[-1]}.{self.forward.__name__}"

    @property
    def parameters(self) -> list[inspect.Parameter]:
        return [p for p in inspect.signature(self.forward).parameters.values() if p.default is p.empty]

    def find(self) -> Found:
        functions = [f for f in (self.forward, self.backward) if f]
        return found_arguments(self.runs, self.parameters, functions)

    def runs(self, arguments: list[Any]) -> int:
        generator = np.random.default_rng(0)
        inputs: list[np.ndarray] = []

        def drawn(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: drawn(entry) for key, entry in value.items()}
            if isinstance(value, tuple):
                value = generator.uniform(0.1, 0.9, value)
                inputs.append(value)
            return torch.from_numpy(value) if self.torch and isinstance(value, np.ndarray) else value

        arrays = [drawn(value) for value in arguments]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            named = {
                p.name: a for p, a in zip(self.parameters, arrays, strict=True) if p.kind is p.KEYWORD_ONLY
            }
            returned = self.forward(*arrays[: len(arrays) - len(named)], **named)
            for output in returned if isinstance(returned, tuple) else (returned,):
                if isinstance(output, np.ndarray | torch.Tensor) and 0 in output.shape:
                    raise ValueError("the output is empty")
            if self.backward is None:
                gradients = returned[1] if isinstance(returned, tuple) else None
                return 0 if gradients is None else misfits(gradients, [i.shape for i in inputs])
            taken = list(inspect.signature(self.backward).parameters)
            outputs, rest = split(returned, "cache" in taken, arrays)
            try:
                gradients = self.backward(*(output * 0 + 1.0 for output in outputs), *rest)
            except Exception as error:
                raise BackwardFails from error
        return misfits(gradients, [i.shape for i in inputs])


def split(returned: Any, cached: bool, arrays: list[Any]) -> tuple[list[Any], list[Any]]:
    outputs = list(returned) if isinstance(returned, tuple) else [returned]
    return (outputs[:-1], outputs[-1:]) if cached else (outputs, arrays)


def misfits(gradients: Any, shapes: list[tuple[int, ...]]) -> int:
    if isinstance(gradients, dict):
        gradients = [*gradients.values()]
    given = [
        tuple(np.shape(g))
        for g in (gradients if isinstance(gradients, list | tuple) else [gradients])
        if g is not None
    ]
    return sum(a != b for a, b in zip(given, shapes, strict=False)) + abs(len(given) - len(shapes))


def case(forward: Callable[..., Any], backward: Callable[..., Any] | None, expected: str) -> None:
    source = inspect.getmodule(forward)
    CASES.append(Case(forward, backward, expected, "torch" in source.__name__.split(".")[-1]))


def fits(arguments: list[Any], expected: str) -> bool:
    """Whether equal letters are equal sizes, and others are not, but in images."""
    return any(_fits(arguments, [part.strip() for part in one.split(",")]) for one in expected.split("|"))


def _fits(arguments: list[Any], parts: list[str]) -> bool:
    pairs = [pair for value, part in zip(arguments, parts, strict=True) for pair in _pairs(value, part)]
    if not all(pairs):
        return False
    sizes = dict(pair for pair in pairs if isinstance(pair, tuple))
    images = any(len(part.split()) > 3 for part in parts)
    return all(sizes[symbol] == size for symbol, size in (p for p in pairs if isinstance(p, tuple))) and (
        images or len(set(sizes.values())) == len(sizes)
    )


def _pairs(value: Any, part: str) -> Iterator[Any]:
    if part.startswith("="):
        yield repr(value) == part[1:].strip()
    elif part.startswith("{"):
        entries = dict(entry.split(":") for entry in part.strip("{}").split(";") if entry)
        yield isinstance(value, dict) and {k.strip() for k in entries} == set(value)
        for key, entry in entries.items():
            yield from _pairs(value.get(key.strip()), entry.strip())
    else:
        symbols = part.removeprefix("()").split()
        kind = symbols.pop() if symbols and symbols[-1] in ("int", "one-hot", "truth") else "float"
        shape = value if isinstance(value, tuple) else getattr(value, "shape", None)
        yield shape is not None and len(shape) == len(symbols)
        yield isinstance(value, tuple) == (kind == "float")
        if kind == "one-hot":
            yield not isinstance(value, tuple) and bool((value.sum(-1) == 1).all())
        for symbol, size in zip(symbols, shape or (), strict=False):
            factor, name = re.fullmatch(r"(\d*)(\D*\d*)", symbol).groups()
            if not name:
                yield size == int(factor)
            else:
                yield size % int(factor or 1) == 0
                yield name, size // int(factor or 1)
