"""The right numbers in part, in other places, or with others besides are recognised."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from manual_backprop.verify.diagnosis.jacobians import MOST_OUTPUTS, jacobians
from manual_backprop.verify.diagnosis.matrices import explanations
from manual_backprop.verify.findings import Diagnosis
from tests.verify.diagnosis.wrong import wrong_gradient

COLUMNS = torch.tensor([[0, 2, 2], [1, 1, 1], [3, 0, 3]])
SHUFFLED = torch.tensor([2, 0, 1, 3])


@pytest.fixture(autouse=True)
def _forget() -> None:
    jacobians.cache_clear()


def said_of(
    forward: Callable[..., Tensor], backward: Callable[..., Any], shapes: list[Any], at: int = 0
) -> Diagnosis | None:
    """What is said of input `at`."""
    found = list(explanations(wrong_gradient(forward, backward, shapes, at)))
    assert len(found) <= 1
    return found[0].diagnosis if found else None


def windows_assigned(g: Tensor, x: Tensor) -> Tensor:
    dx = torch.zeros_like(x)
    for i in range(g.shape[1]):
        dx[:, i : i + 3] = g[:, i : i + 1] / 3
    return dx


def of_windows(x: Tensor) -> Tensor:
    return x.unfold(1, 3, 1).mean(2)


@pytest.mark.parametrize(
    ("forward", "backward", "shapes", "words"),
    [
        pytest.param(
            lambda x: x.gather(1, COLUMNS),
            lambda g, x: torch.zeros_like(x).scatter(1, COLUMNS, g),
            [(3, 4)],
            "3 of the 12 entries get them from several outputs (up to 3)",
            id="gather",
        ),
        pytest.param(of_windows, windows_assigned, [(2, 7)], "only the last is kept", id="windows of a mean"),
        pytest.param(
            lambda x: torch.relu(of_windows(x)),
            lambda g, x: windows_assigned(g * (of_windows(x) > 0), x),
            [(4, 7)],
            "only the last is kept",
            id="zeros assigned over others",
        ),
    ],
)
def test_contributions_that_are_assigned(
    forward: Callable[..., Tensor], backward: Callable[..., Any], shapes: list[Any], words: str
) -> None:
    said = said_of(forward, backward, shapes)
    assert said
    assert said.name == "assigned"
    assert words in said.text
    assert said.certain


@pytest.mark.parametrize(
    ("forward", "backward", "shapes", "at", "words"),
    [
        pytest.param(
            lambda x: torch.tanh(x.flip(1)),
            lambda g, x: g * (1 - torch.tanh(x.flip(1)) ** 2),
            [(3, 5)],
            0,
            "turned over along dimension 1",
            id="flipped",
        ),
        pytest.param(
            lambda x: x.roll(1, 0).exp(),
            lambda g, x: g * x.roll(1, 0).exp(),
            [(5, 3)],
            0,
            "shifted by 1 along dimension 0",
            id="rolled",
        ),
        pytest.param(
            lambda x: F.glu(x, 1),
            lambda g, x: torch.cat([g * x[:, :3] * (s := x[:, 3:].sigmoid()) * (1 - s), g * s], 1),
            [(4, 6)],
            0,
            "with its halves along dimension 1 exchanged",
            id="halves",
        ),
        pytest.param(
            lambda x: torch.cat([x[:, :2].sin(), x[:, 2:4].exp(), x[:, 4:].tanh()], 1),
            lambda g, x: torch.cat(
                [
                    g[:, 2:4] * x[:, 2:4].exp(),
                    g[:, :2] * x[:, :2].cos(),
                    g[:, 4:] * (1 - x[:, 4:].tanh() ** 2),
                ],
                1,
            ),
            [(3, 6)],
            0,
            "with its parts 1 and 2 of 3 along dimension 1 exchanged",
            id="gates",
        ),
        pytest.param(
            lambda x: x.permute(0, 2, 1).reshape(2, -1),
            lambda g, x: g.reshape(x.shape),
            [(2, 3, 5)],
            0,
            "reshaped to (2, 3, 5) only",
            id="reshaped only",
        ),
        pytest.param(
            lambda x: x.reshape(2, 3, 2, 4).transpose(1, 2).exp(),
            lambda g, x: g.mul(x.reshape(2, 3, 2, 4).transpose(1, 2).exp()).reshape(2, 3, 8),
            [(2, 3, 8)],
            0,
            "reshaped to (2, 3, 8) only",
            id="heads not transposed back",
        ),
        pytest.param(
            lambda x, w: (x @ w).reshape(2, 3, 4).transpose(1, 2),
            lambda g, x, w: (g.reshape(6, 4) @ w.T, x.T @ g.reshape(6, 4)),
            [(6, 5), (5, 4)],
            1,
            "yours is right for grad_output reshaped to (2, 4, 3) only",
            id="upstream not transposed back",
        ),
        pytest.param(
            lambda x, w: F.conv1d(x[None, None], w[None, None], padding=1)[0, 0],
            lambda g, x, w: (F.conv1d(g[None, None], w[None, None], padding=1)[0, 0], 0 * w),
            [(7,), (3,)],
            0,
            "The entries of w stand in reverse order",
            id="kernel not turned over",
        ),
    ],
)
def test_a_move_is_named(
    forward: Callable[..., Tensor],
    backward: Callable[..., Any],
    shapes: list[Any],
    at: int,
    words: str,
) -> None:
    said = said_of(forward, backward, shapes, at)
    assert said
    assert said.name == "other-places"
    assert words in said.text
    assert said.certain


@pytest.mark.parametrize(
    ("forward", "backward", "words"),
    [
        pytest.param(
            lambda x: torch.tanh(F.pad(x, (1, 0))[:, :-1]),
            lambda g, x: g * (1 - torch.tanh(F.pad(x, (1, 0))[:, :-1]) ** 2),
            "shifted by 1 along dimension 1",
            id="one step late",
        ),
        pytest.param(
            lambda x: x.sort(1, descending=True).values[:, :2],
            lambda g, x: F.pad(g, (0, 3)),
            "at the same places at every point, the right ones where the data pick them",
            id="first columns",
        ),
        pytest.param(
            lambda x: x[SHUFFLED].exp(),
            lambda g, x: (g * x[SHUFFLED].exp())[SHUFFLED],
            "The right numbers stand in other places",
            id="order applied again",
        ),
    ],
)
def test_other_places_that_one_move_does_not_explain_are_no_certainty(
    forward: Callable[..., Tensor], backward: Callable[..., Any], words: str
) -> None:
    said = said_of(forward, backward, [(4, 5)])
    assert said
    assert said.name == "other-places"
    assert words in said.text
    assert not said.certain


@pytest.mark.parametrize(
    ("forward", "backward", "words"),
    [
        pytest.param(
            lambda x: F.max_pool1d(x[None], 2)[0],
            lambda g, x: g.repeat_interleave(2, 1),
            "(24, due 12)",
            id="whole window",
        ),
        pytest.param(
            lambda x: torch.tril(x).exp() * torch.ones(4, 6).tril(),
            lambda g, x: g * x.exp(),
            "(24, due 10)",
            id="upper triangle",
        ),
    ],
)
def test_entries_that_are_too_many(
    forward: Callable[..., Tensor], backward: Callable[..., Any], words: str
) -> None:
    said = said_of(forward, backward, [(4, 6)])
    assert said
    assert said.name == "more-entries"
    assert words in said.text


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        pytest.param(lambda x: x.exp(), lambda g, x: g * x.exp(), id="right"),
        pytest.param(lambda x: x.exp(), lambda g, x: 2 * g * x.exp(), id="a factor of all of it"),
        pytest.param(lambda x: x.exp(), lambda g, x: 0 * x, id="zero"),
        pytest.param(lambda x: x.exp(), lambda g, x: g * x, id="other numbers"),
        pytest.param(lambda x: x[:, :3], lambda g, x: F.pad(g.abs(), (0, 2)), id="not linear"),
        pytest.param(lambda x: x.exp(), lambda g, x: g[:, :3], id="another shape"),
        pytest.param(lambda x: x.exp(), lambda g, x: g * x.exp() + 0.1 * x, id="a constant added"),
        pytest.param(
            lambda x: x.softmax(1),
            lambda g, x: (p := x.softmax(1)) * (g - (g * p).sum(0)),
            id="dense, with other numbers",
        ),
        pytest.param(lambda x: x.sum(1).exp(), lambda g, x: g[:, None] * x, id="shifts of what is constant"),
        pytest.param(
            lambda x: torch.cat([x.sin(), x.exp()]).roll(3),
            lambda g, x: g[:4] * x.cos(),
            id="a wrong formula",
        ),
    ],
)
def test_nothing_is_said_of_other_mistakes(
    forward: Callable[..., Tensor], backward: Callable[..., Any]
) -> None:
    assert said_of(forward, backward, [(4, 5)]) is None


def test_a_derivation_is_called_for_some_outputs_of_many() -> None:
    calls = 0

    def backward(g: Tensor, x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return g * x.abs().exp()

    wrong = wrong_gradient(lambda x: torch.where(x > 0, x.exp(), 0 * x), backward, [(20, 30)])
    calls = 0
    list(explanations(wrong))
    assert 0 < calls <= 4 * (MOST_OUTPUTS + 1)


def test_what_is_too_large_is_left_alone() -> None:
    wrong = wrong_gradient(lambda x: x.sum(0).exp(), lambda g, x: g * torch.ones_like(x), [(500, 30)])
    assert jacobians(wrong.problem, wrong.draws[0], MOST_OUTPUTS) is None
    assert list(explanations(wrong)) == []
