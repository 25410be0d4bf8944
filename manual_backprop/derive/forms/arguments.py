"""The arguments of a call: the arrays among them, by name, and what is passed on as it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from manual_backprop.derive.forms.frameworks import as_given, is_array, is_mask, is_real
from manual_backprop.derive.forms.given import is_shape

Key = str | int


class Slot(NamedTuple):
    """Stands for an array in a call's arguments."""

    number: int


@dataclass(frozen=True, eq=False)
class Arguments:
    """A call, with a slot for each of its arrays.

    Attributes:
        positional: by position, with slots.
        keywords: by name, with slots.
        names: of the slots.
        given: of each slot, the tensor that was given, or a shape for which numbers are to be drawn.
        kept: the slots that need no gradient: masks, and arrays among options.
    """

    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]
    names: tuple[str, ...]
    given: tuple[Tensor | tuple[int, ...], ...]
    kept: frozenset[int] = frozenset()

    @property
    def values(self) -> list[Any]:
        """All arguments, with slots."""
        return [*self.positional, *self.keywords.values()]

    def filled(self, arrays: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with these arrays in their slots; the rest is copied, since code writes to it."""
        return (
            [_filled(x, arrays) for x in self.positional],
            {name: _filled(x, arrays) for name, x in self.keywords.items()},
        )

    def options(self) -> Iterator[tuple[tuple[Key, ...], Any]]:
        """Numbers, truths and texts that are passed on as they are, and where: (1, "stride")."""
        yield from _options(self.positional, ())
        yield from _options(self.keywords, ())

    def with_option(self, path: Sequence[Key], value: Any) -> "Arguments":
        """The same call with another value at a place."""
        positional, keywords = self.positional, self.keywords
        if isinstance(path[0], int):
            positional = _replaced(positional, path, value)
        else:
            keywords = _replaced(keywords, path, value)
        return replace(self, positional=positional, keywords=keywords)

    def with_slots(self, names: Mapping[tuple[Key, ...], str]) -> "Arguments":
        """The same call with slots for the numbers at these places, called so."""
        if not names:
            return self
        values, found = dict(self.options()), self
        for number, path in enumerate(names, start=len(self.names)):
            found = found.with_option(path, Slot(number))
        order = [slot.number for x in found.values for slot in slots_in(x)]
        in_order = sorted(range(len(order)), key=order.__getitem__)
        positional, keywords = found.filled([Slot(number) for number in in_order])
        all_names = (*self.names, *names.values())
        given = (*self.given, *(torch.tensor(float(values[path]), dtype=torch.float64) for path in names))
        return Arguments(
            tuple(positional),
            keywords,
            tuple(all_names[number] for number in order),
            tuple(given[number] for number in order),
            frozenset(in_order[number] for number in self.kept),
        )

    @property
    def needed(self) -> set[int]:
        """The slots that have a gradient: of real numbers, and not kept."""
        real = (i for i, x in enumerate(self.given) if not isinstance(x, Tensor) or x.is_floating_point())
        return set(real) - self.kept

    @property
    def groups(self) -> list[list[int]]:
        """The slots of each argument that holds several."""
        found = [[slot.number for slot in slots_in(x)] for x in self.values]
        return [group for group in found if len(group) > 1]

    @property
    def is_plain(self) -> bool:
        """Whether they are arrays by position, and nothing else."""
        return not self.keywords and all(isinstance(x, Slot) for x in self.positional)


@dataclass
class _Reader:
    """Finds the arrays in arguments and puts slots in their places."""

    drawn: bool
    paths: list[tuple[Key, ...]] = field(default_factory=list)
    given: list[Tensor | tuple[int, ...]] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)

    def read(self, value: Any, path: tuple[Key, ...], *, optional: bool = False) -> Any:
        if is_array(value) or (self.drawn and is_shape(value)):
            return self._slot(value, path, optional)
        if isinstance(value, dict | list | tuple) and value:
            parts = [*value.values()] if isinstance(value, dict) else [*value]
            if any(self._holds_arrays(part) for part in parts):
                among = optional or not all(self._holds_arrays(part) for part in parts)
                if isinstance(value, dict):
                    return {k: self.read(v, (*path, k), optional=among) for k, v in value.items()}
                found = [self.read(v, (*path, at), optional=among) for at, v in enumerate(value)]
                return type(value)(*found) if hasattr(value, "_fields") else type(value)(found)
        return value

    def _slot(self, value: Any, path: tuple[Key, ...], optional: bool) -> Slot:
        number = len(self.given)
        self.given.append(tuple(value) if not is_array(value) else as_given(value))
        if optional or (is_array(value) and is_mask(value)):
            self.kept.add(number)
        self.paths.append(path)
        return Slot(number)

    def _holds_arrays(self, value: Any) -> bool:
        """Whether it is an array of real numbers, or made of such."""
        if isinstance(value, dict | list | tuple) and not (self.drawn and is_shape(value)):
            parts = value.values() if isinstance(value, dict) else value
            return bool(value) and all(self._holds_arrays(part) for part in parts)
        return (is_array(value) and is_real(value)) or (self.drawn and is_shape(value))


def arguments_of(
    given: Sequence[Any] | Mapping[str, Any], names: Callable[[int], Sequence[str]], *, drawn: bool
) -> Arguments:
    """A call's arguments, by position in a list or by name in a dict.

    Args:
        given: arrays, shapes, dicts and lists of them, flags and options.
        names: of so many arguments by position.
        drawn: whether a tuple of integers is the shape of numbers to draw; a dict of options that is not all
            shapes is passed on as it is.
    """
    reader = _Reader(drawn)
    if isinstance(given, Mapping):
        positional: tuple[Any, ...] = ()
        keywords = {name: _read_top(reader, value, name) for name, value in given.items()}
    else:
        top = names(len(given))
        positional = tuple(_read_top(reader, value, name) for name, value in zip(top, given, strict=True))
        keywords = {}
    return Arguments(
        positional, keywords, _short_names(reader.paths), tuple(reader.given), frozenset(reader.kept)
    )


def _read_top(reader: _Reader, value: Any, name: str) -> Any:
    if reader.drawn and isinstance(value, dict) and not reader._holds_arrays(value):
        reader.drawn = False  # among options, (3, 3) is the size of a kernel
        try:
            return reader.read(value, (name,), optional=True)
        finally:
            reader.drawn = True
    return reader.read(value, (name,))


def _short_names(paths: Sequence[tuple[Key, ...]]) -> tuple[str, ...]:
    """Of params["W1"] it is W1, where nothing else has that name; else params.W1."""
    last = [path[-1] if isinstance(path[-1], str) else None for path in paths]
    return tuple(
        name if name is not None and last.count(name) == 1 else _whole_name(path)
        for path, name in zip(paths, last, strict=True)
    )


def _whole_name(path: tuple[Key, ...]) -> str:
    first, *others = path
    return str(first) + "".join(f".{k}" if isinstance(k, str) else f"[{k}]" for k in others)


def _filled(value: Any, arrays: Sequence[Any]) -> Any:
    if isinstance(value, Slot):
        return arrays[value.number]
    if isinstance(value, dict):
        return {key: _filled(part, arrays) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [_filled(part, arrays) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return _copied(value)


def _options(value: Any, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], Any]]:
    if isinstance(value, Slot):
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _options(part, (*path, key))
    elif isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield from _options(part, (*path, at))
    elif isinstance(value, bool | int | float | str):
        yield path, value


def _replaced(value: Any, path: Sequence[Key], new: Any) -> Any:
    """A copy of nested arguments with something else at a place."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, Mapping):
        return {key: _replaced(part, rest, new) if key == first else part for key, part in value.items()}
    parts = [_replaced(part, rest, new) if at == first else part for at, part in enumerate(value)]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _copied(value: Any) -> Any:
    if isinstance(value, (bool, int, float, str, type(None), type, np.ndarray, Tensor)) or callable(value):
        return value.copy() if isinstance(value, np.ndarray) else value
    try:
        return deepcopy(value)  # a random generator, say, whose state goes on from call to call
    except Exception:  # whatever cannot be copied is taken as it is
        return value


def slots_in(value: Any) -> Iterator[Slot]:
    """The slots in an argument, in order."""
    if isinstance(value, Slot):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from slots_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from slots_in(part)
