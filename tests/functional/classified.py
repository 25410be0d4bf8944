"""What the losses of classes have in common: calls, slow derivations, mistakes in use."""

import math
from typing import Any

import torch
from torch import Tensor

from tests.functional.samples import Mistake, indices, labels, randn


def softmax(z: Tensor) -> list[float]:
    exponentials = [math.exp(score) for score in z.tolist()]
    return [e / sum(exponentials) for e in exponentials]


def example_gradients(
    grad_output: Tensor, counts: dict[tuple[int, ...], float], reduction: str
) -> dict[tuple[int, ...], float]:
    """gₙ = ∂L/∂ℓₙ for each example, `counts` being what each adds to the divisor of the mean."""
    if reduction == "none":
        return {n: float(grad_output[n]) for n in counts}
    divisor = sum(counts.values()) if reduction == "mean" else 1.0
    return dict.fromkeys(counts, float(grad_output) / divisor if divisor else math.nan)


def examples(scores: Tensor) -> tuple[Tensor, list[tuple[int, ...]]]:
    """Scores with the classes moved last, and the index of each example."""
    rows = scores.movedim(1, -1) if scores.dim() > 1 else scores
    return rows, list(indices(rows[..., 0]))


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
        "images of one dimension, none": (
            (deep[..., 0],),
            {"target": labels(2, 5, classes=3, ignored=-100), "weight": weight, "reduction": "none"},
        ),
        "no examples": ((scores[:0],), {"target": labels(0, classes=3)}),
        "no examples, sum": ((scores[:0],), {"target": labels(0, classes=3), "reduction": "sum"}),
    }


five_scores = torch.zeros(5, 3)
classes = torch.tensor([0, 1, 2, 0, 1])


def mistakes_with_classes(name: str) -> tuple[Mistake, ...]:
    """The mistakes in use that nll_loss and cross_entropy have in common."""
    return (
        (lambda f: getattr(f, name)(five_scores, classes[:3]), r"\(5, 3\) and target \(3,\)"),
        (lambda f: getattr(f, name)(five_scores[:1], torch.tensor(1)), r"\(1, 3\) and target \(\)"),
        (lambda f: getattr(f, name)(five_scores, classes[:, None]), r"expected target \(5,\)"),
        (
            lambda f: getattr(f, name)(torch.zeros(5, 3, 2), torch.zeros(5, 7).long()),
            r"expected target \(5, 2\).*\(5, 7\)",
        ),
        (lambda f: getattr(f, name)(five_scores, classes + 1), "target 3 is out of bounds.*0 to 2"),
        (lambda f: getattr(f, name)(five_scores, classes - 1), "target -1 is out of bounds"),
        (lambda f: getattr(f, name)(five_scores[:, :0], classes), "out of bounds for 0 classes"),
        (lambda f: getattr(f, name)(five_scores, classes.int()), "int64 or uint8, got torch.int32"),
        (lambda f: getattr(f, name)(five_scores, classes.float()), "got torch.float32"),
        (lambda f: getattr(f, name)(five_scores, classes > 0), "got torch.bool"),
        (lambda f: getattr(f, name)(five_scores.long(), classes), "got torch.int64"),
        (
            lambda f: getattr(f, name)(five_scores, classes, torch.ones(4)),
            r"3 classes, got weight \(4,\)",
        ),
        (lambda f: getattr(f, name)(five_scores, classes, torch.ones(1, 3)), r"got weight \(1, 3\)"),
        (
            lambda f: getattr(f, name)(five_scores, classes, torch.ones(3).double()),
            "weight is torch.float64, but input is torch.float32",
        ),
        (
            lambda f: getattr(f, name)(
                five_scores.requires_grad_(), classes, torch.ones(3, requires_grad=True)
            ),
            "weight is a constant",
        ),
        (
            lambda f: getattr(f, name)(five_scores, classes, reduction="avg"),
            "'mean' or 'sum', got 'avg'",
        ),
        (
            lambda f: getattr(f, name)(five_scores, classes, ignore_index=1.0),
            "ignore_index must be an integer, got 1.0",
        ),
        (lambda f: getattr(f, name)([1.0], classes), "input must be a Tensor, got list"),
        (lambda f: getattr(f, name)(five_scores, [1]), "target must be a Tensor, got list"),
        (
            lambda f: getattr(f, name)(five_scores, classes, [1.0]),
            "weight must be a Tensor, got list",
        ),
    )
