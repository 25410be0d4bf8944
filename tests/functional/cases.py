"""The table: one row for each operation, and the inputs that every check is run on.

Sizes are pairwise different primes, so that a wrong transpose cannot fit by chance; the one case in which it
would, a square weight with as many examples as features, is there too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import torch
import torch.nn.functional as T
from torch import Tensor

import manual_backprop.functional as F
from tests.functional import derivations

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
        return replace(
            self,
            inputs=tuple(x.to(device) for x in self.inputs),
            options={k: v.to(device) if isinstance(v, Tensor) else v for k, v in self.options.items()},
        )

    def leaves(self, needed: tuple[int, ...] | None = None) -> tuple[Tensor, ...]:
        """The inputs as fresh leaves of the same memory layout, those `needed` (all) requiring a gradient."""
        wanted = range(len(self.inputs)) if needed is None else needed
        return tuple(x.detach().requires_grad_(i in wanted) for i, x in enumerate(self.inputs))


@dataclass(frozen=True)
class Row:
    """An operation, its twin in PyTorch, its derivation executed slowly, and what it keeps for backward."""

    name: str
    function: Callable[..., Tensor]
    twin: Callable[..., Tensor]
    derivation: Callable[..., tuple[Tensor, ...]]
    keeps: frozenset[str]
    samples: tuple[Sample, ...]


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

LINEAR = (
    Sample("x, W and b", (randn(5, 3), randn(7, 3), randn(7))),
    Sample("no bias", (randn(5, 3), randn(7, 3))),
    Sample("one example without a batch dimension", (randn(3), randn(7, 3), randn(7))),
    Sample("leading dimensions", (randn(2, 5, 3), randn(7, 3), randn(7))),
    Sample("leading dimensions, no bias", (randn(2, 11, 5, 3), randn(7, 3))),
    Sample("square: N = D = M", (randn(3, 3), randn(3, 3, seed="W"), randn(3))),
    Sample("reversed strides", (transposed(randn(2, 5, 3)), transposed(randn(7, 3)), strided(randn(7)))),
    Sample("expanded input", (randn(1, 3).expand(5, 3), randn(7, 3), randn(7)), smooth=False),
    Sample("no examples", (randn(0, 3), randn(7, 3), randn(7))),
    Sample("no features in", (randn(5, 0), randn(7, 0), randn(7))),
    Sample("no features out", (randn(5, 3), randn(0, 3), randn(0))),
    Sample("a weight (D,)", (randn(5, 3), randn(3))),
    Sample("two vectors", (randn(3), randn(3, seed="W"))),
    Sample("one bias for all", (randn(5, 3), randn(7, 3), randn())),
    Sample("a bias for each example", (randn(5, 3), randn(7, 3), randn(5, 1))),
)

LOG_SOFTMAX = (
    Sample("over the last dimension", (randn(5, 3),), {"dim": 1}),
    Sample("over the first", (randn(5, 3),), {"dim": 0}),
    Sample("over a middle one, reversed strides", (transposed(randn(2, 5, 3)),), {"dim": -2}),
    Sample("one number", (randn(),), {"dim": 0}),
    Sample("no examples", (randn(0, 3),), {"dim": 1}),
    Sample("no classes", (randn(3, 0),), {"dim": 1}),
    Sample("computed in float64", (randn(5, 3),), {"dim": 1, "dtype": torch.float64}),
    Sample("scores of ±1e4", (1e4 * randn(5, 3).sign(),), {"dim": 1}, smooth=False),
    Sample("−∞: an impossible class", (torch.tensor([[-inf, 0.0, 1.0]]).double(),), {"dim": 1}, smooth=False),
    Sample(
        "+∞ and NaN",
        (torch.tensor([[inf, 0.0], [nan, 1.0]]).double(),),
        {"dim": 1},
        smooth=False,
        finite=False,
    ),
)


# The twin has no derivative of these in torch.func, or it is that of 0/0.
UNUSUAL = ("uint8 classes", "all ignored", "no examples")


def classified(scores: Tensor) -> dict[str, tuple[tuple[Tensor, ...], dict[str, Any]]]:
    """The calls that nll_loss and cross_entropy have in common."""
    weight = randn(3, seed="weight").abs()
    deep = randn(2, 3, 5, 7, seed="deep")
    return {
        "mean": ((scores,), {"target": labels(5, classes=3)}),
        "sum": ((scores,), {"target": labels(5, classes=3), "reduction": "sum"}),
        "none": ((scores,), {"target": labels(5, classes=3), "reduction": "none"}),
        "uint8 classes": ((scores,), {"target": labels(5, classes=3).byte()}),
        "weighted mean": ((scores,), {"target": labels(5, classes=3), "weight": weight}),
        "weighted, ignoring −100": (
            (scores,),
            {"target": labels(5, classes=3, ignored=-100), "weight": weight},
        ),
        "ignoring class 1": ((scores,), {"target": labels(5, classes=3), "ignore_index": 1}),
        "ignoring, none": (
            (scores,),
            {"target": labels(5, classes=3, ignored=-100), "weight": weight, "reduction": "none"},
        ),
        "ignoring, sum": ((scores,), {"target": labels(5, classes=3, ignored=-100), "reduction": "sum"}),
        "all ignored": ((scores,), {"target": torch.full((5,), -100)}),
        "one example (C,)": ((scores[0],), {"target": torch.tensor(1), "weight": weight}),
        "images (N, C, d1, d2)": (
            (deep,),
            {"target": labels(2, 5, 7, classes=3, ignored=-100), "weight": weight},
        ),
        "images, none": ((deep,), {"target": labels(2, 5, 7, classes=3), "reduction": "none"}),
        "no examples": ((scores[:0],), {"target": labels(0, classes=3)}),
        "no examples, sum": ((scores[:0],), {"target": labels(0, classes=3), "reduction": "sum"}),
    }


NLL_LOSS = tuple(
    Sample(name, inputs, options, smooth=name not in UNUSUAL)
    for name, (inputs, options) in classified(randn(5, 3).log_softmax(1)).items()
)

CROSS_ENTROPY = (
    Sample(
        "images, reversed strides",
        (transposed(randn(2, 3, 5, 7)),),
        {"target": transposed(labels(2, 5, 7, classes=3)), "weight": strided(randn(3).abs())},
    ),
    *(
        Sample(name, inputs, options, smooth=name not in UNUSUAL)
        for name, (inputs, options) in classified(randn(5, 3)).items()
    ),
    *(
        Sample(f"smoothed: {name}", inputs, {**options, "label_smoothing": 0.3}, smooth=name != "all ignored")
        for name, (inputs, options) in classified(randn(5, 3)).items()
        if name in ("mean", "none", "weighted, ignoring −100", "images (N, C, d1, d2)", "all ignored")
    ),
    Sample("scores of ±1e4", (1e4 * randn(5, 3).sign(),), {"target": labels(5, classes=3)}, smooth=False),
    Sample(
        "−∞ for a class that is not asked for",
        (torch.tensor([[-inf, 0.0, 1.0]]).double(),),
        {"target": torch.tensor([1])},
        smooth=False,
    ),
    Sample(
        "an ignored example of −∞",
        (torch.tensor([[-inf, 0.0, 1.0], [0.5, 0.0, 2.0]]).double(),),
        {"target": torch.tensor([-100, 1])},
        smooth=False,
    ),
)

PROBABILITIES = tuple(
    Sample(name, inputs, options)
    for name, inputs, options in (
        ("mean", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {}),
        ("sum", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {"reduction": "sum"}),
        ("none", (randn(5, 3), randn(5, 3, seed="q").softmax(1)), {"reduction": "none"}),
        ("weighted", (randn(5, 3), randn(5, 3, seed="q").softmax(1), randn(3).abs()), {}),
        (
            "weighted, smoothed, none",
            (randn(5, 3), randn(5, 3, seed="q").softmax(1), randn(3).abs()),
            {"label_smoothing": 0.3, "reduction": "none"},
        ),
        ("not summing to 1", (randn(5, 3), randn(5, 3, seed="q").abs()), {"label_smoothing": 0.3}),
        ("one example (C,)", (randn(3), randn(3, seed="q").softmax(0), randn(3).abs()), {}),
        (
            "images (N, C, d1, d2)",
            (transposed(randn(2, 3, 5, 7)), randn(2, 3, 5, 7, seed="q").softmax(1), randn(3).abs()),
            {"label_smoothing": 0.3},
        ),
        ("no examples", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
    )
)

MSE_LOSS = (
    *(
        Sample(f"{reduction}{', weighted' * weighted}", (x, t, *(w,) * weighted), {"reduction": reduction})
        for reduction in ("mean", "sum", "none")
        for weighted in (False, True)
        for x, t, w in [(randn(5, 3), randn(5, 3, seed="t"), randn(5, 3, seed="w").abs())]
    ),
    Sample("numbers", (randn(), randn(seed="t"))),
    Sample("reversed and expanded", (transposed(randn(2, 5, 3)), randn(3).expand(2, 5, 3)), smooth=False),
    Sample("no examples", (randn(0, 3), randn(0, 3)), smooth=False),
    Sample("no examples, sum", (randn(0, 3), randn(0, 3)), {"reduction": "sum"}),
    Sample("±1e4", (1e4 * randn(5).sign(), randn(5)), smooth=False),
)


def with_weight(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, t, w=None, **options: loss(x, t, weight=w, **options)


def after_linear(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda x, W, b=None: activation(T.linear(x, W, b))


def with_bias(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, W, b=None, **options: loss(x, W, linear_bias=b, **options)


# What is differentiated is given by position, in this order.
BY_POSITION = {"mse_loss": with_weight, "linear_cross_entropy": with_bias}


def twin_of_linear_cross_entropy(x: Tensor, W: Tensor, b: Tensor | None = None, **options: Any) -> Tensor:
    return T.cross_entropy(T.linear(x, W, b), **options)


HEAD = (randn(5, 7), randn(3, 7, seed="W"), randn(3))
LINEAR_CROSS_ENTROPY = (
    Sample("no bias", HEAD[:2], {"target": labels(5, classes=3)}),
    *(
        Sample(
            name,
            (HEAD[0][: len(options["target"])] if options["target"].dim() else HEAD[0][0], *HEAD[1:]),
            options,
            smooth=name not in UNUSUAL,
        )
        for name, (_, options) in classified(randn(5, 3)).items()
        if "images" not in name
    ),
    *(
        Sample(f"smoothed: {name}", HEAD, {**options, "label_smoothing": 0.3})
        for name, (_, options) in classified(randn(5, 3)).items()
        if name in ("mean", "none", "weighted, ignoring −100")
    ),
    Sample(
        "logits of some hundreds", (300 * HEAD[0], *HEAD[1:]), {"target": labels(5, classes=3)}, smooth=False
    ),
)

AT_THE_KINK = Sample("exactly at the kink", (torch.tensor([-1.0, 0.0, -0.0, 2.0]).double(),), smooth=False)

ROWS = (
    Row("linear", F.linear, T.linear, derivations.linear, frozenset({"input 0", "input 1"}), LINEAR),
    Row("sigmoid", F.sigmoid, torch.sigmoid, derivations.sigmoid, frozenset({"output"}), ELEMENTWISE),
    Row("relu", F.relu, T.relu, derivations.relu, frozenset({"output"}), (*ELEMENTWISE, AT_THE_KINK)),
    Row("tanh", F.tanh, torch.tanh, derivations.tanh, frozenset({"output"}), ELEMENTWISE),
    Row(
        "linear_relu",
        F.linear_relu,
        after_linear(T.relu),
        derivations.linear_relu,
        frozenset({"input 0", "input 1", "output"}),
        LINEAR,
    ),
    Row(
        "linear_sigmoid",
        F.linear_sigmoid,
        after_linear(torch.sigmoid),
        derivations.linear_sigmoid,
        frozenset({"input 0", "input 1", "output"}),
        # under autocast, the twin adds this one's bias before it rounds; the slope shows it
        tuple(sample for sample in LINEAR if sample.name != "leading dimensions"),
    ),
    Row(
        "linear_cross_entropy",
        with_bias(F.linear_cross_entropy),
        twin_of_linear_cross_entropy,
        derivations.linear_cross_entropy,
        frozenset({"input 0", "input 1", "input 2", "target", "weight"}),
        LINEAR_CROSS_ENTROPY,
    ),
    Row(
        "mse_loss",
        with_weight(F.mse_loss),
        with_weight(T.mse_loss),
        derivations.mse_loss,
        frozenset({"input 0", "input 1", "input 2"}),
        MSE_LOSS,
    ),
    Row(
        "log_softmax",
        F.log_softmax,
        T.log_softmax,
        derivations.log_softmax,
        frozenset({"output"}),
        LOG_SOFTMAX,
    ),
    Row("nll_loss", F.nll_loss, T.nll_loss, derivations.nll_loss, frozenset({"target", "weight"}), NLL_LOSS),
    Row(
        "cross_entropy",
        F.cross_entropy,
        T.cross_entropy,
        derivations.cross_entropy,
        frozenset({"input 0", "target", "weight"}),
        CROSS_ENTROPY,
    ),
    Row(
        "cross_entropy_probabilities",
        F.cross_entropy,
        T.cross_entropy,
        derivations.cross_entropy_probabilities,
        frozenset({"input 0", "input 1", "input 2"}),
        PROBABILITIES,
    ),
)
