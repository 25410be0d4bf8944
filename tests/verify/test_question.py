"""What `verify` is asked: a question that is none is told in a line."""

from typing import Any

import pytest
import torch

from manual_backprop import verify


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int64])
def test_inputs_without_a_real_derivative_are_told_so(dtype: torch.dtype) -> None:
    report = verify(torch.exp, lambda g, x: g, inputs=[torch.ones(3).to(dtype)])
    assert report.status == "unjudged"
    assert "only derivatives with respect to real numbers can be judged" in " ".join(str(report).split())


@pytest.mark.parametrize(
    "arguments",
    [
        {"shapes": [(3,)]},
        {"backward": lambda g, x: g},
        {"backward": lambda g, x: g, "against": torch.exp, "shapes": [(3,)]},
        {"backward": lambda g, x: g, "inputs": [torch.ones(3)], "shapes": [(3,)]},
    ],
)
def test_a_question_that_is_none_is_an_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="give either"):
        verify(torch.exp, **arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"forward": "liner"},
            "forward must be a function, a module, a module with its loss, or an object with forward and "
            "backward or loss and gradient, got 'liner'",
        ),
        ({"forward": (torch.nn.Linear(3, 2), 3)}, "forward must be a function"),
        ({"backward": "backward"}, "backward must be a function, got 'backward'"),
        ({"backward": None, "against": torch.ones(3)}, "against must be a function"),
        ({"shapes": None, "inputs": [(5, 3)]}, r"inputs must be tensors, got \(5, 3\); shapes go to shapes="),
        ({"shapes": None, "inputs": [1.5]}, "inputs must be tensors, got 1.5"),
    ],
)
def test_what_is_no_question_is_told_in_a_line(arguments: dict[str, Any], says: str) -> None:
    question = {"forward": torch.exp, "backward": lambda g, x: g, "shapes": [(5, 3)], **arguments}
    with pytest.raises(TypeError, match=says):
        verify(**question)


def test_one_tensor_alone_is_the_one_input() -> None:
    report = verify(torch.exp, lambda g, x: g * x.exp(), inputs=torch.rand(5, 3).t())
    assert report
    assert len(report.verdicts) == 1
