"""How a forward in NumPy is taken: its name, its flags, its outputs; and what cannot be followed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from manual_backprop.derive import Underivable, derive
from manual_backprop.derive.writing.loops import looped


def scaled_forward(x, w, options):
    y = x * w
    if options["mode"] == "double":
        y = 2 * y
    return y, (x, w)


def cell_forward(x, h, W):
    a = np.tanh(x @ W)
    next_h = a * h
    gate = 1 / (1 + np.exp(-h))
    return (next_h, gate), {"x": x}


def loss_of_scores(scores, y):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean()


def test_options_stand_in_the_code_with_their_values() -> None:
    source = derive(scaled_forward, shapes=[(3, 4), (4,), {"mode": "double"}]).source()
    assert "def scaled_forward(x, w):\n    # with options = {'mode': 'double'}\n" in source
    assert "dy1 = 2 * dy\n    dx = dy1 * w" in source


def test_inputs_may_be_given_by_name() -> None:
    source = derive(scaled_forward, shapes={"x": (3, 4), "w": (4,), "options": {"mode": "plain"}}).source()
    assert "dx = dy * w" in source


def test_several_outputs_have_an_upstream_gradient_each() -> None:
    derivation = derive(cell_forward, shapes=[(2, 3), (2, 4), (3, 4)])
    source = derivation.source()
    assert "    return (next_h, gate), cache\n" in source
    assert "def cell_backward(dnext_h, dgate, cache):" in source
    assert "from dnext_h = ∂L/∂next_h and dgate = ∂L/∂gate" in str(derivation)
    assert "backward(grad_output0, grad_output1, cache)" in derivation.source("torch")


def test_a_sigmoid_and_a_softmax_made_of_exponentials_have_their_own_way_back() -> None:
    source = derive(cell_forward, shapes=[(2, 3), (2, 4), (3, 4)]).source()
    assert "dgate * gate * (1 - gate)" in source
    source = derive(loss_of_scores, shapes=[(3, 4), np.array([0, 3, 1])]).source()
    assert "dscores = dout * p2 / 3\n    dscores[np.arange(3), y] -= dout / 3\n" in source


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [f"y[{i}] = x[{i}:{i + 3}] @ w" for i in range(4)],
            ["for i in range(4):", "    y[i] = x[i : i + 3] @ w"],
        ),
        (
            [f"y[{i}, {j}] = x[{2 * i + 1}, {j}]" for i in range(3) for j in range(2)],
            ["for i, j in np.ndindex(3, 2):", "    y[i, j] = x[2 * i + 1, j]"],
        ),
        (
            [
                "dx = np.zeros_like(x)",
                "dx[4:6] = d[4] * w",
                *(f"dx[{i}:{i + 2}] += d[{i}] * w" for i in (3, 2, 1, 0)),
            ],
            ["dx = np.zeros_like(x)", "for i in range(5):", "    dx[i : i + 2] += d[i] * w"],
        ),
        ([f"y[{i}] = x[{i * i}]" for i in range(5)], None),
        ([f"y[{i}] = x[{i}]" for i in range(3)], None),
        ([f"y[{3 - i}] = x[{3 - i}]" for i in range(4)], None),
    ],
)
def test_lines_that_count_up_are_a_loop(lines: list[str], expected: list[str] | None) -> None:
    assert looped(lines, {"x", "y"}) == (expected or lines)


def sorted_rows(x):
    return np.sort(x, axis=1)  # here


def by_eigenvalues(x):
    return np.linalg.eigvalsh(x @ x.T)  # here


def by_values(x):
    return x * 2 if x.sum() > 0 else x  # here


@pytest.mark.parametrize("forward", [sorted_rows, by_eigenvalues, by_values])
def test_what_cannot_be_followed_is_told_with_its_line(forward) -> None:
    line = forward.__code__.co_firstlineno + 1
    with pytest.raises(Underivable, match=rf"test_array_forwards\.py:{line}: "):
        derive(forward, shapes=[(3, 3)])


def test_the_command_prints_numpy_for_numpy(tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    file.write_text(
        "import numpy as np\n\n\ndef relu_forward(x):\n    out = np.maximum(0, x)\n    return out, x\n"
    )

    def said(*options: str) -> str:
        command = [
            sys.executable,
            "-m",
            "manual_backprop",
            "derive",
            f"{file}:relu_forward",
            "--shapes",
            "(3,4)",
        ]
        return subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout

    assert "dx = np.where(out > 0, dout, 0)" in said()
    assert "def relu_backward(dout, cache):" in said("--numpy")
    assert "dx = torch.where(out > 0, grad_output, 0)" in said("--torch")
