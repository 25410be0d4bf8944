"""The arguments of a forward as text: shapes, integers, flags and options, by position or by name."""

from typing import Any

import pytest
import torch
from torch import Tensor

from manual_backprop.derive.shapes import named_arguments_in


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("(5,3) (7,)", [(5, 3), (7,)]),
        ("[(5,3),(7,)]", [(5, 3), (7,)]),
        ("(5,3)(7,3)", [(5, 3), (7, 3)]),
        ("(7)", [(7,)]),
        ("()", [()]),
        ("(5,3) 'train' {'stride': 1}", [(5, 3), "train", {"stride": 1}]),
        ("(5,3) train 0.5 True None -1", [(5, 3), "train", 0.5, True, None, -1]),
        ("x=(5,3) w=(3,4)", {"x": (5, 3), "w": (3, 4)}),
        ("x = (5,3), w = (3, 4)", {"x": (5, 3), "w": (3, 4)}),
        ("x=(5,3) mode='train' p=.5 s=1e-3", {"x": (5, 3), "mode": "train", "p": 0.5, "s": 0.001}),
        ("x=(5,3) mode=train", {"x": (5, 3), "mode": "train"}),
        ('x=(5,3) text="a, (b = 3"', {"x": (5, 3), "text": "a, (b = 3"}),
        (
            "x=(5,3) conv_param={'stride': 1, 'pad': (1, 2)}",
            {"x": (5, 3), "conv_param": {"stride": 1, "pad": (1, 2)}},
        ),
        ('params={"W1": (3, 4), "b1": (4,)}', {"params": {"W1": (3, 4), "b1": (4,)}}),
        ("xs=[(3, 4), (4,)]", {"xs": [(3, 4), (4,)]}),
        ("β=(3,)", {"β": (3,)}),
    ],
)
def test_text_is_arguments(text: str, due: Any) -> None:
    named = due.items() if isinstance(due, dict) else ((None, value) for value in due)
    assert named_arguments_in(text) == [*named]


@pytest.mark.parametrize("text", ["x=(5,3) y=(50,)<10", "x=(5,3) y=(50,) < 10", "x=(5,3),y=(50)<10"])
def test_a_shape_with_a_bound_is_integers(text: str) -> None:
    numbers = dict(named_arguments_in(text))["y"]
    assert isinstance(numbers, Tensor)
    assert numbers.dtype == torch.int64
    assert sorted(numbers.tolist()) == sorted([*range(10)] * 5)


def test_those_without_a_name_come_first() -> None:
    assert named_arguments_in("(5,3) p=0.5") == [(None, (5, 3)), ("p", 0.5)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a list of shapes such as (5,3) (7,3) (7,), got ''"),
        ("5x3", "expected a list of shapes such as (5,3) (7,3) (7,), got '5x3'"),
        ("(5,-3)", "expected a list of shapes such as (5,3) (7,3) (7,), got '(5,-3)'"),
        ("train", "expected a list of shapes"),
        ("(3,)<0", "expected a list of shapes"),
        ("(5,3) + (3,)", "expected a list of shapes"),
        ("x=5 p=0.5", "expected a list of shapes such as (5,3) (7,3) (7,), got 'x=5 p=0.5'"),
        ("x:(3,)", "expected a list of shapes"),
        ("x=", "expected a shape such as (5,3), a number, 'a string', True, None or {'stride': 1}, x is "),
        ("x=(5,a)", "x is given as '(5,a)'"),
        ("x=(1.5,)", "x is given as '(1.5,)'"),
        ("x=(3,) p=f(3)", "p is given as 'f(3)'"),
        ("x=(3,) p={'a':", "p is given as \"{'a':\""),
        ("x=(3,) p='train", 'p is given as "\'train"'),
        ("x=(3,) x=(4,)", "x is given twice: 'x=(3,) x=(4,)'"),
        ("x=(3,) (4,)", "an argument without a name follows one with a name"),
        ("x=" + "(" * 10_000, "x is given as "),
    ],
)
def test_what_is_no_argument_is_told_in_a_line(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        named_arguments_in(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
