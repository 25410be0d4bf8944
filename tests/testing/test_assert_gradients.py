"""`assert_gradients` passes for what is right, and says of what is wrong what is wrong with it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from manual_backprop.testing import assert_gradients
from manual_backprop.verify import verify

SHAPES = [(5, 3), (7, 3)]


def linear(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight.T


def right(grad_output: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return grad_output @ weight, grad_output.T @ x


def wrong(grad_output: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return grad_output @ weight, -grad_output.T @ x


def test_a_right_derivation_passes() -> None:
    assert_gradients(linear, right, shapes=SHAPES)
    assert_gradients(linear, right, inputs=[torch.ones(2, 3), torch.ones(1, 3)])
    assert_gradients(torch.nn.Tanh(), against=torch.tanh, shapes="(5, 3)")


def test_the_message_begins_with_the_mistake_and_has_the_whole_report() -> None:
    with pytest.raises(AssertionError) as failure:
        assert_gradients(linear, wrong, shapes=SHAPES)
    report = verify(linear, wrong, shapes=SHAPES)
    first, blank, *rest = str(failure.value).splitlines()
    assert first == f"dweight: {report.verdicts[1].diagnoses[0].text}"
    assert blank == ""
    assert "\n".join(rest) == str(report)


def test_the_seed_is_that_of_the_numbers() -> None:
    messages = []
    for seed in (1, 2, 1):
        with pytest.raises(AssertionError) as failure:
            assert_gradients(linear, wrong, shapes=SHAPES, seed=seed)
        messages.append(str(failure.value))
    assert messages[0] == messages[2] != messages[1]


def raises(x: Tensor) -> Tensor:
    raise ValueError("no")


def misses_one(grad_output: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    return grad_output @ weight


@pytest.mark.parametrize(
    ("forward", "backward", "said"),
    [
        (lambda x: torch.rand(3) * x, lambda g, x: g, "Could not be judged: the forward returns a different"),
        (raises, lambda g, x: g, "Could not be judged: the forward raises ValueError"),
        (linear, misses_one, "your derivation returns 1 gradients for 2 inputs"),
    ],
    ids=["random", "raises", "a gradient is missing"],
)
def test_what_could_not_be_judged_does_not_pass(
    forward: Callable[..., Tensor], backward: Callable[..., object], said: str
) -> None:
    shapes = SHAPES if forward is linear else [(3,)]
    with pytest.raises(AssertionError) as failure:
        assert_gradients(forward, backward, shapes=shapes)
    assert str(failure.value).startswith(said)
    assert "\n\n" not in str(failure.value)  # nothing is said twice


def test_a_message_of_ones_own_stands_for_it_or_is_made_of_it() -> None:
    with pytest.raises(AssertionError, match=r"\Alook at page 3\Z"):
        assert_gradients(linear, wrong, shapes=SHAPES, msg="look at page 3")
    with pytest.raises(AssertionError, match=r"\Alinear\ndweight: "):
        assert_gradients(linear, wrong, shapes=SHAPES, msg=lambda said: f"linear\n{said}")


def test_a_question_that_is_none_is_an_error_and_no_failure() -> None:
    with pytest.raises(TypeError, match="either inputs= or shapes="):
        assert_gradients(linear, right)
