"""What rows of the table are made of: calls, and tensors to call with.

Sizes are pairwise different primes, so that a wrong transpose cannot fit by chance; the one case in which it
would, a square weight with as many examples as features, is there too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any
from zlib import crc32

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

inf, nan = float("inf"), float("nan")


@dataclass(frozen=True)
class Sample:
    """One call of an operation: what is differentiated, and everything else."""

    name: str
    inputs: tuple[Tensor, ...]
    options: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True  # differences and second derivatives make sense here
    finite: bool = True

    def to(self, dtype: torch.dtype) -> "Sample":
        def cast(value: Any) -> Any:
            return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value

        return replace(
            self,
            inputs=tuple(cast(x) for x in self.inputs),
            options={k: cast(v) for k, v in self.options.items()},
        )

    def on(self, device: str) -> "Sample":
        """With the same strides, which `Tensor.to` would not keep."""

        def moved(x: Tensor) -> Tensor:
            memory = torch.as_strided(x, (x.untyped_storage().nbytes() // x.element_size(),), (1,), 0)
            return memory.to(device).as_strided(x.shape, x.stride(), x.storage_offset())

        inputs, options = tree_map_only(Tensor, moved, (self.inputs, self.options))
        return replace(self, inputs=inputs, options=options)

    def leaves(self, needed: tuple[int, ...] | None = None) -> tuple[Tensor, ...]:
        """The inputs as fresh leaves of the same memory layout, those `needed` (all) requiring a gradient."""
        wanted = range(len(self.inputs)) if needed is None else needed
        return tuple(x.detach().requires_grad_(i in wanted) for i, x in enumerate(self.inputs))


@dataclass(frozen=True)
class Mutant:
    """A wrong backward: the mistake, and the line of the operation's module that reads `instead` with it.

    With `file`, the line stands there, in a module that the operation's imports.
    """

    mistake: str
    line: str
    instead: str
    file: str = ""


Mistake = tuple[Callable[[Any], Any], str]
"""A wrong call, of a namespace of functions, and what the error's text must match."""


def unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


@dataclass(frozen=True)
class Row:
    """An operation, and everything that it is held to.

    Attributes:
        name: of its module, and of the function there.
        function: the operation, called with what is differentiated by position, and options by name.
        twin: PyTorch's, called likewise.
        derivation: its derivation, executed slowly: the gradients from the upstream gradient (a tuple of them
            where there are several outputs) and a call.
        keeps: which of "input 0", "output" ("output 0" of several) and the options' names it keeps for
            backward.
        samples: the calls that every check is made with.
        is_view: whether the output shares the input's memory, as the twin's does.
        mutants: wrong backwards, each of which some check must reject.
        drawn: how hypothesis draws calls of it (drawn.py).
        mistakes: wrong calls, which raise what the twin raises.
        adapt: makes of the module's function one that is called as `function` is.
        rounds_on_the_way: whether the twin, under autocast, rounds to the lower precision between its steps,
            so that even a float32 gradient is known to that precision only.
    """

    name: str
    function: Callable[..., Any]
    twin: Callable[..., Any]
    derivation: Callable[..., tuple[Tensor, ...]]
    keeps: frozenset[str]
    samples: tuple[Sample, ...]
    mutants: tuple[Mutant, ...]
    drawn: Any = None
    mistakes: tuple[Mistake, ...] = ()
    is_view: bool = False
    adapt: Callable[[Callable[..., Any]], Callable[..., Any]] = unchanged
    rounds_on_the_way: bool = False

    @property
    def smallest(self) -> Sample:
        """The sample of fewest numbers, of those that have any and have derivatives."""
        smooth = [
            sample for sample in self.samples if sample.smooth and all(x.numel() for x in sample.inputs)
        ]
        return min(smooth, key=lambda sample: sum(x.numel() for x in sample.inputs))


def randn(*shape: int, seed: str = "") -> Tensor:
    """The same numbers for the same shape and seed, in float64, and none within 0.01 of a kink at zero."""
    generator = torch.Generator().manual_seed(crc32(f"{shape}{seed}".encode()))
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    return x + 0.01 * x.sign()


def strided(x: Tensor) -> Tensor:
    """The same numbers, every second one of a buffer twice as long."""
    return torch.stack((x, x), -1)[..., 0]


def transposed(x: Tensor) -> Tensor:
    """The same numbers, stored with the dimensions in reverse order."""
    order = tuple(reversed(range(x.dim())))
    return x.permute(order).contiguous().permute(order)


def labels(*shape: int, classes: int, ignored: int | None = None) -> Tensor:
    """Classes; with `ignored`, the second of every three is that index."""
    generator = torch.Generator().manual_seed(crc32(f"{shape}{classes}".encode()))
    y = torch.randint(classes, shape, generator=generator)
    if ignored is not None:
        y.view(-1)[1::3] = ignored
    return y


def indices(tensor: Tensor) -> Any:
    return product(*(range(size) for size in tensor.shape))


ELEMENTWISE = (
    Sample("a matrix", (randn(5, 3),)),
    Sample("a number", (randn(),)),
    Sample("four dimensions, reversed strides", (transposed(randn(2, 3, 5, 7)),)),
    Sample("every second number", (strided(randn(11)),)),
    Sample("no examples", (randn(0, 3),)),
    Sample("expanded", (randn(3, 1).expand(3, 5),), smooth=False),
    Sample("infinities and NaN", (torch.tensor([-inf, inf, nan, 1.0]).double(),), smooth=False, finite=False),
    Sample("±1e4 and denormals", (torch.tensor([-1e4, -5e-324, 5e-324, 1e4]).double(),), smooth=False),
)


WITHOUT_NAN = tuple(
    Sample("infinities", (torch.tensor([-inf, inf, 1.0]).double(),), smooth=False, finite=False)
    if sample.name == "infinities and NaN"
    else sample
    for sample in ELEMENTWISE
)
"""Where the gradient at NaN is NaN, and the twin's is that or not, as NaN lies in the tensor."""
AT_THE_KINK = Sample("exactly at the kink", (torch.tensor([-1.0, 0.0, -0.0, 2.0]).double(),), smooth=False)
