"""Shapes are taken as people write them, and otherwise refused in a line that shows them."""

from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.derive.shapes import shapes_of

TWO = [(5, 3), (7, 3)]


def forward(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight.T


def backward(g: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return g @ weight, g.T @ x


@pytest.mark.parametrize(
    ("given", "shapes"),
    [
        ("(5,3) (7,3)", TWO),
        ("(5, 3), (7, 3)", TWO),
        ("[(5,3), (7,3)]", TWO),
        ("(5,3)(7,3)", TWO),
        ("(5)", [(5,)]),
        ("()", [()]),
        ([[5, 3], [7, 3]], TWO),
        (((5, 3), (7, 3)), TWO),
        ([torch.Size((5, 3)), torch.ones(7, 3).shape], TWO),
        (zip((5, 7), (3, 3), strict=True), TWO),
        ((5, 3), [(5, 3)]),
        ([5, 3], [(5, 3)]),
        (torch.Size((5, 3)), [(5, 3)]),
        ([(5, 3), ()], [(5, 3), ()]),
        ([()], [()]),
        ([(torch.tensor(5), 3)], [(5, 3)]),
    ],
)
def test_shapes_are_taken_in_every_form(given: Any, shapes: list[tuple[int, ...]]) -> None:
    assert shapes_of("verify", given) == shapes


def test_numpy_sizes_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    assert shapes_of("verify", numpy.array(TWO)) == TWO
    assert shapes_of("verify", [(numpy.int64(5), 3)]) == [(5, 3)]


def test_text_is_taken_as_on_the_command_line() -> None:
    assert verify(forward, backward, shapes="(5,3) (7,3)") == verify(forward, backward, shapes=TWO)


@pytest.mark.parametrize(
    "given",
    [
        *(
            "5x3 7x3",
            "",
            "5,3",
            "(5,-3)",
            "(5,x)",
            "(5,3",
            "(5,)<0",
            "(5,)<x",
            "(True,3)",
            "((5,3),)",
            "(5.0,3)",
        ),
        *(
            [(5, -3)],
            [(5.0, 3)],
            ["5,3"],
            ["(5,)<0"],
            [None],
            5,
            [(True, 3)],
        ),
    ],
    ids=repr,
)
def test_what_is_no_list_of_shapes_is_shown_beside_what_is(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^verify: .*expected a list of shapes such as .*, got ") as error:
        verify(forward, backward, shapes=given)
    assert "\n" not in str(error.value)
