"""One large call of every row of the tests' table: as its first sample is called, in float32.

The sizes are chosen by kind, so that on a GPU most tensors are larger than its cache: a plane of side × side
for what works on numbers, rows or classes; products of matrices of side × side/4; images for what works on
those; heads of attention over side/4 places; a recurrent network over 32 places. Positive numbers where
others have no value, and where a sum of others would be next to nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Sample
from tests.functional.table import ROWS

FIRST = {row.name: row.samples[0] for row in ROWS}
PLACES = 32  # of a recurrent network
Call = tuple[tuple[Tensor, ...], dict[str, Any]]


class Sizes:
    """Tensors for a plane of so many numbers on a side."""

    def __init__(self, side: int, device: torch.device) -> None:
        self.side, self.quarter, self.device = side, side // 4, device
        self.channels = max(side // 64, 4)
        self.hidden = max(side // 16, 4)

    def random(self, *shape: int) -> Tensor:
        """Normal numbers."""
        return torch.randn(shape, device=self.device)

    def classes(self, *shape: int, of: int) -> Tensor:
        """From 0 to `of` − 1."""
        return torch.randint(of, shape, device=self.device)

    @property
    def plane(self) -> Tensor:
        """Normal numbers, (side, side)."""
        return self.random(self.side, self.side)

    @property
    def positive(self) -> Tensor:
        """A plane of numbers above 0.1."""
        return self.plane.abs() + 0.1

    @property
    def images(self) -> Tensor:
        """As many as they have channels."""
        return self.random(self.channels, self.channels, 64, 64)

    @property
    def affine(self) -> tuple[Tensor, Tensor, Tensor]:
        """x, W and b."""
        q = self.quarter
        return self.random(self.side, q), self.random(q, q) / q**0.5, self.random(q)

    @property
    def product(self) -> tuple[Tensor, Tensor]:
        """Two matrices."""
        return self.random(self.side, self.quarter), self.random(self.quarter, self.side)

    @property
    def heads(self) -> tuple[Tensor, ...]:
        """Queries, keys and values of 8 examples."""
        return tuple(self.random(8, 8, self.quarter, 64) for _ in range(3))

    def recurrent(self, gates: int, states: int) -> tuple[Tensor, ...]:
        """Inputs, first states, weights and biases of one layer."""
        H = self.hidden
        start = (self.random(1, PLACES, H) for _ in range(states))
        weights = (self.random(gates * H, H) / H**0.5 for _ in range(2))
        biases = (self.random(gates * H) for _ in range(2))
        return (self.random(PLACES, PLACES, H), *start, *weights, *biases)


def _plane(s: Sizes) -> Call:
    return (s.plane,), {}


def _planes(s: Sizes) -> Call:
    return (s.plane, s.plane), {}


def _loss(s: Sizes) -> Call:
    return (s.plane, s.plane), {"reduction": "mean"}


def _of_classes(s: Sizes) -> Call:
    return (s.plane.log_softmax(1),), {"target": s.classes(s.side, of=s.side)}


CALLS: dict[str, Callable[[Sizes], Call]] = {
    **dict.fromkeys(("log", "rsqrt", "sqrt", "sum", "mean"), lambda s: ((s.positive,), {})),
    **dict.fromkeys(("add", "mul", "sub", "stack", "cat"), _planes),
    **dict.fromkeys(("softmax", "log_softmax"), lambda s: ((s.plane,), {"dim": 1})),
    **dict.fromkeys(("l1_loss", "mse_loss", "huber_loss"), _loss),
    **dict.fromkeys(("cross_entropy", "nll_loss"), _of_classes),
    **dict.fromkeys(("linear", "linear_relu", "linear_sigmoid"), lambda s: (s.affine, {})),
    **dict.fromkeys(("attention_and_weights", "scaled_dot_product_attention"), lambda s: (s.heads, {})),
    **dict.fromkeys(("rnn_relu", "rnn_tanh"), lambda s: (s.recurrent(1, 1), {})),
    **dict.fromkeys(("avg_pool2d", "max_pool2d"), lambda s: ((s.images,), {"kernel_size": 2})),
    "adaptive_avg_pool2d": lambda s: ((s.images,), {"output_size": (7, 7)}),
    "addmm": lambda s: ((s.random(s.side), *s.product), {}),
    "batch_norm": lambda s: ((s.images, s.random(s.channels)), {"bias": s.random(s.channels)}),
    "binary_cross_entropy_with_logits": lambda s: ((s.plane, s.plane.sigmoid()), {"reduction": "mean"}),
    "broadcast_to": lambda s: ((s.random(s.side),), {"size": (s.side, s.side)}),
    "conv2d": lambda s: (
        (s.images, s.random(s.channels, s.channels, 3, 3), s.random(s.channels)),
        {"padding": 1},
    ),
    "cross_entropy_probabilities": lambda s: ((s.plane, s.plane.softmax(1)), {}),
    "div": lambda s: ((s.plane, s.positive), {}),
    "dropout": lambda s: ((s.plane,), {"mask": s.plane > 0, "p": 0.3}),
    "einsum": lambda s: (s.product, {"equation": "ij,jk->ik"}),
    "embedding": lambda s: (
        (s.random(8 * s.side, s.hidden),),
        {"input": s.classes(16, s.side, of=8 * s.side)},
    ),
    "getitem": lambda s: ((s.plane,), {"index": 1}),
    "group_norm": lambda s: (
        (s.images, s.random(s.channels), s.random(s.channels)),
        {"groups": s.channels // 2},
    ),
    "kl_div": lambda s: (
        (s.plane.log_softmax(1), s.plane.softmax(1)),
        {"reduction": "batchmean", "log_target": False},
    ),
    "layer_norm": lambda s: ((s.plane, s.random(s.side), s.random(s.side)), {"shape": (s.side,)}),
    "linear_cross_entropy": lambda s: (
        (s.random(s.side, s.hidden), s.random(4 * s.side, s.hidden) / s.hidden**0.5),
        {"target": s.classes(s.side, of=4 * s.side)},
    ),
    "lstm": lambda s: (s.recurrent(4, 2), {}),
    "matmul": lambda s: (s.product, {}),
    "permute": lambda s: ((s.plane,), {"dims": (1, 0)}),
    "pow": lambda s: ((s.positive, s.plane), {}),
    "reshape": lambda s: ((s.plane,), {"shape": (s.side * s.side,)}),
    "rms_norm": lambda s: ((s.plane, s.random(s.side)), {"shape": (s.side,)}),
    "split": lambda s: ((s.plane,), {"split_size_or_sections": s.quarter}),
    "where": lambda s: ((s.plane, s.plane), {"condition": s.plane > 0}),
}


def large_call(name: str, side: int, device: torch.device) -> Sample:
    """The call; an operation that the table above does not name gets a plane, if its first sample has one."""
    given = CALLS.get(name)
    if given is None and (len(FIRST[name].inputs) > 1 or FIRST[name].options):
        raise LookupError(f"no large call of {name} is known")
    torch.manual_seed(0)
    inputs, options = (given or _plane)(Sizes(side, device))
    return Sample(" ".join(_written(x) for x in inputs), inputs, options)


def _written(x: Tensor) -> str:
    return "×".join(map(str, x.shape))
