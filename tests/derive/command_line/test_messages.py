"""What a user's code raised is told with the innermost line that is the user's own."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from manual_backprop import verify
from manual_backprop.derive.command_line.messages import LONGEST_LINE, told

HERE = Path(__file__).name


def names_nothing(x: Any) -> Any:
    return x * epsilon  # type: ignore[name-defined]  # noqa: F821


def does_not_fit(x: Any) -> Any:
    return x @ np.ones((4, 2))


def inside_numpy(x: Any) -> Any:
    return np.concatenate([x, np.ones(3)])


def inside_torch(x: Any) -> Any:
    return torch.nn.functional.cross_entropy(torch.ones(3, 3), torch.ones(2, dtype=torch.long))


def inside_python(x: Any) -> Any:
    return json.loads("{")


def calls(x: Any) -> Any:
    return does_not_fit(x)


@pytest.mark.parametrize(
    ("function", "inner"),
    [
        (names_nothing, names_nothing),
        (does_not_fit, does_not_fit),
        (inside_numpy, inside_numpy),
        (inside_torch, inside_torch),
        (inside_python, inside_python),
        (calls, does_not_fit),
    ],
)
def test_the_place_is_the_innermost_line_of_the_users(
    function: Callable[..., Any], inner: Callable[..., Any]
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(np.ones((5, 3)))
    lines, first = inspect.getsourcelines(inner)
    text = lines[1].partition("#")[0].strip()
    text = text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + "…"
    assert told(caught.value).endswith(f" ({HERE}:{first + 1}, in {inner.__name__}: {text})")
    assert told(caught.value, __file__).endswith(f" (line {first + 1}, in {inner.__name__}: {text})")
    assert "\n" not in told(caught.value)


def run(name: str, text: str) -> None:
    exec(compile(text, name, "exec"), {"__name__": "run"})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("other.ipynb, cell 3", "other.ipynb, cell 3, line 2"),
        ("/tmp/ipykernel_17/2350.py", "line 2 of the cell"),
        ("<stdin>", "<stdin>:2"),
        ("/home/me/site-packages/mine/a.py", "a.py:2"),
    ],
)
def test_cells_and_what_has_no_file_have_a_place_too(name: str, place: str) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(name, "\n1 / 0\n")
    assert told(caught.value) == f"ZeroDivisionError: division by zero ({place})"


def test_an_error_without_a_line_of_the_users_is_told_by_its_words() -> None:
    assert told(ValueError("a.")) == "ValueError: a."
    with pytest.raises(ZeroDivisionError) as caught:
        run("/x/site-packages/numpy/core.py", "1 / 0")
    assert told(caught.value).endswith(f"({HERE}:{run.__code__.co_firstlineno + 1}, in run: "
                                       'exec(compile(text, name, "exec"), {"__name__": "run"}))')  # fmt: skip


def says(report: object) -> str:
    return " ".join(str(report).split())


def test_verify_tells_where_a_derivation_and_a_forward_fail() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        return g @ x

    def forward(x: Tensor) -> Tensor:
        return x @ x

    derivation = verify(torch.exp, backward, shapes=[(5, 3)])
    assert derivation.status == "malformed"
    line = backward.__code__.co_firstlineno + 1
    assert f"({HERE}:{line}, in backward: return g @ x)" in says(derivation)
    computation = verify(forward, backward, shapes=[(5, 3)])
    assert computation.status == "unjudged"
    line = forward.__code__.co_firstlineno + 1
    assert f"({HERE}:{line}, in forward: return x @ x)" in says(computation)
