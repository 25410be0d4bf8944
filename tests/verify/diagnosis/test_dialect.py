"""What is said of a derivation in NumPy is said in NumPy's words; its own lines are quoted as they are."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.verify.draws import draws_of
from manual_backprop.verify.judging.judge import judge
from manual_backprop.verify.problem import Problem

LIKE = torch.empty(0, dtype=torch.float64)
PICKED = torch.tensor([0, 2, 2])


def said_of(forward: Callable[..., Tensor], backward: Callable[..., Any], shapes: list[Any]) -> str:
    """All that is said of the inputs, as of code in NumPy; torch's functions stand for those of NumPy."""
    names = ("x", "w", "b")[: len(shapes)]
    problem = Problem(forward, backward, names, tuple(range(len(shapes))), dialect="numpy", upstream="dout")
    findings = judge(problem, draws_of(problem, shapes, LIKE, fresh=True, seed=0)).findings
    parts = [(f.departure, f.remark, *(diagnosis.text for diagnosis in f.diagnoses)) for f in findings]
    return "\n".join(text for told in parts for text in told if text)


def affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return x @ w + b


def affine_summed_over_features(dout: Tensor, x: Tensor, w: Tensor, b: Tensor) -> Any:
    db = dout.sum(1)
    return dout @ w.T, x.T @ dout, db


def norm(x: Tensor, w: Tensor) -> Tensor:
    c = x - x.mean(1, keepdim=True)
    return c / (c.square().mean(1, keepdim=True) + 1e-3).sqrt() * w


def norm_over_the_batch(dout: Tensor, x: Tensor, w: Tensor) -> Any:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + 1e-3).rsqrt()
    h, g = c * r, dout * w
    return r * (g - g.mean(0, keepdim=True) - h * (g * h).mean(0, keepdim=True)), (dout * h).sum(0)


def norm_without_a_factor(dout: Tensor, x: Tensor, w: Tensor) -> Any:
    c = x - x.mean(1, keepdim=True)
    r = (c.square().mean(1, keepdim=True) + 1e-3).rsqrt()
    h, g = c * r, dout * w
    return r * (g - g.mean(1, keepdim=True) - h * g.mean(1, keepdim=True)), (dout * h).sum(0)


def scaled(x: Tensor) -> Tensor:
    return x / (x.var(1, correction=0, keepdim=True) + 0.1).sqrt()


def scaled_by_sample_variance(dout: Tensor, x: Tensor) -> Tensor:
    c = x - x.mean(1, keepdim=True)
    r = ((c * c).sum(1, keepdim=True) / 2 + 0.1).rsqrt()
    return r * (dout - r * r * c * (dout * x).sum(1, keepdim=True) / 2)


def rows_assigned(dout: Tensor, x: Tensor) -> Tensor:
    dx = torch.zeros_like(x)
    dx[PICKED] = dout
    return dx


@pytest.mark.parametrize(
    ("forward", "backward", "shapes", "words"),
    [
        pytest.param(
            affine,
            affine_summed_over_features,
            [(5, 3), (3, 4), (4,)],
            ["over axis 1", "dout.sum(axis=0)"],
            id="axis",
        ),
        pytest.param(norm, norm_over_the_batch, [(5, 3), (3,)], ["over axis 0, due over axis 1"], id="axes"),
        pytest.param(norm, norm_without_a_factor, [(5, 3), (3,)], ["(axis=1, keepdims=True)"], id="keepdims"),
        pytest.param(lambda x: x[PICKED], rows_assigned, [(4, 3)], ["np.add.at", "do not assign"], id="add"),
        pytest.param(
            lambda x: F.relu(x),
            lambda dout, x: dout.clone(),
            [(4, 3)],
            ["yours is dout itself"],
            id="upstream",
        ),
        pytest.param(scaled, scaled_by_sample_variance, [(4, 3)], ["with ddof 1 in place of 0"], id="ddof"),
    ],
)
def test_numpy_is_spoken(
    forward: Callable[..., Tensor], backward: Callable[..., Any], shapes: list[Any], words: list[str]
) -> None:
    text = said_of(forward, backward, shapes)
    assert [word for word in words if word not in text] == []
    ours = "\n".join(line for line in text.splitlines() if "line " not in line)
    for foreign in ("torch.", "grad_output", "dimension", "keepdim=", "torch's"):
        assert foreign not in ours.replace("keepdims=", ""), ours
