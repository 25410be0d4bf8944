"""The package's own functions by name: what each is judged with, and how it is called."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor

from manual_backprop.derive.computation import NamedInputs
from manual_backprop.functional.operation import PUBLIC
from manual_backprop.functional.operation.registry import Public

OWN = {name: PUBLIC[name] for name in sorted(PUBLIC) if PUBLIC[name].example}


def own(name: str) -> tuple[NamedInputs, Callable[..., Tensor], list[Any]]:
    """The function and its twin, as functions of tensors alone, and what to judge them with."""
    public = OWN[name]
    assert public.example
    example = public.example
    function = NamedInputs(example.called(public.function), names_of(public))
    return function, example.called(public.twin), [*example.inputs]


def names_of(public: Public) -> tuple[str, ...]:
    """What the function calls each input of its example, "weight" or "tensors[0]", seen from a call of it."""
    assert public.example
    marks: list[Any] = [object() for _ in public.example.inputs]
    names: dict[int, str] = {}

    def note(*arguments: Any, **options: Any) -> Any:
        bound = inspect.signature(public.function).bind(*arguments, **options)
        for name, value in bound.arguments.items():
            names.update((id(part), place) for place, part in _parts(name, value))
        raise _Noted

    with suppress(_Noted):
        public.example.called(note)(*marks)
    return tuple(names[id(mark)] for mark in marks)


class _Noted(Exception):  # noqa: N818 - what is called need not go on
    """The arguments have been seen."""


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, value
    if isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield from _parts(f"{name}[{at}]", part)
