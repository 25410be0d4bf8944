"""Shapes are found for functions of every kind, and are those that a reader expects."""

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from manual_backprop.derive.found_shapes import BackwardFails, found_arguments, said
from manual_backprop.derive.found_shapes.misfits import equalities
from tests.derive.found_shapes.runs import CASES, Case, fits

MORE = ("further_numpy", "further_in_torch", "more_numpy", "more_in_torch")
for kind in ("functions", "losses", "norms", "images", "sequences", "forms"):
    import_module(f"tests.derive.found_shapes.numpy_{kind}")
for name in ("functions_in_torch", "sequences_in_torch", "mistaken_functions", *MORE):
    import_module(f"tests.derive.found_shapes.{name}")


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_shapes_are_those_that_it_is_meant_for(case: Case) -> None:
    found = case.find()
    assert found.arguments is not None, found.error
    assert fits(found.arguments, case.expected), said(case.parameters, found.arguments)


@pytest.mark.parametrize("case", CASES[::9], ids=str)
def test_the_same_shapes_are_found_again(case: Case) -> None:
    once, again = (said(case.parameters, case.find().arguments or []) for _ in range(2))
    assert once == again


def test_arguments_are_said_in_a_line() -> None:
    def layer(x: Any, w: Any, y: Any, t: Any, m: Any, p: Any, params: Any, mode: Any) -> None: ...

    arguments = [
        (5, 3),
        (),
        np.array([0, 6, 2, 1, 1]),
        np.eye(3, dtype=np.int64),
        np.ones((2, 3), bool),
        0.5,
        {"W1": (3, 7), "mode": "train"},
        "train",
    ]
    assert said(parameters(layer), arguments) == (
        "x (5, 3), w (), y 5 integers below 7, t 3 × 3 one-hot integers, m 2 × 3 truths, p 0.5, "
        'params {"W1": (3, 7), "mode": "train"}, mode "train"'
    )


def test_where_nothing_fits_the_error_that_came_furthest_is_kept() -> None:
    def impossible(x: Any) -> None:
        np.sum(x)
        raise ValueError("never")

    found = found_arguments(lambda arguments: impossible(np.ones(arguments[0])) or 0, parameters(impossible))
    assert found.arguments is None
    assert str(found.error) == "never"


def test_a_name_that_is_not_defined_ends_the_search() -> None:
    def misspelled(x: Any) -> Any:
        return nup.sum(x)  # type: ignore[name-defined]

    found = found_arguments(lambda arguments: misspelled(arguments[0]), parameters(misspelled), [misspelled])
    assert (found.arguments, found.tries) == (None, 1)
    assert isinstance(found.error, NameError)


def test_shapes_that_the_backward_fits_too_are_better_than_those_that_the_forward_alone_takes() -> None:
    def runs(arguments: list[Any]) -> int:
        x, w = arguments
        return 0 if w[-1] == x[-1] else 1

    found = found_arguments(runs, parameters(lambda x, w: None)).arguments
    assert found == [(5, 3), (7, 3)]


def test_what_fits_the_forward_is_found_where_the_backward_always_fails() -> None:
    def runs(arguments: list[Any]) -> int:
        x, w = (np.ones(shape) for shape in arguments)
        x @ w
        raise BackwardFails from ValueError("always")

    found = found_arguments(runs, parameters(lambda x, w: None)).arguments
    assert found == [(5, 3), (3, 7)]


@pytest.mark.parametrize(
    ("message", "first"),
    [
        ("mismatch in its core dimension 0, with … (size 7 is different from 3)", ((7, 3),)),
        ("shapes (5,3) and (7,11) not aligned: 3 (dim 1) != 7 (dim 0)", ((3, 7),)),
        ("operands could not be broadcast together with shapes (5,3) (7,11) ", ((3, 11), (5, 7))),
        ("mat1 and mat2 shapes cannot be multiplied (5x3 and 7x11)", ((3, 7),)),
        (
            "The size of tensor a (3) must match the size of tensor b (7) at non-singleton dimension 1",
            ((3, 7),),
        ),
        ("index 3 is out of bounds for axis 1 with size 3", ((3, 5),)),
        ("Expected input batch_size (5) to match target batch_size (7).", ((5, 7),)),
    ],
)
def test_an_error_says_which_sizes_must_be_equal(message: str, first: Any) -> None:
    (_, pairs), *_ = equalities(ValueError(message), {3, 5, 7, 11})
    assert pairs == first


def test_sizes_that_differ_are_different_primes() -> None:
    case = next(case for case in CASES if case.forward.__name__ == "net_by_names")
    (params, x), _ = case.find().arguments or ((), ()), None
    sizes = {n for shape in (*params.values(), x) for n in shape}
    assert sizes == {3, 5, 7, 11, 13}


def test_what_a_docstring_says_is_taken_before_what_a_name_lets_expect() -> None:
    def forward(x: Any, w: Any) -> Any:
        """A product.

        - x: images, of shape (N, d_1, d_2)
        - w: weights, of shape (M, D)
        """
        return x.reshape(len(x), -1) @ w.T

    found = found_arguments(lambda a: np.size(forward(*map(np.ones, a))) * 0, parameters(forward), [forward])
    assert re.fullmatch(r"x \(5, 3, 7\), w \(\d+, 21\)", said(parameters(forward), found.arguments or []))
