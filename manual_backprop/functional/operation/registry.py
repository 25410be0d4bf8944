"""What is known of the functions, said by each in its own file.

`manual_backprop.functional` hands on every function that is `public`. `use_manual_gradients` asks for twins;
`verify NAME` takes the example; the reference of the site is written from both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
import torch.nn.functional as T
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
TWINS: dict[Any, Callable[..., Any]] = {}
"""The functions and methods of torch that have a hand-written twin, and that twin."""
PUBLIC: dict[str, "Public"] = {}
"""The functions that `manual_backprop.functional` hands on, by name."""

CLASSES = torch.tensor([0, 2, 1, 1, 0])  # what examples are made with
PLACES = torch.tensor([2, 0, 2])
MASK = torch.tensor([[True, False, True]])
SHARES = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.3]]).double()
POSITIVE = torch.tensor([[0.3, 2.0, 1.1], [0.7, 5.0, 0.1]]).double()


def _directly(function: Callable[..., Tensor], *inputs: Tensor, **options: Any) -> Tensor:
    return function(*inputs, **options)


@dataclass(frozen=True)
class Example:
    """A call of a function, to judge its gradients with.

    Attributes:
        inputs: what is differentiated, each as a tensor or as the shape of a random one, and other tensors.
        options: arguments by name.
        call: calls a function with the inputs and the options, where that is more than f(*inputs, **options).
        built_in: the function of torch that is the twin, where it has another name than ours.
    """

    inputs: tuple[Tensor | tuple[int, ...], ...]
    options: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Tensor] = _directly
    built_in: Callable[..., Any] | None = None

    def called(self, function: Callable[..., Any]) -> Callable[..., Tensor]:
        """`function`, called as the example is: a function of the inputs alone."""
        return lambda *inputs: self.call(function, *inputs, **self.options)


@dataclass(frozen=True)
class Public:
    """A public function: itself, and an example call, or None where its gradient cannot be judged alone."""

    function: Callable[..., Any]
    example: Example | None

    @property
    def twin(self) -> Callable[..., Any]:
        """The function of torch with the same name, or the one that the example names."""
        name = self.function.__name__
        named = self.example.built_in if self.example else None
        twin: Callable[..., Any] = named or getattr(T, name, None) or getattr(torch, name)
        return twin


def example(
    *inputs: Tensor | tuple[int, ...],
    call: Callable[..., Tensor] = _directly,
    built_in: Callable[..., Any] | None = None,
    **options: Any,
) -> Example:
    """An `Example`, written as a call with shapes in the place of tensors."""
    return Example(inputs, options, call, built_in)


def public(*functions: Any, example: Example | None = None) -> Callable[[Function], Function]:
    """Hands a function on as `manual_backprop.functional.NAME`; as `twin_of` of `functions` besides."""

    def register(function: Function) -> Function:
        PUBLIC[function.__name__] = Public(function, example)
        return twin_of(*functions)(function)

    return register


def twin_of(*functions: Any) -> Callable[[Function], Function]:
    """Says of a function which functions and methods of torch it stands for; their arguments are its own."""

    def register(function: Function) -> Function:
        TWINS.update(dict.fromkeys(functions, function))
        return function

    return register
